//! What an object requires and does not declare is declared: a field of any value.
//!
//! ```yaml
//! # before                                # after
//! required: [zipcode]                     required: [zipcode]
//! properties: { role: { … } }             properties: { role: { … }, zipcode: {} }
//! ```
//!
//! Where the object says what its further properties are, the field is one of them.

use serde_json::{Map, Value, json};

use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::schemas(document, &mut |_, schema| {
        let further = schema.get("additionalProperties").filter(|it| it.is_object()).cloned();
        let Some(Value::Array(required)) = schema.get("required").cloned() else { return };
        let is_object = schema["type"] == "object";
        let Value::Object(schema) = schema else { return };
        let declared = schema.get("properties").and_then(Value::as_object);
        if further.is_none() && declared.is_none_or(Map::is_empty) {
            // A map of anything holds them as it holds all else.
            if is_object {
                schema.remove("required");
            }
            return;
        }
        let declared = schema.entry("properties").or_insert_with(|| json!({}));
        for name in required.iter().filter_map(Value::as_str) {
            let field = || further.clone().unwrap_or_else(|| json!({}));
            declared.as_object_mut().map(|it| it.entry(name).or_insert_with(field));
        }
    });
}
