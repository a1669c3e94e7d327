//! A parameter that is described by a media type is one JSON text.
//!
//! ```yaml
//! # before                                          # after
//! name: filter                                      name: filter
//! content: { application/json: { schema: … } }      style: json
//!                                                   schema: …
//! ```

use serde_json::{Value, json};

use crate::openapi::{Content, walk};

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::operations(document, &mut |_, _, _, operation| {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
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
