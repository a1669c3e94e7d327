//! What a status is called.

use heck::ToUpperCamelCase;

use super::content::Content;

/// A way to succeed in a word. `Ok` would shadow what everyone calls so.
pub(crate) fn success(status: &str, content: Option<Content>) -> String {
    let name = match (status, content) {
        ("200" | "2XX", Some(Content::Json)) => "Value",
        ("200" | "2XX", Some(Content::Events)) => "Events",
        ("200" | "2XX", Some(Content::Bytes)) => "Download",
        ("200" | "2XX", _) => "Done",
        _ => return reason(status),
    };
    name.to_owned()
}

/// A status in a word.
pub(crate) fn reason(status: &str) -> String {
    match status {
        "200" => "Value",
        "201" => "Created",
        "202" => "Accepted",
        "203" => "NonAuthoritative",
        "204" => "NoContent",
        "205" => "ResetContent",
        "206" => "PartialContent",
        "400" => "BadRequest",
        "401" => "Unauthorized",
        "402" => "PaymentRequired",
        "403" => "Forbidden",
        "404" => "NotFound",
        "405" => "MethodNotAllowed",
        "408" => "RequestTimeout",
        "409" => "Conflict",
        "410" => "Gone",
        "412" => "PreconditionFailed",
        "413" => "PayloadTooLarge",
        "415" => "UnsupportedMediaType",
        "422" => "UnprocessableEntity",
        "423" => "Locked",
        "429" => "TooManyRequests",
        "500" => "InternalServerError",
        "501" => "NotImplemented",
        "502" => "BadGateway",
        "503" => "ServiceUnavailable",
        "504" => "GatewayTimeout",
        other => return format!("Status{}", other.to_upper_camel_case()),
    }
    .to_owned()
}
