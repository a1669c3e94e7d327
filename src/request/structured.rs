//! Values that are more than one text, where only text can travel: objects, choices and secrets in
//! parameters, and forms of names and texts.
//!
//! Each is written by way of its JSON, the one form that every generated type has.

use serde::Serialize;
use serde_json::Value;

use super::body::Body;
use super::call::{Call, about};
use super::encode::{Query, push_encoded, push_joined};
use crate::model::secret::{self, Secret};
use crate::model::validate::{Rule, Validate};

/// How a list or an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `a=1&a=2`; the members of an object stand on their own.
    Repeated,
    /// `a=1,2`; an object is its names and values in turn.
    Joined(char),
    /// `a[x]=1&a[y]=2`
    Deep,
    /// `a={"x":1}`
    Json,
    /// `a=https://b/c`: the reserved characters that cannot end a value stand as they are.
    Reserved,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// The media type of a form of names and texts.
const FORM: &str = "application/x-www-form-urlencoded";

impl Call {
    /// Adds a parameter, unless it is left out.
    pub(crate) fn structured<T: Serialize>(
        &mut self,
        place: Place,
        name: &str,
        value: Option<&T>,
        style: Style,
    ) {
        let Some(value) = value else { return };
        let value = match tree(value) {
            Ok((value, secrets)) => {
                secrets.iter().for_each(|secret| self.scrubber.knows(secret));
                value
            }
            Err(problem) => return self.invalidate(about(&format!("`{name}`"), &problem)),
        };
        match place {
            Place::Query => append(&mut self.query, name, &value, style),
            Place::Header => self.header(name, Some(&written(&value, style)), &Rule::NONE),
            Place::Path => {
                let mut encoded = String::new();
                match style {
                    Style::Json => push_encoded(&mut encoded, &written(&value, style)),
                    _ => push_joined(&mut encoded, &parts(&value), ','),
                }
                self.fill(name, &encoded);
            }
        }
    }

    /// Sets a body of names and texts, unless it is left out. Objects and lists of them are JSON,
    /// and other lists repeat their name, where no style says otherwise.
    pub(crate) fn url_encoded<T: Serialize + Validate>(
        &mut self,
        value: Option<&T>,
        styles: &[(&str, Style)],
    ) {
        let checks = self.checks();
        let Some(value) = value.filter(|value| self.holds(value.validate(checks))) else { return };
        let Ok((Value::Object(fields), secrets)) = tree(value) else {
            return self.invalidate("the request body cannot be written as a form".to_owned());
        };
        let mut form = Query::default();
        for (name, value) in fields {
            let is_tree = |value: &Value| value.is_object() || value.is_array();
            let usual = match &value {
                Value::Array(items) if items.iter().any(is_tree) => Style::Json,
                Value::Object(_) => Style::Json,
                _ => Style::Repeated,
            };
            let chosen = styles.iter().find(|(field, _)| *field == name).map(|(_, style)| *style);
            append(&mut form, &name, &value, chosen.unwrap_or(usual));
        }
        secrets.iter().for_each(|secret| self.scrubber.knows(secret));
        self.body = Body::Whole(form.as_str().to_owned().into(), FORM);
    }
}

/// The JSON of a value, with its secrets in the clear, and those secrets.
fn tree(value: &impl Serialize) -> Result<(Value, Vec<Secret>), String> {
    let written = secret::serialise(value).ok();
    let tree = written.and_then(|it| Some((serde_json::from_slice(&it.body).ok()?, it.secrets)));
    // The message of a caller's own `Serialize` may quote anything.
    tree.ok_or_else(|| "cannot be written as JSON".to_owned())
}

fn append(query: &mut Query, name: &str, value: &Value, style: Style) {
    match (style, value) {
        (_, Value::Null) => {}
        (Style::Json, Value::String(_) | Value::Object(_) | Value::Array(_)) => {
            query.push(name, &written(value, style));
        }
        (Style::Deep, Value::Object(members)) => {
            for (key, inner) in members.iter().filter(|(_, inner)| !inner.is_null()) {
                append(query, &format!("{name}[{key}]"), inner, style);
            }
        }
        (Style::Reserved, Value::Array(items)) => {
            items.iter().for_each(|item| query.push_reserved(name, &text(item)));
        }
        (Style::Reserved, Value::Object(members)) => {
            for (key, inner) in members.iter().filter(|(_, inner)| !inner.is_null()) {
                query.push_reserved(key, &text(inner));
            }
        }
        (Style::Reserved, value) => query.push_reserved(name, &text(value)),
        (Style::Repeated, Value::Object(members)) => {
            for (key, inner) in members.iter().filter(|(_, inner)| !inner.is_null()) {
                query.push(key, &text(inner));
            }
        }
        (Style::Repeated | Style::Deep, Value::Array(items)) => {
            items.iter().for_each(|item| query.push(name, &text(item)));
        }
        (Style::Joined(by), Value::Object(_) | Value::Array(_)) => {
            query.push_joined(name, &parts(value), by);
        }
        _ => query.push(name, &text(value)),
    }
}

/// A value as one text.
fn written(value: &Value, style: Style) -> String {
    match style {
        Style::Json => value.to_string(),
        _ => parts(value).join(","),
    }
}

/// The texts of a list, or the names and texts of an object in turn.
fn parts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(members) => {
            members.iter().flat_map(|(key, inner)| [key.clone(), text(inner)]).collect()
        }
        other => vec![text(other)],
    }
}

/// A value without the quotes of a text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(value: &Value, style: Style) -> String {
        let mut query = Query::default();
        append(&mut query, "f", value, style);
        query.as_str().to_owned()
    }

    #[test]
    fn every_style_writes_lists_and_objects_in_its_way() {
        let list = json!(["a,b", 1]);
        let object = json!({ "x": "a&b", "y": [1, 2], "z": { "n": null, "m": true } });
        assert_eq!(query(&list, Style::Repeated), "f=a%2Cb&f=1");
        assert_eq!(query(&list, Style::Joined('|')), "f=a%2Cb%7C1");
        assert_eq!(query(&list, Style::Json), "f=%5B%22a%2Cb%22%2C1%5D");
        assert_eq!(
            query(&object, Style::Deep),
            "f%5Bx%5D=a%26b&f%5By%5D=1&f%5By%5D=2&f%5Bz%5D%5Bm%5D=true"
        );
        assert_eq!(query(&json!({ "x": 1, "y": "b" }), Style::Repeated), "x=1&y=b");
        assert_eq!(query(&json!({ "x": 1, "y": "b" }), Style::Joined(',')), "f=x,1,y,b");
    }

    #[test]
    fn reserved_characters_stand_where_the_document_allows_them() {
        let value = json!(["https://a/b?c=d&e#f+g%h i", "x"]);
        let expected = "f=https://a/b?c=d%26e%23f%2Bg%25h%20i&f=x";
        assert_eq!(query(&value, Style::Reserved), expected);
        assert_eq!(query(&json!({ "x": "a/b", "y": null }), Style::Reserved), "x=a/b");
    }

    #[test]
    fn a_choice_of_plain_values_is_plain_in_every_style_but_json() {
        for style in [Style::Repeated, Style::Joined(','), Style::Deep] {
            assert_eq!(query(&json!("a b"), style), "f=a%20b");
            assert_eq!(query(&json!(7), style), "f=7");
        }
        assert_eq!(query(&json!("a"), Style::Json), "f=%22a%22");
    }
}
