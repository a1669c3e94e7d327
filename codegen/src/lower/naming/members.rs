//! Every property gets the name of its field, so that no two fields of a type are called alike.
//!
//! ```yaml
//! # before                                    # after
//! properties: { type: …, '@type': … }         properties:
//!                                               type: { …, x-onkernel-name: type_ }
//!                                               '@type': { …, x-onkernel-name: type_2 }
//! ```

use serde_json::{Value, json};

use super::spell;

/// The key under which a name in Rust is kept.
pub(in crate::lower) const NAME: &str = "x-onkernel-name";

pub(in crate::lower) fn apply(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (_, schema) in schemas.into_iter().flatten() {
        // What holds a choice has properties of ours only.
        let is_ours = ["x-onkernel-union", "x-onkernel-successes"];
        if is_ours.iter().any(|key| schema.get(*key).is_some()) {
            continue;
        }
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        let Some(properties) = properties else { continue };
        let wires: Vec<&str> = properties.keys().map(String::as_str).collect();
        let names = spell::distinct(&wires, spell::snake, &[]);
        for (property, name) in properties.values_mut().zip(names) {
            property[NAME] = json!(name);
        }
    }
}
