//! What to do about an error: the guide's troubleshooting table and our own experience.

use crate::error::{Error, ErrorKind};
use crate::{Operation, operations};

/// The advice on an error, if there is any.
pub(crate) fn on(error: &Error) -> Option<&'static str> {
    let operation = operation(error).map_or("", |operation| operation.id);
    if error.created().is_some() {
        return Some(
            "The key exists and its plaintext is in `created()`: store it now, it is not shown again, or delete the key by its id.",
        );
    }
    if error.outcome_unknown() {
        return Some(match operation {
            "create_api_key" => {
                "A key may have been created whose plaintext is lost. List the keys by this exact name (`client.list_api_keys().name(…)`), delete those you cannot account for, then create again."
            }
            "rotate_api_key" => {
                "A replacement may have been created whose plaintext is lost, and the old key may expire at the end of the grace period. List the keys by the old key's exact name, delete a replacement you cannot account for, then rotate again."
            }
            _ => "It may have been done. Look before you send it again.",
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
            "Check that the base URL leads to the Kernel API; if it does, its answers have changed and a newer version of this client may know them."
        }
        ErrorKind::Credentials => "Check the source of the API key.",
        ErrorKind::Status => return on_status(error, operation),
        _ => return None,
    })
}

/// The operation of the call, also where raw access asked for it.
fn operation(error: &Error) -> Option<&'static Operation> {
    let called = (error.method()?, error.path()?);
    error.operation().or_else(|| operations::ALL.iter().copied().find(|it| it.serves(called)))
}

fn on_status(error: &Error, operation: &str) -> Option<&'static str> {
    let keys = error.path().is_some_and(|path| path.starts_with("/org/api_keys"));
    Some(match error.status()?.as_u16() {
        400 => match operation {
            "create_api_key" => {
                "Send a name, choose an expiry of 1 to 3650 days or none, and leave `project_id` out for an org-wide key."
            }
            "rotate_api_key" => {
                "Choose a lifetime of 1 to 3650 days or none, and a grace period of 0 to 3650 days."
            }
            "delete_api_key" => "A key cannot delete itself: use another key to delete this one.",
            _ => "Mend the request as the message says.",
        },
        401 => "Set a valid API key (`KERNEL_API_KEY`): this one is unknown, expired or deleted.",
        403 => {
            "The API key is valid, but its policy has no statement that allows this: use another key, or one whose policy covers it."
        }
        404 if operation == "create_api_key" => {
            "Check the project id. A project-scoped key can make keys for its own project only."
        }
        404 if keys => {
            "Check the key's id. A project-scoped key sees the keys of its own project only."
        }
        404 => "Check the id, and that the API key's project contains it.",
        409 => "Look at the present state, then decide whether to try again.",
        429 => "Wait for `retry_after()`, or a few seconds without one, then try again.",
        500..=599 => "Try again later; if it goes on, give the request id to Kernel's support.",
        _ => return None,
    })
}
