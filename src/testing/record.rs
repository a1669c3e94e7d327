//! Every request as it came, for whoever writes them down.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::api;
use super::contract::parts;
use super::log::scrub;
use super::request::Request;

/// What is never written down, whatever it holds.
const SECRET: [&str; 4] = ["authorization", "cookie", "jwt", "proxy-authorization"];
const LEFT_OUT: &str = "[redacted]";

/// A request as it came, and the status that was sent: see
/// [`Builder::on_request`](super::Builder::on_request). As JSON it is a line that `kernel-keys serve
/// --record` writes.
///
/// API keys and the tokens of sessions are left out. All else is as it came, what a user's program
/// may hold to be secret as well.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The `x-request-id` of the response.
    pub request_id: String,
    /// The id of the operation, such as `browsers.create`, if it is one.
    pub operation: Option<String>,
    /// The method.
    pub method: String,
    /// The path, with its escapes.
    pub path: String,
    /// The parameters of the query by their names; a list where a name is given more than once.
    pub query: Map<String, Value>,
    /// The headers by their names in lower case; a list where a name is given more than once.
    pub headers: Map<String, Value>,
    /// JSON as it is; a form as a list of its parts, with `name`, `file_name`, `media_type` and
    /// `content`; all else as text. Null where there is none. Of a file the first 64 KiB.
    pub body: Value,
    /// How many bytes the body had.
    pub size: u64,
    /// The status that was sent; none when the caller got no response.
    pub status: Option<u16>,
}

impl Recorded {
    pub(super) fn new(request: &Request, request_id: &str, status: Option<u16>) -> Self {
        let headers = request.headers.iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), shown(value.as_bytes())));
        Self {
            request_id: request_id.to_owned(),
            operation: api::operation(request),
            method: request.method.clone(),
            path: scrub(&request.path),
            query: by_name(request.parameters().into_iter()),
            headers: by_name(headers),
            body: body(request),
            size: request.size,
            status,
        }
    }
}

/// Without what was sent, which may be secret.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("request_id", &self.request_id)
            .field("operation", &self.operation)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

fn by_name(pairs: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, text) in pairs {
        let value = match SECRET.contains(&name.as_str()) {
            true => LEFT_OUT.into(),
            false => Value::from(without_keys(&text)),
        };
        match all.get_mut(&name) {
            None => drop(all.insert(name, value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    all
}

fn body(request: &Request) -> Value {
    if request.body.is_empty() {
        return Value::Null;
    }
    if let Ok(parts) = parts(request) {
        let part = |it: &super::contract::Part<'_>| {
            json!({
                "name": it.name, "file_name": it.file_name, "media_type": it.media_type,
                "content": shown(it.content),
            })
        };
        return parts.iter().map(part).collect();
    }
    let text = shown(&request.body);
    match request.media_type() {
        Some(it) if it == "application/json" || it.ends_with("+json") => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        _ => Value::String(text),
    }
}

fn shown(bytes: &[u8]) -> String {
    without_keys(&String::from_utf8_lossy(bytes))
}

/// A text in which nothing looks like a plaintext.
fn without_keys(text: &str) -> String {
    let mut pieces = text.split("sk_");
    let mut clean = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // `task_1` is no key.
        if clean.ends_with(|it: char| it.is_ascii_alphanumeric()) {
            clean.push_str("sk_");
            clean.push_str(piece);
        } else {
            clean.push_str("sk_...");
            clean.push_str(
                piece.trim_start_matches(|it: char| it.is_ascii_alphanumeric() || it == '_'),
            );
        }
    }
    clean
}
