//! A choice between sets of required properties is a condition on one struct, not a choice
//! between types.
//!
//! ```yaml
//! # before                                      # after
//! properties: { id: …, name: … }                properties: { id: …, name: … }
//! oneOf: [{ required: [id] }, { required: [name] }]  x-onkernel-sets: { exactly: true, sets: [[id], [name]] }
//! ```
//!
//! `oneOf` wants exactly one set, `anyOf` at least one. The client checks it before sending.

use serde_json::{Map, Value, json};

use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::schemas(document, &mut |_, schema| rewrite(schema));
}

fn rewrite(schema: &mut Value) {
    let Some(it) = schema.as_object_mut() else { return };
    if !it.contains_key("properties") {
        return;
    }
    for (key, exactly) in [("oneOf", true), ("anyOf", false)] {
        let sets = it.get(key).and_then(Value::as_array).and_then(|members| {
            members.iter().map(|member| set(it, member)).collect::<Option<Vec<_>>>()
        });
        if let Some(sets) = sets.filter(|sets| !sets.is_empty()) {
            it.remove(key);
            it.insert("x-onkernel-sets".to_owned(), json!({ "exactly": exactly, "sets": sets }));
            return;
        }
    }
}

/// The names that a member of the choice requires, if that is all it says.
fn set(owner: &Map<String, Value>, member: &Value) -> Option<Value> {
    let silent = |key: &String, value: &Value| {
        ["required", "title", "description"].contains(&key.as_str())
            || key == "type" && value == "object"
    };
    let names = member["required"].as_array()?;
    let known =
        |name: &Value| name.as_str().is_some_and(|it| owner["properties"].get(it).is_some());
    let only = member.as_object()?.iter().all(|(key, value)| silent(key, value));
    (only && !names.is_empty() && names.iter().all(known)).then(|| json!(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_required_properties_become_a_condition() {
        let properties = json!({ "id": {}, "name": {} });
        let choice = json!([{ "required": ["id"] }, { "required": ["name"], "title": "By name" }]);
        let mut schema = json!({ "properties": properties, "oneOf": choice });
        rewrite(&mut schema);
        assert_eq!(
            schema,
            json!({
                "properties": properties,
                "x-onkernel-sets": { "exactly": true, "sets": [["id"], ["name"]] }
            })
        );
    }

    #[test]
    fn a_choice_that_says_more_is_left_alone() {
        for member in [
            json!({ "required": ["other"] }),
            json!({ "required": ["id"], "properties": { "id": { "const": "a" } } }),
            json!({}),
        ] {
            let before =
                json!({ "properties": { "id": {} }, "anyOf": [{ "required": ["id"] }, member] });
            let mut schema = before.clone();
            rewrite(&mut schema);
            assert_eq!(schema, before);
        }
    }
}
