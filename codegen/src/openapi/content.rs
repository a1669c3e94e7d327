//! What a media type means for the client.

use serde_json::Value;

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// One JSON value.
    Json,
    /// A form of parts, files among them.
    Multipart,
    /// A form of names and strings, written like a query.
    UrlEncoded,
    /// A stream of server-sent events.
    Events,
    /// Bytes that mean nothing to the client.
    Bytes,
}

impl Content {
    /// What a request body of this type is; nothing if no rule knows.
    pub(crate) fn of_request(name: &str, media: &Value) -> Option<Self> {
        match essence(name) {
            "multipart/form-data" => Some(Self::Multipart),
            "application/x-www-form-urlencoded" => Some(Self::UrlEncoded),
            essence if is_json(essence) => Some(Self::Json),
            _ => is_opaque(media).then_some(Self::Bytes),
        }
    }

    /// What a response of this type is; nothing if no rule knows.
    pub(crate) fn of_response(name: &str, media: &Value) -> Option<Self> {
        match essence(name) {
            "text/event-stream" => Some(Self::Events),
            essence if is_json(essence) => Some(Self::Json),
            _ => is_opaque(media).then_some(Self::Bytes),
        }
    }
}

/// A media type without its parameters.
fn essence(name: &str) -> &str {
    name.split(';').next().unwrap_or_default().trim()
}

/// Whether a media type is JSON, or says that it is written in it.
pub(crate) fn is_json(name: &str) -> bool {
    let essence = essence(name);
    essence == "application/json" || essence.ends_with("+json")
}

/// Whether the document promises no structure that bytes would lose.
fn is_opaque(media: &Value) -> bool {
    let schema = &media["schema"];
    schema.as_object().is_none_or(serde_json::Map::is_empty) || schema["type"] == "string"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_without_structure_are_bytes_and_others_unknown() {
        let binary = json!({ "schema": { "type": "string", "format": "binary" } });
        let object = json!({ "schema": { "type": "object" } });
        assert_eq!(Content::of_response("video/mp4", &binary), Some(Content::Bytes));
        assert_eq!(
            Content::of_response("text/event-stream; charset=utf-8", &object),
            Some(Content::Events)
        );
        assert_eq!(Content::of_response("application/problem+json", &object), Some(Content::Json));
        assert_eq!(Content::of_response("application/xml", &object), None);
        assert_eq!(Content::of_request("multipart/form-data", &object), Some(Content::Multipart));
        assert_eq!(
            Content::of_request("application/x-www-form-urlencoded", &object),
            Some(Content::UrlEncoded)
        );
        assert_eq!(Content::of_response("application/x-www-form-urlencoded", &object), None);
    }
}
