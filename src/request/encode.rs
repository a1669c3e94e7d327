//! Values in paths and queries, encoded so that none of them can change where a request goes.

use std::fmt::{self, Display, Write};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::model::open_enum::OpenEnum;

/// Room for a value in a path or a query: an id mostly.
pub(crate) const USUAL_VALUE: usize = 40;

/// Percent-encodes everything but RFC 3986's unreserved characters, `/` and `\` too, and but the
/// characters that are allowed besides.
struct Encoder<'a>(&'a mut String, &'static [u8]);

/// The reserved characters that mean nothing in a query's value: neither its end nor a space.
const RESERVED: &[u8] = b":/?[]@!$'()*,;=";

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let is_unreserved = |byte: u8| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => true,
            _ => self.1.contains(&byte),
        };
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
    let _ = write!(Encoder(out, &[]), "{value}");
}

/// Appends values, each encoded, with a separator that no longer occurs in them.
pub(crate) fn push_joined(out: &mut String, items: &[String], by: char) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(match by {
                ' ' => "%20",
                '|' => "%7C",
                _ => ",",
            });
        }
        push_encoded(out, item);
    }
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

    /// Appends `name=value`, whose reserved characters the document allows to stand as they are.
    pub(crate) fn push_reserved(&mut self, name: &str, value: &str) {
        self.push(name, "");
        let _ = write!(Encoder(&mut self.0, RESERVED), "{value}");
    }

    /// Appends `name=a,b`.
    pub(crate) fn push_joined(&mut self, name: &str, items: &[String], by: char) {
        self.push(name, "");
        push_joined(&mut self.0, items, by);
    }

    /// The first value of this name, as it is written.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.as_str();
        loop {
            if let Some(value) = pairs.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value.split_once('&').map_or(value, |(value, _)| value));
            }
            pairs = pairs.split_once('&')?.1;
        }
    }

    /// The same query with one value of this name, which is encoded already, and none before.
    #[must_use]
    pub(crate) fn with(&self, name: &str, encoded: &str) -> Self {
        let is_other = |pair: &&str| pair.split('=').next() != Some(name);
        let others: Vec<&str> =
            self.0.split('&').filter(|it| !it.is_empty()).filter(is_other).collect();
        let mut query = Self(others.join("&"));
        query.push(name, "");
        query.0.push_str(encoded);
        query
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
as_displayed!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, bool, String, NaiveDate);

impl<T: OpenEnum> QueryValue for T {
    fn append(&self, name: &str, query: &mut Query) {
        query.push(name, self.text());
    }
}

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
    fn queries_repeat_the_name_of_a_list() {
        let mut query = Query::default();
        vec!["a".to_owned(), "b&c".to_owned()].append("tag", &mut query);
        true.append("deep", &mut query);
        DateTime::<Utc>::UNIX_EPOCH.append("since", &mut query);
        assert_eq!(query.as_str(), "tag=a&tag=b%26c&deep=true&since=1970-01-01T00%3A00%3A00Z");
    }
}
