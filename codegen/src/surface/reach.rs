//! What a schema refers to, and what a value of it can hold.

use std::collections::BTreeSet;

use serde_json::Value;

/// Whether a value of this schema is, or is made of, generated types.
pub(super) fn holds_types(schema: &Value) -> bool {
    schema.get("$ref").is_some()
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(holds_types))
}

pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    reference(schema).and_then(|name| document["components"]["schemas"].get(name)).unwrap_or(schema)
}

pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

pub(super) fn media(holder: &Value) -> impl Iterator<Item = (&String, &Value)> {
    holder["content"].as_object().into_iter().flatten()
}

/// The names of all types that a value of this schema can hold.
pub(super) fn reach(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = reference(schema)
        && !names.insert(name.to_owned())
    {
        return;
    }
    children(document, schema, &mut |child| reach(document, child, names));
}

/// Whether a value of this schema can hold a string of a format.
pub(super) fn holds(
    document: &Value,
    schema: &Value,
    format: &str,
    seen: &mut BTreeSet<String>,
) -> bool {
    if let Some(name) = reference(schema)
        && !seen.insert(name.to_owned())
    {
        return false;
    }
    let mut found = schema["format"] == format;
    children(document, schema, &mut |child| found |= holds(document, child, format, seen));
    found
}

fn children<'a>(document: &'a Value, schema: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    if reference(schema).is_some() {
        return visit(resolve(document, schema));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            visit(inner);
        }
    }
    for (_, property) in schema["properties"].as_object().into_iter().flatten() {
        visit(property);
    }
}
