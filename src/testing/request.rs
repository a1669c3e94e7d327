//! What the API looks at in a request, and how its parts are read.

use serde_json::{Map, Value};

/// A request, off the wire.
#[derive(Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// What `Authorization` says; none where it is missing, repeated or not text.
    pub(super) authorization: Option<String>,
    /// What `X-Kernel-Project` says: a project's id or name.
    pub(super) project: Option<String>,
    /// What `X-Kernel-Project-Id` says.
    pub(super) project_id: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
    /// Whether the body passed [`MAX_BODY`] and was not kept.
    pub(super) too_large: bool,
}

/// The largest body that is read, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

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
        let text = |part: &str| {
            let part = part.replace('+', " ");
            String::from_utf8_lossy(&unescape(&part)).into_owned()
        };
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The body as a JSON object. The error says what is wrong, and quotes nothing.
    pub(super) fn object(&self) -> Result<Map<String, Value>, String> {
        let media_type = self.content_type.as_deref().unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
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

fn decode(segment: &str) -> Option<String> {
    String::from_utf8(unescape(segment)).ok()
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
