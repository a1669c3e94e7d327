//! What an object requires and does not declare is declared: a field of any value.
//!
//! ```yaml
//! # before                                # after
//! required: [zipcode]                     required: [zipcode]
//! properties: { role: { … } }             properties: { role: { … }, zipcode: {} }
//! ```
//!
//! Where the object says what its further properties are, the field is one of them.

use serde_json::{Value, json};

use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::schemas(document, &mut |_, schema| {
        let further = schema.get("additionalProperties").filter(|it| it.is_object()).cloned();
        let Some(Value::Array(required)) = schema.get("required").cloned() else { return };
        // A map of anything holds them as it holds all else.
        let declared = schema.get_mut("properties").and_then(Value::as_object_mut);
        let Some(declared) = declared.filter(|it| !it.is_empty()) else { return };
        for name in required.iter().filter_map(Value::as_str) {
            declared.entry(name).or_insert_with(|| further.clone().unwrap_or_else(|| json!({})));
        }
    });
}
