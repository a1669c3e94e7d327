//! A parameter that is described by a media type is one JSON text, and headers of which something
//! else of the document decides are no parameters.
//!
//! ```yaml
//! # before                                          # after
//! name: filter                                      name: filter
//! content: { application/json: { schema: … } }      style: json
//!                                                   schema: …
//! name: Accept, in: header                          (dropped)
//! ```
//!
//! OpenAPI says that `Accept`, `Content-Type` and `Authorization` are ignored here: the media types and
//! the security of an operation decide them.

use serde_json::{Value, json};

use crate::openapi::{Content, walk};

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::operations(document, &mut |_, _, _, operation| {
        let mut parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        if let Some(parameters) = &mut parameters {
            parameters.retain(|parameter| !is_decided(parameter));
        }
        for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
            let content = parameter.get("content").and_then(Value::as_object);
            let only = content.filter(|it| it.len() == 1).and_then(|it| it.iter().next());
            let Some((name, media)) = only else { continue };
            if Content::of_request(name, media) == Some(Content::Json) {
                let schema = media.get("schema").cloned().unwrap_or_else(|| json!({}));
                parameter.remove("content");
                parameter.insert("style".to_owned(), json!("json"));
                parameter.insert("schema".to_owned(), schema);
            }
        }
    });
}

/// Whether a header is decided by something else.
fn is_decided(parameter: &Value) -> bool {
    let name = parameter["name"].as_str().unwrap_or_default();
    let decided = ["Accept", "Content-Type", "Authorization"];
    parameter["in"] == "header" && decided.iter().any(|it| name.eq_ignore_ascii_case(it))
}
