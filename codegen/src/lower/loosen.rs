//! What the generator would make too strict is taken out of what it sees; the surface has read it.
//!
//! ```yaml
//! # before                                          # after
//! { type: string, minLength: 1, default: a }        { type: string }
//! { type: string, enum: [a, b] }                    { type: string, enum: [value] }
//! { $ref: Creator, nullable: true }                 { $ref: Creator }
//! { type: object, additionalProperties: false, … }  { type: object, … }
//! { style: deepObject, schema: … }                  { schema: { type: array, items: … } }
//! multipart/form-data: { schema: … }                application/json: { schema: … }
//! responses: { 201: …, 400: … }                     responses: { 201: … }
//! ```
//!
//! Bounds are checked before a call is sent, never on a response. An object as a parameter it rejects,
//! but not a list of them, so it is shown each parameter as the item of a list. A default is the server's to
//! apply. The runtime has one error type for every operation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::naming::members::NAME;
use crate::openapi::{Content, walk};

/// What a schema may say to the generator.
const KEPT: [&str; 9] = [
    "$ref",
    "additionalProperties",
    "enum",
    "format",
    "items",
    "nullable",
    "properties",
    "required",
    "type",
];

/// The formats that have a Rust type of their own here.
const FORMATS: [&str; 9] =
    ["binary", "date", "date-time", "int32", "int64", "password", "uint32", "uint64", "uint8"];

/// What is always null: OpenAPI 3.0 has no such type, so the generator is shown a string of this
/// format and told what to make of it.
const NULL: &str = "null";

pub(super) fn apply(document: &mut Value) {
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        rename(schema);
    }
    walk::schemas(document, &mut |_, schema| loosen(schema));
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        remove_nullable(schema);
    }
    walk::operations(document, &mut |_, _, _, operation| {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if let Some(schema) = parameter.get_mut("schema") {
                remove_nullable(schema);
                *schema = json!({ "type": "array", "items": schema });
            }
            if let Some(parameter) = parameter.as_object_mut() {
                parameter.remove("style");
                parameter.remove("explode");
            }
        }
        if let Some(body) = operation.get_mut("requestBody") {
            request(body);
        }
        response(operation);
    });
}

/// Shows every property by the name of its field, which no other has.
fn rename(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let mut names = BTreeMap::new();
    for (wire, property) in std::mem::take(properties) {
        let name = property[NAME].as_str().unwrap_or(&wire).to_owned();
        properties.insert(name.clone(), property);
        names.insert(wire, name);
    }
    for wire in schema.get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = wire.as_str().and_then(|wire| names.get(wire)) {
            *wire = json!(name);
        }
    }
}

/// Every body as JSON, from which the generator takes no more than its Rust type.
fn request(body: &mut Value) {
    let content = body["content"].as_object().and_then(|content| content.iter().next());
    let Some((name, media)) = content else { return };
    let schema = match Content::of_request(name, media) {
        Some(Content::Bytes) => json!({ "type": "string", "format": "binary" }),
        _ => media["schema"].clone(),
    };
    body["content"] = json!({ "application/json": { "schema": schema } });
}

/// One successful response: the generator knows no more than one.
fn response(operation: &mut Value) {
    let mut responses = operation["responses"].as_object().into_iter().flatten();
    let success = responses.find(|(status, _)| status.starts_with('2'));
    let Some((status, response)) = success else { return };
    let media = response["content"].as_object().and_then(|it| it.iter().next());
    let schema = match operation["x-onkernel-success"].as_str() {
        Some(name) => Some(json!({ "$ref": format!("#/components/schemas/{name}") })),
        None => media
            .filter(|(name, media)| Content::of_response(name, media) != Some(Content::Bytes))
            .map(|(_, media)| media["schema"].clone()),
    };
    let mut response = json!({ "description": "" });
    if let Some(schema) = schema {
        response["content"] = json!({ "application/json": { "schema": schema } });
    }
    operation["responses"] = json!({ status.clone(): response });
}

fn loosen(schema: &mut Value) {
    let Some(it) = schema.as_object_mut() else { return };
    if it.contains_key("$ref") {
        // What a list or a map holds may be null; a property's null is the surface's to say.
        let nullable = it.get("nullable") == Some(&json!(true));
        let reference = it.remove("$ref");
        *schema = json!({ "$ref": reference });
        if nullable {
            *schema = json!({ "allOf": [schema], "nullable": true });
        }
        return;
    }
    if it.get("type").is_some_and(|name| name == NULL) {
        *schema = json!({ "type": "string", "format": NULL });
        return;
    }
    // Numbers and booleans of an enum are checked like bounds. The variants of strings are ours, too:
    // the generator gives up where two values make one name.
    match it.get("enum").map(|values| values[0].is_string()) {
        Some(true) => drop(it.insert("enum".to_owned(), json!(["value"]))),
        Some(false) => drop(it.remove("enum")),
        None => {}
    }
    it.retain(|key, _| KEPT.contains(&key.as_str()));
    if it.get("additionalProperties") == Some(&json!(false)) {
        it.remove("additionalProperties");
    }
    // Without a type it says nothing of a value that is none of its own.
    let is_known = |format| it.contains_key("type") && FORMATS.iter().any(|known| format == known);
    if it.get("format").is_some_and(|format| !is_known(format)) {
        it.remove("format");
    }
    for (_, property) in
        it.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
    {
        remove_nullable(property);
    }
}

fn remove_nullable(schema: &mut Value) {
    if let Some(only) = schema.pointer("/allOf/0").cloned() {
        *schema = only;
    } else if let Some(it) = schema.as_object_mut() {
        it.remove("nullable");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(mut schema: Value) -> Value {
        walk::schema("#", &mut schema, &mut |_, it| loosen(it));
        schema
    }

    #[test]
    fn bounds_defaults_and_closed_objects_are_not_the_generators_business() {
        assert_eq!(
            after(json!({ "type": "integer", "minimum": 1, "maximum": 9, "default": 3, "x-a": 1 })),
            json!({ "type": "integer" })
        );
        assert_eq!(
            after(json!({ "type": "object", "additionalProperties": false, "properties": {
                "a": { "$ref": "#/x", "nullable": true, "description": "d" },
                "b": { "type": "string", "format": "email", "nullable": true }
            } })),
            json!({ "type": "object", "properties": {
                "a": { "$ref": "#/x" },
                "b": { "type": "string" }
            } })
        );
    }

    #[test]
    fn null_inside_a_list_is_kept() {
        assert_eq!(
            after(json!({ "type": "array", "items": { "$ref": "#/x", "nullable": true } })),
            json!({ "type": "array", "items": { "allOf": [{ "$ref": "#/x" }], "nullable": true } })
        );
    }
}
