//! What the API says: responses, and rejections in the documented form.

use serde_json::{Value, json};

use super::log::{Effect, Received};

/// A response before it is put on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
    pub(super) caller: Option<String>,
    pub(super) effect: Option<Effect>,
    pub(super) received: Option<Received>,
}

/// What a response holds.
#[derive(Clone, Debug, Default)]
pub(super) enum Content {
    #[default]
    Empty,
    Json(Value),
    Bytes {
        media_type: String,
        bytes: Vec<u8>,
        /// Whether the connection breaks where more should come.
        is_cut: bool,
    },
}

impl Content {
    pub(super) fn bytes(media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::Bytes { media_type: media_type.into(), bytes, is_cut: false }
    }

    /// The JSON, where it is that.
    pub(super) fn json(&mut self) -> Option<&mut Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Empty | Self::Bytes { .. } => None,
        }
    }
}

impl Response {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, content: Content::Json(body), ..Self::default() }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(super) struct Rejection {
    status: u16,
    code: &'static str,
    problems: Vec<Problem>,
    allow: Option<String>,
}

/// One thing that is wrong: a code for programs, a sentence for people.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Problem {
    /// What is wrong with a request, where the status says it all to a program.
    pub(super) fn of_request(message: String) -> Self {
        Self { code: code_of(400), message }
    }
}

impl Rejection {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self::coded(status, code_of(status), message)
    }

    fn coded(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let problems = vec![Problem { code, message: message.into() }];
        Self { status, code, problems, allow: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// Everything that is wrong at once; `problems` must not be empty.
    pub(super) fn invalid(problems: Vec<Problem>) -> Self {
        Self { status: 400, code: code_of(400), problems, allow: None }
    }

    pub(super) fn cannot_delete_itself() -> Self {
        let message = "an API key cannot delete itself; use another one to delete it";
        Self::coded(400, "cannot_delete_current_key", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "the API key is missing, malformed, unknown, deleted or expired")
    }

    pub(super) fn insufficient_scope() -> Self {
        let message = "the policy of this API key does not reach the management of API keys";
        Self::coded(403, "insufficient_scope", message)
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(404, "there is no such API key, or this one cannot see it")
    }

    pub(super) fn no_such_project() -> Self {
        Self::new(404, "there is no such project, or this API key cannot access it")
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(404, "there is nothing at this path")
    }

    pub(super) fn method(allow: &str) -> Self {
        let message = format!("this path takes {allow} and nothing else");
        Self { allow: Some(allow.to_owned()), ..Self::new(405, message) }
    }

    /// The body is of another type than this.
    pub(super) fn media_type(wanted: &str) -> Self {
        Self::new(415, format!("the body must be sent as {wanted}"))
    }

    pub(super) fn too_large() -> Self {
        Self::new(413, "the body is larger than 16 MiB, files aside")
    }
}

impl From<Rejection> for Response {
    fn from(rejection: Rejection) -> Self {
        let messages: Vec<&str> = rejection.problems.iter().map(|p| p.message.as_str()).collect();
        let mut body = coded_body(rejection.code, &messages.join("; "));
        let details = rejection.problems.iter().filter(|p| p.code != rejection.code);
        let details: Vec<Value> =
            details.map(|p| json!({ "code": p.code, "message": p.message })).collect();
        if let Some(first) = details.first() {
            body["inner_error"] = first.clone();
            body["details"] = Value::Array(details);
        }
        let response = Response::new(rejection.status, body);
        match rejection.allow {
            Some(allow) => response.with_header("allow", allow),
            None => response,
        }
    }
}

/// The documented body of an error with this status.
pub(super) fn error_body(status: u16, message: &str) -> Value {
    coded_body(code_of(status), message)
}

/// The documented body of an error with this code.
pub(super) fn coded_body(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

fn code_of(status: u16) -> &'static str {
    match status {
        400 => "bad_request",
        401 => "unauthorized",
        402 => "payment_required",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "request_timeout",
        409 => "conflict",
        413 => "payload_too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable_entity",
        429 => "too_many_requests",
        500 => "internal_error",
        502 => "bad_gateway",
        503 => "service_unavailable",
        504 => "gateway_timeout",
        _ => "error",
    }
}
