//! The machines of browser sessions. A session's `base_url` leads here: with the token of its
//! `cdp_ws_url`, and without an API key, some of its operations can be sent to the machine itself.

use serde_json::Value;

use crate::testing::request::Request;
use crate::testing::response::Rejection;

/// Where the machines are.
const MACHINES: &str = "/vm/";

/// What a machine does itself, below the path of its session.
const PARTS: [&str; 7] =
    ["computer", "curl", "fs", "logs/stream", "playwright", "process", "telemetry/stream"];

/// Gives the sessions in a response their addresses.
pub(super) fn address(body: &mut Value, host: &str) {
    match body {
        Value::Array(all) => all.iter_mut().for_each(|it| address(it, host)),
        Value::Object(fields) => {
            let id = fields.get("session_id").and_then(Value::as_str);
            let plain = |id: &&str| id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
            if let Some(id) = id.filter(plain).map(str::to_owned) {
                let token = token(&id);
                let machine = format!("{host}{MACHINES}{id}");
                for (name, url) in [
                    ("base_url", format!("http://{machine}")),
                    ("cdp_ws_url", format!("ws://{machine}/cdp?jwt={token}")),
                    ("webdriver_ws_url", format!("ws://{machine}/webdriver?jwt={token}")),
                ] {
                    if let Some(field) = fields.get_mut(name) {
                        *field = url.into();
                    }
                }
            }
            fields.values_mut().for_each(|it| address(it, host));
        }
        _ => {}
    }
}

/// What is asked of a machine, as it would be asked of the API; none where it is not one of those.
pub(super) fn as_api(request: &Request) -> Option<Request> {
    let (id, part) = request.path.strip_prefix(MACHINES)?.split_once('/')?;
    let is_own = |known: &&str| {
        part.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    PARTS.into_iter().find(is_own)?;
    Some(Request {
        method: request.method.clone(),
        path: format!("/browsers/{id}/{part}"),
        content_type: request.content_type.clone(),
        headers: request.headers.clone(),
        ..Request::default()
    })
}

/// Whether a request may go to the machine that it is for.
pub(super) fn admit(request: &Request) -> Result<(), Rejection> {
    if request.authorization.is_some() {
        return Err(Rejection::bad_request(
            "a machine takes the token of its session alone: an API key must not be sent to it",
        ));
    }
    let id = request.path.strip_prefix(MACHINES).and_then(|it| it.split('/').next());
    let expected = token(id.unwrap_or_default());
    let given = request.parameters().into_iter().find(|(name, _)| name == "jwt");
    match given.is_some_and(|(_, given)| given == expected) {
        true => Ok(()),
        false => Err(Rejection::unauthorized()),
    }
}

/// What lets a caller in to the machine of a session.
fn token(id: &str) -> String {
    format!("machine-token-of-{id}")
}
