//! What an error response says, and a key that a malformed success still holds.

use serde_json::Value;

use super::scrub::Scrubber;
use crate::model::secret::Secret;

/// The most characters of each text, and the most details, that an error keeps.
const LONGEST_TEXT: usize = 512;
const MOST_DETAILS: usize = 32;

/// One entry of an error's details, as the server sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// The code for programs, if there is one.
    pub code: Option<String>,
    /// The text for people, if there is one.
    pub message: Option<String>,
}

/// The error that the API documents, read with tolerance.
#[derive(Debug, Default)]
pub(crate) struct ServerError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) details: Vec<Detail>,
    pub(crate) inner: Option<Detail>,
    /// The whole body, if it is JSON.
    pub(crate) body: Option<serde_json::Value>,
}

/// A key that was made although its response is not the documented one.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) key: Secret,
}

/// The body of an error status: the documented JSON as far as it is there.
pub(crate) fn parse(body: &[u8], scrubber: &Scrubber) -> (ServerError, Option<String>) {
    let excerpt = scrubber.excerpt(body, LONGEST_TEXT);
    let text = |value: &Value, name: &str| {
        let line = match value.get(name)? {
            Value::String(text) => scrubber.line(text, LONGEST_TEXT),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(line).filter(|line| !line.is_empty())
    };
    let detail = |value: &Value| match value {
        Value::String(message) => {
            Detail { code: None, message: Some(scrubber.line(message, LONGEST_TEXT)) }
        }
        _ => Detail { code: text(value, "code"), message: text(value, "message") },
    };
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return (ServerError::default(), excerpt);
    };
    let server = ServerError {
        code: text(&value, "code"),
        message: text(&value, "message"),
        details: value
            .get("details")
            .and_then(Value::as_array)
            .map(|details| details.iter().take(MOST_DETAILS).map(detail).collect())
            .unwrap_or_default(),
        inner: value.get("inner_error").filter(|inner| inner.is_object()).map(detail),
        body: None,
    };
    let mut body = value;
    scrub(&mut body, scrubber);
    (ServerError { body: Some(body), ..server }, excerpt)
}

/// Removes secrets from every text of a value.
fn scrub(value: &mut Value, scrubber: &Scrubber) {
    match value {
        Value::String(text) => *text = scrubber.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, scrubber)),
        Value::Object(members) => members.values_mut().for_each(|member| scrub(member, scrubber)),
        _ => {}
    }
}

/// The key in a response that holds one and is otherwise not as documented. Only a whole JSON object
/// counts, whatever follows it: half a plaintext is worse than none.
pub(crate) fn created(body: &[u8]) -> Option<Created> {
    #[derive(serde::Deserialize)]
    struct Key {
        id: String,
        key: Secret,
    }
    let Key { id, key } = serde_json::Deserializer::from_slice(body).into_iter().next()?.ok()?;
    (!id.is_empty() && !key.expose().is_empty()).then_some(Created { id, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_tolerance() {
        let body = br#"{"code": 17, "message": ["no"], "extra": {},
            "details": [{"code": "short", "message": "name\nis short"}, "plain", 3],
            "inner_error": {"message": "sk_live_0123456789"}}"#;
        let (server, excerpt) = parse(body, &Scrubber::default());
        assert_eq!(server.code.as_deref(), Some("17"));
        assert_eq!(server.message, None);
        assert_eq!(server.details.len(), 3);
        assert_eq!(server.details[0].message.as_deref(), Some("name is short"));
        assert_eq!(server.details[1].message.as_deref(), Some("plain"));
        assert_eq!(server.details[2], Detail::default());
        assert_eq!(server.inner.unwrap().message.as_deref(), Some("[redacted]"));
        assert!(!excerpt.unwrap().contains("0123456789"));
    }

    #[test]
    fn a_key_is_salvaged_from_a_whole_object_only() {
        for body in [
            &br#"{"id": "key_1", "key": "sk_x", "name": 5}"#[..],
            br#"{"id": "key_1", "key": "sk_x"}{"id": "key_2", "key": "sk_y"}"#,
            br#"{"id": "key_1", "key": "sk_x"}</html>"#,
        ] {
            let found = created(body).unwrap();
            assert_eq!((found.id.as_str(), found.key.expose()), ("key_1", "sk_x"));
        }
        for body in [
            &br#"{"id": "key_1", "key": "sk_x", "na"#[..],
            br#"{"id": 1, "key": "sk_x"}"#,
            br#"{"id": "key_1", "key": null}"#,
            br#"{"id": "", "key": "sk_x"}"#,
            br#"[]"#,
            b"",
        ] {
            assert!(created(body).is_none());
        }
    }
}
