//! JSON merged into JSON, as RFC 7396 says.

use serde_json::{Value, json};

/// Merges a patch into a body; into each item where that is a list.
pub(super) fn merge(body: &mut Value, patch: &Value) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(|it| merge_one(it, patch)),
        other => merge_one(other, patch),
    }
}

fn merge_one(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, change) in changes {
        match target.as_object_mut() {
            Some(fields) if change.is_null() => drop(fields.remove(name)),
            _ => merge_one(&mut target[name], change),
        }
    }
}
