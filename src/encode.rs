//! Values in paths and queries, encoded so that none of them can change where a request goes.

use std::collections::HashMap;
use std::fmt::{self, Display, Write};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::call::USUAL_VALUE;
use crate::validate::{Checked, Refusal, Rule};

/// Percent-encodes everything but RFC 3986's unreserved characters: `/` and `\` too.
struct Encoder<'a>(&'a mut String);

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if text.bytes().all(is_unreserved) {
            self.0.push_str(text);
            return Ok(());
        }
        for byte in text.bytes() {
            if is_unreserved(byte) {
                self.0.push(char::from(byte));
            } else {
                let hex = |digit: u8| char::from(HEX[usize::from(digit)]);
                self.0.extend(['%', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        Ok(())
    }
}

/// Appends a value, encoded.
pub(crate) fn push_encoded(out: &mut String, value: &(impl Display + ?Sized)) {
    // Writing into a string fails only if the value's own `Display` does.
    let _ = write!(Encoder(out), "{value}");
}

/// The query of a request, encoded as it grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Appends `name=value`.
    pub(crate) fn push(&mut self, name: &str, value: &(impl Display + ?Sized)) {
        self.0.reserve(name.len() + USUAL_VALUE);
        if !self.0.is_empty() {
            self.0.push('&');
        }
        push_encoded(&mut self.0, name);
        self.0.push('=');
        push_encoded(&mut self.0, value);
    }

    /// Appends `name=value` with the value encoded already.
    fn push_raw(&mut self, name: &str, encoded: &str) {
        self.push(name, "");
        self.0.push_str(encoded);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value that a query can hold.
pub(crate) trait QueryValue {
    /// Appends the value under its parameter's name.
    fn append(&self, name: &str, query: &mut Query);
}

macro_rules! as_displayed {
    ($($value:ty),*) => {$(
        impl QueryValue for $value {
            fn append(&self, name: &str, query: &mut Query) {
                query.push(name, self);
            }
        }
    )*};
}
as_displayed!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, bool, String);

impl QueryValue for DateTime<Utc> {
    fn append(&self, name: &str, query: &mut Query) {
        query.push(name, &self.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
}

impl<T: QueryValue> QueryValue for Vec<T> {
    /// The name again for each item.
    fn append(&self, name: &str, query: &mut Query) {
        self.iter().for_each(|item| item.append(name, query));
    }
}

/// A list in one parameter, its items separated: a separator within an item is encoded.
#[derive(Debug)]
pub(crate) struct Joined<T>(Vec<T>, char);

/// A list to be sent as one parameter.
#[allow(dead_code)] // the bundled document has none
pub(crate) fn joined<T>(
    value: Result<Option<Vec<T>>, String>,
    by: char,
) -> Result<Option<Joined<T>>, String> {
    value.map(|value| value.map(|items| Joined(items, by)))
}

impl<T: QueryValue> QueryValue for Joined<T> {
    fn append(&self, name: &str, query: &mut Query) {
        let items = self.0.iter().map(|item| {
            let mut one = Query::default();
            item.append("", &mut one);
            one.0.trim_start_matches('=').to_owned()
        });
        let by = match self.1 {
            ' ' => "%20",
            '|' => "%7C",
            _ => ",",
        };
        query.push_raw(name, &items.collect::<Vec<_>>().join(by));
    }
}

impl<T> Checked for Joined<T> {
    fn check(&self, rule: &Rule) -> Result<(), Refusal> {
        self.0.check(rule)
    }
}

/// A map in parameters of its own for each entry: `tags[team]=a`.
#[derive(Debug)]
pub(crate) struct Deep<T>(HashMap<String, T>);

/// A map to be sent as `name[key]=value`.
#[allow(dead_code)] // the bundled document has none
pub(crate) fn deep<T>(
    value: Result<Option<HashMap<String, T>>, String>,
) -> Result<Option<Deep<T>>, String> {
    value.map(|value| value.map(Deep))
}

impl<T: QueryValue> QueryValue for Deep<T> {
    fn append(&self, name: &str, query: &mut Query) {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        for (key, value) in entries {
            value.append(&format!("{name}[{key}]"), query);
        }
    }
}

impl<T> Checked for Deep<T> {
    fn check(&self, rule: &Rule) -> Result<(), Refusal> {
        self.0.check(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        let mut out = String::new();
        push_encoded(&mut out, r"aZ0-._~/\ ?#%+&=é");
        assert_eq!(out, "aZ0-._~%2F%5C%20%3F%23%25%2B%26%3D%C3%A9");
    }

    #[test]
    fn lists_are_joined_and_maps_spelt_out() {
        let mut query = Query::default();
        joined(Ok(Some(vec!["a,b".to_owned(), "c".to_owned()])), ',')
            .unwrap()
            .unwrap()
            .append("x", &mut query);
        joined(Ok(Some(vec![1_i64, 2])), '|').unwrap().unwrap().append("y", &mut query);
        let tags = HashMap::from([
            ("team".to_owned(), "a&b".to_owned()),
            ("k]".to_owned(), String::new()),
        ]);
        deep(Ok(Some(tags))).unwrap().unwrap().append("tags", &mut query);
        assert_eq!(query.as_str(), "x=a%2Cb,c&y=1%7C2&tags%5Bk%5D%5D=&tags%5Bteam%5D=a%26b");
    }

    #[test]
    fn queries_repeat_the_name_of_a_list() {
        let mut query = Query::default();
        vec!["a".to_owned(), "b&c".to_owned()].append("tag", &mut query);
        true.append("deep", &mut query);
        DateTime::<Utc>::UNIX_EPOCH.append("since", &mut query);
        assert_eq!(query.as_str(), "tag=a&tag=b%26c&deep=true&since=1970-01-01T00%3A00%3A00Z");
    }
}
