//! What the embedded server has to know of a document: its operations and schemas as compact JSON,
//! with nothing in it that is for people or for the generator.
//!
//! ```yaml
//! operations:
//!   - { id: browsers.create, method: POST, path: /browsers, parameters: […], body: …, responses: […] }
//! schemas:
//!   Browser: { type: object, required: […], properties: … }
//!   Event: { choice: { tag: event, beside: false, kinds: [{ tags: [log], schema: … }] } }
//!   Pair: { type: array, items: …, places: [{ type: integer }, { type: string }] }
//! ```
//!
//! It is the document after lowering, so that a schema is a reference, a choice or a type, and nothing
//! else has to be understood.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::error::Error;
use crate::openapi::walk;
use crate::pipeline;

/// The contract of a document whose overlays have been applied.
///
/// # Errors
/// Every place that cannot be lowered.
pub fn contract(document: &Document) -> Result<String, Error> {
    let mut lowered = pipeline::described(document)?;
    place(&mut lowered);
    let mut operations = Vec::new();
    walk::operations(&mut lowered, &mut |_, path, method, it| {
        operations.push(operation(path, method, it));
    });
    let schemas = lowered["components"]["schemas"].as_object().into_iter().flatten();
    let schemas = schemas.filter(|(_, it)| it.get("x-onkernel-successes").is_none());
    let schemas: Map<String, Value> =
        schemas.map(|(name, it)| (name.clone(), schema(it))).collect();
    Ok(json!({ "operations": operations, "schemas": schemas }).to_string())
}

/// Gives each place of a tuple its schema: of the kinds that the items of the list may be of, those
/// that this place may.
fn place(lowered: &mut Value) {
    let source = lowered.clone();
    walk::schemas(lowered, &mut |_, it| {
        let Some(places) = it["x-onkernel-places"].as_array() else { return };
        let items = &it["items"];
        let named = items["$ref"].as_str().and_then(|it| source.pointer(it.strip_prefix('#')?));
        let places = places.iter().map(|member| match member {
            Value::Null => items.clone(),
            member => of_member(named.unwrap_or(items), member),
        });
        it["x-onkernel-places"] = places.collect();
    });
}

/// What a choice is when only one member of it is meant.
fn of_member(choice: &Value, member: &Value) -> Value {
    let mut one = choice.clone();
    let variants = one.pointer_mut("/x-onkernel-union/variants").and_then(Value::as_array_mut);
    let Some(variants) = variants else { return one };
    variants.retain(|it| it["member"] == *member);
    match variants.as_slice() {
        [only] => choice["properties"][only["property"].as_str().unwrap_or_default()].clone(),
        _ => one,
    }
}

fn operation(path: &str, method: &str, it: &Value) -> Value {
    let text = |key: &str| it[key].as_str().unwrap_or_default();
    let parameters = it["parameters"].as_array().into_iter().flatten();
    let open = it["security"].as_array().is_some_and(Vec::is_empty);
    let mut all = json!({
        "id": format!("{}.{}", text("x-onkernel-resource"), text("x-onkernel-method")),
        "method": method.to_uppercase(),
        "path": path,
        "open": open,
        "parameters": parameters.map(parameter).collect::<Vec<_>>(),
        "responses": responses(&it["responses"]),
    });
    if let Some((name, media)) = media(&it["requestBody"]) {
        let required = it["requestBody"]["required"] == true;
        all["body"] =
            json!({ "type": name, "required": required, "schema": schema(&media["schema"]) });
    }
    all["relations"] = kept(it, &["x-onkernel-exclusive", "x-onkernel-requires"]);
    all
}

fn parameter(it: &Value) -> Value {
    let mut all = kept(it, &["name", "in", "required", "style", "explode"]);
    all["schema"] = schema(&it["schema"]);
    all
}

/// The ways to succeed, in the order of their statuses; a class of them such as `2XX` is its first one.
fn responses(it: &Value) -> Value {
    let successes =
        it.as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
    let read = successes.map(|(status, response)| {
        let headers = response["headers"].as_object().into_iter().flatten();
        let headers: Map<String, Value> =
            headers.map(|(name, it)| (name.clone(), schema(&it["schema"]))).collect();
        let mut all = json!({ "status": status.parse().unwrap_or(200_u16), "headers": headers });
        if let Some((name, media)) = media(response) {
            all["type"] = json!(name);
            all["schema"] = schema(&media["schema"]);
        }
        all
    });
    let mut all: Vec<Value> = read.collect();
    all.sort_by_key(|it| it["status"].as_u64());
    json!(all)
}

fn media(holder: &Value) -> Option<(&String, &Value)> {
    holder["content"].as_object()?.iter().next()
}

