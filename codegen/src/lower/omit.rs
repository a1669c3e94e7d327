//! Operations that a caller can do without, until a rule knows what they say.
//!
//! ```yaml
//! # an overlay                                    # or, for several at once
//! - target: $.paths['/x'].get                     - target: $
//!   update: { x-onkernel-omit: true }               update:
//!                                                     x-onkernel-omit:
//!                                                       operations: [getX, GET /x]
//!                                                       tags: [Reports]
//! ```
//!
//! An operation is named by its id or by method and path. Schemas that only they used go with them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, walk};

pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    let listed = document.as_object_mut().and_then(|root| root.remove("x-onkernel-omit"));
    let listed = listed.unwrap_or_default();
    let names = |key: &str| -> BTreeSet<String> {
        let names = listed[key].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    };
    let (operations, tags) = (names("operations"), names("tags"));
    let mut unused: BTreeSet<String> = operations.iter().chain(&tags).cloned().collect();
    let mut gone = Vec::new();
    walk::operations(document, &mut |at, path, method, operation| {
        let here = format!("{} {path}", method.to_uppercase());
        let id = operation["operationId"].as_str().unwrap_or_default();
        let own_tags = operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let named = [here.as_str(), id].into_iter().filter(|name| operations.contains(*name));
        let matching: Vec<&str> = named.chain(own_tags.filter(|tag| tags.contains(*tag))).collect();
        for name in &matching {
            unused.remove(*name);
        }
        if !matching.is_empty() || operation["x-onkernel-omit"] == true {
            gone.push((at.to_owned(), operation.take()));
        }
    });
    let findings = unused.into_iter().map(|name| {
        let message = format!("`x-onkernel-omit` names `{name}`, which the document does not have");
        Finding::new("#/x-onkernel-omit", message, "correct the name or remove it")
    });
    let findings = findings.collect();
    if !gone.is_empty() {
        remove(document, &gone);
    }
    findings
}

/// Removes what was taken, and the schemas that nothing else reaches.
fn remove(document: &mut Value, gone: &[(String, Value)]) {
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            item.retain(|key, value| !walk::METHODS.contains(&key.as_str()) || !value.is_null());
        }
    }
    let mut lost = BTreeSet::new();
    for (_, operation) in gone {
        references(document, operation, &mut lost);
    }
    let mut kept = BTreeSet::new();
    references(document, &document["paths"], &mut kept);
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        schemas.retain(|name, _| !lost.contains(name) || kept.contains(name));
    }
}

/// The schemas that a value refers to, directly or through others.
fn references(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|it| references(document, it, names)),
        Value::Object(members) => {
            for (key, inner) in members {
                let name = inner.as_str().and_then(|it| it.strip_prefix("#/components/schemas/"));
                match name {
                    Some(name) if key == "$ref" => {
                        if names.insert(name.to_owned()) {
                            references(document, &document["components"]["schemas"][name], names);
                        }
                    }
                    _ => references(document, inner, names),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_takes_its_own_schemas_with_it() {
        let answer = |name: &str| {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            json!({ "content": { "application/json": { "schema": schema } } })
        };
        let mut document = json!({
            "x-onkernel-omit": { "operations": ["GET /a"], "tags": ["T", "Gone"] },
            "paths": {
                "/a": {
                    "get": { "responses": { "200": answer("A") } },
                    "put": { "responses": { "200": answer("B") } }
                },
                "/b": { "get": { "tags": ["T"], "responses": { "200": answer("B") } } },
                "/c": { "get": { "x-onkernel-omit": true } }
            },
            "components": { "schemas": {
                "A": { "properties": { "inner": { "$ref": "#/components/schemas/Inner" } } },
                "B": {}, "Inner": {}, "OnItsOwn": {}
            } }
        });
        let findings = apply(&mut document);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("`Gone`"));
        assert_eq!(
            document,
            json!({
                "paths": {
                    "/a": { "put": { "responses": { "200": answer("B") } } },
                    "/b": {},
                    "/c": {}
                },
                "components": { "schemas": { "B": {}, "OnItsOwn": {} } }
            })
        );
    }
}
