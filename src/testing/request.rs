//! What the API looks at in a request, and how its parts are read.

use hyper::HeaderMap;
use serde_json::{Map, Value};

/// A request, off the wire.
#[derive(Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// What `Authorization` says; none where it is missing, repeated or not text.
    pub(super) authorization: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) headers: HeaderMap,
    /// What is kept of the body: all of it, or of each file in it the beginning.
    pub(super) body: Vec<u8>,
    /// How many bytes the body had.
    pub(super) size: u64,
    /// Whether the body passed [`MAX_BODY`] and was not kept.
    pub(super) too_large: bool,
}

/// The most that is kept of a body, in bytes.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

impl Request {
    /// The plaintext of a well-formed `Authorization: Bearer …`.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_deref()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// The path's segments with their escapes undone; none where they are not text.
    pub(super) fn segments(&self) -> Option<Vec<String>> {
        self.path.strip_prefix('/')?.split('/').map(decode).collect()
    }

    /// The query's parameters in their order; what cannot be read as text is replaced by `U+FFFD`.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        self.pairs().into_iter().map(|(name, value)| (name, text_of(&value))).collect()
    }

    /// The same, whose values have their escapes: those that hold a list are split before.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }

    /// All that the headers of this name say.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.get_all(name).iter().map(|it| it.as_bytes()).collect();
        (!values.is_empty()).then(|| String::from_utf8_lossy(&values.join(&b", "[..])).into_owned())
    }

    /// The media type of the body, without its parameters.
    pub(super) fn media_type(&self) -> Option<&str> {
        Some(self.content_type.as_deref()?.split(';').next().unwrap_or_default().trim())
    }

    /// What stands between the parts of a form.
    pub(super) fn boundary(&self) -> Option<String> {
        let is_form = self.media_type()?.eq_ignore_ascii_case("multipart/form-data");
        let (_, boundary) = self.content_type.as_deref()?.split_once("boundary=")?;
        let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
        (is_form && !boundary.is_empty()).then(|| boundary.to_owned())
    }

    /// The body as a JSON object. The error says what is wrong, and quotes nothing.
    pub(super) fn object(&self) -> Result<Map<String, Value>, String> {
        let media_type = self.media_type().unwrap_or_default();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err("the body must be sent as application/json".into());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err("the body must be a JSON object".into()),
            Err(error) => Err(format!(
                "the body is not JSON (line {}, column {})",
                error.line(),
                error.column()
            )),
        }
    }
}

/// A segment of a path with its escapes undone; none where that is not text.
pub(super) fn decode(segment: &str) -> Option<String> {
    String::from_utf8(unescape(segment)).ok()
}

/// The names and values of a query, or of a form that is written like one; the values have their escapes.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text_of(name), value.to_owned()))
        .collect()
}

/// A part of a query with its escapes undone; what cannot be read as text is replaced by `U+FFFD`.
pub(super) fn text_of(part: &str) -> String {
    text_in_path(&part.replace('+', " "))
}

/// The same of a path, in which `+` stands for itself.
pub(super) fn text_in_path(part: &str) -> String {
    String::from_utf8_lossy(&unescape(part)).into_owned()
}

/// Undoes percent-encoding; a `%` without two hex digits stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                // Two hex digits make a byte.
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    plain
}
