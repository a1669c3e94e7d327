//! What a document leaves to be understood about its bodies is said.
//!
//! ```yaml
//! # before                                        # after
//! content: { application/json: {} }               content: { application/json: { schema: {} } }
//! responses: { default: { … }, '404': { … } }     responses: { 2XX: { … }, '404': { … } }
//! ```
//!
//! `default` is every status that is not named, and so the success where none is.

use serde_json::{Value, json};

use crate::openapi::{Content, is_json, walk};

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::operations(document, &mut |_, _, _, operation| {
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            let success = responses.keys().any(|status| status.starts_with('2'));
            if let Some(default) = responses.get("default").filter(|_| !success).cloned() {
                responses.remove("default");
                responses.insert("2XX".to_owned(), default);
            }
            responses.values_mut().for_each(anything);
        }
        if let Some(body) = operation.get_mut("requestBody") {
            anything(body);
        }
    });
}

/// JSON, or events of it, of which nothing is said is any JSON.
fn anything(holder: &mut Value) {
    let content = holder.get_mut("content").and_then(Value::as_object_mut);
    for (name, media) in content.into_iter().flatten() {
        let said = is_json(name) || Content::of_response(name, media) == Some(Content::Events);
        if let Some(media) = media.as_object_mut().filter(|_| said) {
            media.entry("schema").or_insert_with(|| json!({}));
        }
    }
}
