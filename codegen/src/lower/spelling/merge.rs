//! `allOf` is read for what it says: one object with all the properties, or one reference with
//! something said beside it.
//!
//! ```yaml
//! # before                                              # after
//! allOf: [{ $ref: ApiKey }, { properties: { key } }]    properties: { id, …, key }
//! allOf: [{ $ref: Creator }], description: who          $ref: Creator, description: who
//! ```
//!
//! What one part says more narrowly than another holds: a constant beside a string, an integer beside
//! a number, the smaller enum, the closer limit.
//!
//! A reference with siblings is not OpenAPI 3.0; it lives only until *loosen* drops what the
//! surface has read by then.

use serde_json::{Map, Value, json};

use super::narrow::{self, is_annotation};
use crate::lower::finding::Finding;
use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) -> Vec<Finding> {
    let source = document.clone();
    let mut findings = Vec::new();
    walk::schemas(document, &mut |at, schema| {
        if let Err(message) = flatten(&source, schema, 0) {
            findings.push(Finding::new(at, message, "say it without `allOf`, in an overlay"));
        }
    });
    findings
}

fn flatten(source: &Value, schema: &mut Value, depth: usize) -> Result<(), String> {
    if depth > 32 {
        return Err("`allOf` that contains itself".to_owned());
    }
    let Some(it) = schema.as_object_mut() else { return Ok(()) };
    let Some(Value::Array(members)) = it.remove("allOf") else { return Ok(()) };
    let (notes, mut parts): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| {
        member.as_object().is_some_and(|member| member.keys().all(|key| is_annotation(key)))
    });
    for (key, value) in notes.into_iter().filter_map(object).flatten() {
        it.entry(key).or_insert(value);
    }
    let says_more = it.keys().any(|key| !is_annotation(key) && key != "type");
    if parts.len() == 1 && !says_more {
        for (key, value) in parts.pop().and_then(object).into_iter().flatten() {
            it.entry(key).or_insert(value);
        }
        return flatten(source, schema, depth + 1);
    }
    if !parts.iter().any(|part| is_object(source, part)) && !is_object_itself(it) {
        let own = Value::Object(std::mem::take(it));
        let mut whole = json!({});
        for part in parts.iter().chain([&own]) {
            whole = both(source, &whole, part, depth + 1)
                .map_err(|problem| differ("this", &problem))?;
        }
        *schema = whole;
        return Ok(());
    }
    let mut whole = Map::from_iter([("type".to_owned(), json!("object"))]);
    for part in parts {
        add(&mut whole, part, source, depth)?;
    }
    add(&mut whole, Value::Object(std::mem::take(it)), source, depth)?;
    *it = whole;
    Ok(())
}