/// What a schema says that a value can be held against, or be made from.
const KEPT: [&str; 26] = [
    "default",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "nullable",
    "pattern",
    "required",
    "type",
    "uniqueItems",
    "x-onkernel-encoding",
    "x-onkernel-excluded",
    "x-onkernel-exclusive",
    "x-onkernel-max-bytes",
    "x-onkernel-part",
    "x-onkernel-requires",
    "x-onkernel-sets",
];

fn schema(it: &Value) -> Value {
    let mut all = kept(it, &KEPT);
    if let Some(name) = it["$ref"].as_str() {
        all["$ref"] = json!(name.trim_start_matches("#/components/schemas/"));
    }
    let inner = |it: &Value| it.is_object().then(|| schema(it));
    for (key, name) in
        [("items", "items"), ("propertyNames", "propertyNames"), ("additionalProperties", "rest")]
    {
        if let Some(inner) = inner(&it[key]) {
            all[name] = inner;
        }
    }
    if it["additionalProperties"] == false {
        all["closed"] = json!(true);
    }
    if let Some(places) = it["x-onkernel-places"].as_array() {
        all["places"] = places.iter().map(schema).collect();
    }
    let properties = it["properties"].as_object();
    match it.get("x-onkernel-union") {
        Some(union) => all = choice(it, union, all),
        None if properties.is_some() => {
            let properties = properties.into_iter().flatten();
            let properties: Map<String, Value> =
                properties.map(|(name, it)| (name.clone(), schema(it))).collect();
            all["properties"] = json!(properties);
        }
        None => {}
    }
    all
}

/// A choice, of which the generator is shown an object with a property a kind.
fn choice(it: &Value, union: &Value, mut all: Value) -> Value {
    let kinds = union["variants"].as_array().into_iter().flatten().map(|kind| {
        let property = kind["property"].as_str().unwrap_or_default();
        json!({ "tags": kind["tags"], "schema": schema(&it["properties"][property]) })
    });
    let kinds: Vec<Value> = kinds.collect();
    if let Some(all) = all.as_object_mut() {
        all.remove("type");
    }
    all["choice"] = json!({ "tag": union["tag"], "beside": union["beside"], "kinds": kinds });
    all
}

/// These keys of an object, those that are ours without their prefix.
fn kept(it: &Value, keys: &[&str]) -> Value {
    let there = keys.iter().filter_map(|key| Some((*key, it.get(*key)?.clone())));
    let named = there.map(|(key, it)| (key.trim_start_matches("x-onkernel-").to_owned(), it));
    Value::Object(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_reference_a_choice_or_a_type() {
        let union = json!({
            "type": "object",
            "properties": { "log": { "$ref": "#/components/schemas/Log" } },
            "x-onkernel-union": { "tag": "event", "beside": false, "variants": [
                { "name": "Log", "property": "log", "tags": ["log"], "shape": {} }
            ] }
        });
        let kinds = json!([{ "tags": ["log"], "schema": { "$ref": "Log" } }]);
        assert_eq!(
            schema(&union),
            json!({ "choice": { "tag": "event", "beside": false, "kinds": kinds } })
        );
        assert_eq!(
            schema(&json!({
                "type": "object", "description": "d", "required": ["a"], "additionalProperties": false,
                "properties": { "a": { "type": "string", "example": "x", "x-onkernel-max-bytes": 9 } }
            })),
            json!({
                "type": "object", "required": ["a"], "closed": true,
                "properties": { "a": { "type": "string", "max-bytes": 9 } }
            })
        );
    }

    #[test]
    fn a_place_of_a_tuple_may_be_of_its_own_kind_alone() {
        let kind = |property: &str, member: u8| json!({ "property": property, "member": member });
        let mut lowered = json!({ "components": { "schemas": {
            "Pair": {
                "type": "array", "items": { "$ref": "#/components/schemas/Item" },
                "x-onkernel-places": [1, 0, null]
            },
            "Item": {
                "properties": {
                    "kind0": { "type": "integer" }, "kind1": { "type": "string" },
                    "kind2": { "type": "boolean" }
                },
                "x-onkernel-union": { "tag": null, "beside": false, "variants": [
                    kind("kind0", 0), kind("kind1", 1), kind("kind2", 1)
                ] }
            }
        } } });
        place(&mut lowered);
        let places = &schema(&lowered["components"]["schemas"]["Pair"])["places"];
        assert_eq!(places[0]["choice"]["kinds"].as_array().unwrap().len(), 2);
        assert_eq!(places[1], json!({ "type": "integer" }));
        assert_eq!(places[2], json!({ "$ref": "Item" }));
    }

    #[test]
    fn of_the_responses_the_successes_are_left_in_the_order_of_their_statuses() {
        let all =
            responses(&json!({ "404": {}, "2XX": { "content": { "image/png": {} } }, "202": {} }));
        let statuses: Vec<_> = all.as_array().unwrap().iter().map(|it| &it["status"]).collect();
        assert_eq!(statuses, [200, 202]);
        assert_eq!(all[0]["type"], "image/png");
    }
}
