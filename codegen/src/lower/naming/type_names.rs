//! Schemas get names as Rust spells them, wherever they are referred to.
//!
//! ```yaml
//! # before                                   # after
//! schemas: { SSEEvent: …, mfa-option: … }    schemas: { SseEvent: …, MfaOption: … }
//! $ref: '#/components/schemas/SSEEvent'      $ref: '#/components/schemas/SseEvent'
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::spell;

const SCHEMAS: &str = "#/components/schemas/";

/// What each was called, by its new name.
pub(in crate::lower) fn apply(document: &mut Value) -> BTreeMap<String, String> {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    else {
        return BTreeMap::new();
    };
    let mut renamed = BTreeMap::new();
    let mut named = Map::new();
    let before: Vec<&str> = schemas.keys().map(String::as_str).collect();
    let names = spell::distinct(&before, spell::of_type, &[]);
    for ((name, schema), rust) in std::mem::take(schemas).into_iter().zip(names) {
        if rust != name {
            renamed.insert(name, rust.clone());
        }
        named.insert(rust, schema);
    }
    *schemas = named;
    if !renamed.is_empty() {
        follow(document, &renamed);
    }
    renamed.into_iter().map(|(name, rust)| (rust, name)).collect()
}

/// Points references and mappings at the new names.
fn follow(value: &mut Value, renamed: &BTreeMap<String, String>) {
    let new = |reference: &str| {
        let name = reference.strip_prefix(SCHEMAS)?;
        Some(format!("{SCHEMAS}{}", renamed.get(&unescape(name))?))
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| follow(item, renamed)),
        Value::Object(members) => {
            for (key, inner) in members {
                match inner {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(new) = new(reference) {
                            *reference = new;
                        }
                    }
                    Value::Object(mapping) if key == "mapping" => {
                        for (_, target) in mapping {
                            let text = target.as_str().unwrap_or_default();
                            let bare = renamed.get(text).cloned();
                            if let Some(new) = new(text).or(bare) {
                                *target = Value::String(new);
                            } else {
                                follow(target, renamed);
                            }
                        }
                    }
                    _ => follow(inner, renamed),
                }
            }
        }
        _ => {}
    }
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_and_mappings_follow_a_new_name() {
        let mut document = json!({ "components": { "schemas": {
            "SSEEvent": {},
            "a/b": {},
            "Holder": {
                "properties": { "it": { "$ref": "#/components/schemas/a~1b" } },
                "discriminator": { "mapping": {
                    "x": "#/components/schemas/SSEEvent", "y": "SSEEvent", "z": "Holder"
                } }
            }
        } } });
        apply(&mut document);
        assert_eq!(
            document["components"]["schemas"],
            json!({
                "SseEvent": {},
                "Ab": {},
                "Holder": {
                    "properties": { "it": { "$ref": "#/components/schemas/Ab" } },
                    "discriminator": { "mapping": {
                        "x": "#/components/schemas/SseEvent", "y": "SseEvent", "z": "Holder"
                    } }
                }
            })
        );
    }

    #[test]
    fn two_schemas_never_share_a_type() {
        let event = json!({ "$ref": "#/components/schemas/event" });
        let mut document =
            json!({ "components": { "schemas": { "event": {}, "Event": event, "1st": {} } } });
        apply(&mut document);
        let event = json!({ "$ref": "#/components/schemas/Event2" });
        assert_eq!(
            document["components"]["schemas"],
            json!({ "Event2": {}, "Event": event, "Type1st": {} })
        );
    }
}
