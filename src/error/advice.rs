//! What to do about an error: the guide's troubleshooting table and our own experience.

use super::{Error, ErrorKind};

/// The operations that have advice of their own, by method and path.
const CREATE: (&str, &str) = ("POST", "/org/api_keys");
const DELETE: (&str, &str) = ("DELETE", "/org/api_keys/{id}");
const ROTATE: (&str, &str) = ("POST", "/org/api_keys/{id}/rotate");

impl Error {
    /// What to do about it, in a sentence or two.
    pub fn advice(&self) -> Option<&'static str> {
        on(self)
    }
}

fn on(error: &Error) -> Option<&'static str> {
    if error.created().is_some() {
        return Some(
            "The key exists and its plaintext is in `created()`: store it now, it is not shown again, or delete the key by its id.",
        );
    }
    if error.outcome_unknown() {
        return Some(match error {
            _ if is(error, CREATE) => {
                "A key may have been created whose plaintext is lost. List the keys by this exact name (`client.api_keys().list().name(…)`), delete those you cannot account for, then create again."
            }
            _ if is(error, ROTATE) => {
                "A replacement may have been created whose plaintext is lost, and the old key may expire at the end of the grace period. List the keys by the old key's exact name, delete a replacement you cannot account for, then rotate again."
            }
            _ => "It may have been done. Check before you send it again.",
        });
    }
    Some(match error.kind() {
        ErrorKind::Connect => "Check the base URL, the network and the proxy settings.",
        ErrorKind::Redirect => {
            "Set the base URL (`KERNEL_BASE_URL`) to where the API itself is: redirects are not followed, so that the key goes nowhere else."
        }
        ErrorKind::Timeout => "Try again, or allow more time with `timeout`.",
        ErrorKind::Deadline => "Try again, or allow more time with `deadline`.",
        ErrorKind::TooLarge => "Ask for less at once, or raise `max_response_bytes`.",
        ErrorKind::Decode => {
            "Check that the base URL leads to the Kernel API; if it does, its responses have changed and a newer version of this client may know them."
        }
        ErrorKind::Credentials => "Check the source of the API key.",
        ErrorKind::Status => return on_status(error),
        _ => return None,
    })
}

/// Whether the call was one of this operation, raw access included.
fn is(error: &Error, (method, template): (&str, &str)) -> bool {
    let (Some(called), Some(path)) = (error.method(), error.path()) else { return false };
    let (mut wanted, mut parts) = (template.split('/'), path.split('/'));
    called == method
        && wanted.all(|it| parts.next().is_some_and(|part| part == it || it.starts_with('{')))
        && parts.next().is_none()
}

fn on_status(error: &Error) -> Option<&'static str> {
    let keys = error.path().is_some_and(|path| path.starts_with("/org/api_keys"));
    Some(match error.status()?.as_u16() {
        400 => match error {
            _ if is(error, CREATE) => {
                "Send a name, choose an expiry of 1 to 3650 days or none, and leave `project_id` out for an org-wide key."
            }
            _ if is(error, ROTATE) => {
                "Choose a lifetime of 1 to 3650 days or none, and a grace period of 0 to 3650 days."
            }
            _ if is(error, DELETE) => {
                "A key cannot delete itself: use another key to delete this one."
            }
            _ => "Correct the request as the message says.",
        },
        401 => "Set a valid API key (`KERNEL_API_KEY`): this one is unknown, expired or deleted.",
        403 => {
            "The API key is valid, but its policy has no statement that allows this: use another key, or one whose policy covers it."
        }
        404 if is(error, CREATE) => {
            "Check the project id. A project-scoped key can make keys for its own project only."
        }
        404 if keys => {
            "Check the key's id. A project-scoped key sees the keys of its own project only."
        }
        410 if in_session(error) => "The browser session has ended: start another.",
        404 if in_session(error) => {
            "The browser session may have ended, or be of another project than the API key; or what you asked for is not in it."
        }
        404 => "Check the id, and that the API key's project contains it.",
        409 => "Look at the present state, then decide whether to try again.",
        413 => "Send less at once: the service takes no body of this size.",
        429 => "Wait for `retry_after()`, or a few seconds without one, then try again.",
        500..=599 => "Try again later; if it goes on, give the request id to Kernel's support.",
        _ => return None,
    })
}

/// Whether the call was for something in a browser session, of which a machine of its own takes care.
fn in_session(error: &Error) -> bool {
    let inside = error.path().and_then(|path| path.strip_prefix("/browsers/"));
    inside.is_some_and(|path| path.contains('/'))
}