/// Adds the properties and annotations of an object schema to another.
fn add(
    whole: &mut Map<String, Value>,
    part: Value,
    source: &Value,
    depth: usize,
) -> Result<(), String> {
    let mut part = part;
    let mut referred = false;
    for _ in 0..16 {
        let Some(reference) = part.get("$ref").and_then(Value::as_str) else { break };
        part = reference
            .strip_prefix('#')
            .and_then(|pointer| source.pointer(pointer))
            .cloned()
            .ok_or_else(|| format!("`$ref: {reference}` leads nowhere"))?;
        referred = true;
    }
    // What comes from elsewhere in the document has not been through this rule yet.
    let mut flattened = Ok(());
    walk::schema("", &mut part, &mut |_, inner| {
        if flattened.is_ok() {
            flattened = flatten(source, inner, depth + 1);
        }
    });
    flattened?;
    for (key, value) in object(part).into_iter().flatten() {
        match key.as_str() {
            "type" if value == "object" => {}
            "properties" => {
                let all = whole.entry(key).or_insert_with(|| json!({}));
                for (name, property) in object(value).into_iter().flatten() {
                    let narrower = match all.get(&name) {
                        Some(known) => both(source, known, &property, depth + 1)
                            .map_err(|problem| differ(&format!("`{name}`"), &problem))?,
                        None => property,
                    };
                    all[name] = narrower;
                }
            }
            "required" => {
                let Value::Array(names) = value else { continue };
                let all = whole.entry(key).or_insert_with(|| json!([]));
                for name in names {
                    if let Some(all) = all.as_array_mut()
                        && !all.contains(&name)
                    {
                        all.push(name);
                    }
                }
            }
            // A part of an object may be closed only as far as it knows.
            "additionalProperties" if !value.is_object() => {}
            "additionalProperties" => {
                let narrower = match whole.get(&key) {
                    Some(known) => both(source, known, &value, depth + 1)
                        .map_err(|problem| differ("further properties", &problem))?,
                    None => value,
                };
                whole.insert(key, narrower);
            }
            "x-onkernel-excluded" => match (whole.get_mut(&key), value) {
                (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
                (_, value) => drop(whole.insert(key, value)),
            },
            // What is said of a named part is not said of the whole.
            key if is_annotation(key) => {
                if !referred || key == "x-onkernel-sets" {
                    whole.insert(key.to_owned(), value);
                }
            }
            other => return Err(format!("`allOf` with a part that says `{other}`")),
        }
    }
    Ok(())
}

fn differ(place: &str, problem: &str) -> String {
    match problem {
        "" => format!("`allOf` whose parts differ on {place}"),
        problem => format!("`allOf` whose parts differ on {place}, in {problem}"),
    }
}

/// Whether a part describes an object.
fn is_object(source: &Value, part: &Value) -> bool {
    narrow::target(source, part).as_object().is_some_and(is_object_itself)
}

fn is_object_itself(schema: &Map<String, Value>) -> bool {
    ["properties", "required", "additionalProperties", "allOf", "oneOf", "anyOf"]
        .iter()
        .any(|key| schema.contains_key(*key))
        || schema.get("type") == Some(&json!("object"))
}

/// What two schemas both allow. Two objects are one with the properties of both.
fn both(source: &Value, one: &Value, other: &Value, depth: usize) -> Result<Value, String> {
    if let Some(narrower) = narrow::narrower(source, one, other) {
        return Ok(narrower);
    }
    if is_object(source, one) && is_object(source, other) {
        let mut schema = json!({ "allOf": [one, other] });
        flatten(source, &mut schema, depth + 1)?;
        return Ok(schema);
    }
    narrow::both(source, one, other)
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(schema: Value) -> Result<Value, String> {
        let mut document = json!({ "components": { "schemas": {
            "Key": {
                "type": "object",
                "description": "a key",
                "required": ["id"],
                "properties": { "id": { "allOf": [{ "type": "string" }, { "description": "d" }] } }
            },
            "Whole": schema,
        } } });
        match apply(&mut document).pop() {
            Some(finding) => Err(finding.message),
            None => Ok(document["components"]["schemas"]["Whole"].take()),
        }
    }

    #[test]
    fn parts_of_an_object_become_one_object() {
        let whole = merged(json!({
            "description": "a new key",
            "allOf": [
                { "$ref": "#/components/schemas/Key" },
                { "type": "object", "required": ["key"], "properties": { "key": { "type": "string" } } }
            ]
        }));
        assert_eq!(
            whole.unwrap(),
            json!({
                "type": "object",
                "description": "a new key",
                "required": ["id", "key"],
                "properties": {
                    "id": { "type": "string", "description": "d" },
                    "key": { "type": "string" }
                }
            })
        );
    }

    #[test]
    fn one_reference_stays_a_reference() {
        let reference = json!("#/components/schemas/Key");
        assert_eq!(
            merged(json!({ "allOf": [{ "$ref": reference }], "nullable": true })).unwrap(),
            json!({ "$ref": reference, "nullable": true })
        );
        assert_eq!(
            merged(json!({ "allOf": [{ "$ref": reference }, { "description": "d" }] })).unwrap(),
            json!({ "$ref": reference, "description": "d" })
        );
    }

    #[test]
    fn parts_that_disagree_are_rejected() {
        let differing = json!({ "allOf": [
            { "$ref": "#/components/schemas/Key" },
            { "properties": { "id": { "type": "integer" } } }
        ] });
        assert_eq!(merged(differing).unwrap_err(), "`allOf` whose parts differ on `id`, in `type`");
        let looping =
            json!({ "allOf": [{ "$ref": "#/components/schemas/Whole" }, { "required": [] }] });
        assert_eq!(merged(looping).unwrap_err(), "`allOf` that contains itself");
    }
}
