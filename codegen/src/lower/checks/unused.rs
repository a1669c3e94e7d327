//! What no operation reaches is no part of a client: such schemas yield no types, and are not in the
//! way where they cannot be lowered, so that leaving out an operation leaves out what only it needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::lower::finding::Finding;
use crate::openapi::walk;

pub(in crate::lower) const SCHEMAS: &str = "#/components/schemas/";

/// Removes the schemas that no operation reaches. The findings that remain concern an operation.
pub(in crate::lower) fn drop(document: &mut Value, findings: Vec<Finding>) -> Vec<Finding> {
    let mut used = BTreeSet::new();
    references(document, &document["paths"], &mut used);
    let concerns = |finding: &Finding| {
        let name = finding.pointer.strip_prefix(SCHEMAS).and_then(|rest| rest.split('/').next());
        name.is_none_or(|name| used.contains(&name.replace("~1", "/").replace("~0", "~")))
    };
    let kept = findings.into_iter().filter(concerns).collect();
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    if let Some(schemas) = schemas {
        schemas.retain(|name, _| used.contains(name));
    }
    kept
}

/// For every operation its pointer, its method and path, and the document with nothing else in it.
pub(crate) fn each_alone(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in walk::METHODS {
            let Some(operation) = item.get(method) else { continue };
            let mut used = BTreeSet::new();
            references(document, operation, &mut used);
            let mut alone = document.clone();
            alone["paths"] = json!({ path: { method: operation } });
            if let Some(schemas) = alone["components"]["schemas"].as_object_mut() {
                schemas.retain(|name, _| used.contains(name));
            }
            let own = walk::path(path);
            let at = format!("#/paths/{}/{method}", walk::escape(own));
            all.push((at, format!("{} {own}", method.to_uppercase()), alone));
        }
    }
    all
}

/// The schemas that a value refers to, directly or through others.
pub(crate) fn references(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|it| references(document, it, names)),
        Value::Object(members) => {
            for (key, inner) in members {
                match inner.as_str().and_then(|it| it.strip_prefix(SCHEMAS)) {
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
    fn only_what_an_operation_reaches_counts() {
        let mut document = json!({
            "paths": { "/a": { "get": { "schema": { "$ref": "#/components/schemas/Used" } } } },
            "components": { "schemas": {
                "Used": { "properties": { "inner": { "$ref": "#/components/schemas/Inner" } } },
                "Inner": {}, "Odd": { "not": {} }, "OnItsOwn": {}
            } }
        });
        let finding = |name: &str| Finding::new(format!("{SCHEMAS}{name}/not"), "a", "b");
        assert_eq!(drop(&mut document, vec![finding("Inner"), finding("Odd")]).len(), 1);
        let left: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["Inner", "Used"]);
    }
}
