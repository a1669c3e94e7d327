//! OpenAPI 3.1 and JSON Schema spellings become those of 3.0.
//!
//! ```yaml
//! # before                                  # after
//! type: [string, 'null']                    type: string, nullable: true
//! anyOf: [{ $ref: A }, { type: 'null' }]    allOf: [{ $ref: A }], nullable: true
//! $ref: A, description: …                   allOf: [{ $ref: A }], description: …
//! exclusiveMinimum: 0                       minimum: 0, exclusiveMinimum: true
//! type: [string, integer]                   oneOf: [{ type: string }, { type: integer }]
//! type: array                               type: array, items: {}
//! prefixItems: [A, B, A], items: false      items: { oneOf: [A, B] }, maxItems: 3,
//!                                           x-onkernel-places: [0, 1, 0]
//! patternProperties: { '^x-': A }           additionalProperties: A
//! examples: […], $comment: …                (dropped)
//! ```
//!
//! What it says of single values is in `values`.

use serde_json::{Map, Value, json};

use super::values;
use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    // What the generator wants to know of the document itself, and makes nothing of.
    document["info"] = json!({ "title": "", "version": "" });
    if let Some(root) = document.as_object_mut() {
        root.remove("webhooks");
        root.remove("jsonSchemaDialect");
    }
    walk::schemas(document, &mut |_, schema| rewrite(schema));
}

fn rewrite(schema: &mut Value) {
    if schema == &Value::Bool(true) {
        *schema = json!({});
    }
    let Some(it) = schema.as_object_mut() else { return };
    for key in ["examples", "$comment", "$id", "$anchor", "$schema"] {
        it.remove(key);
    }
    type_list(it);
    values::constant(it);
    values::null(it);
    values::typed(it);
    null_member(it);
    several_types(it);
    values::of_choice(it);
    tuple(it);
    patterns(it);
    for (exclusive, plain) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if it.get(exclusive).is_some_and(Value::is_number)
            && let Some(bound) = it.insert(exclusive.to_owned(), json!(true))
        {
            it.insert(plain.to_owned(), bound);
        }
    }
    values::limits(it);
    if it.contains_key("$ref") && it.len() > 1 {
        let reference = it.remove("$ref");
        it.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
}

/// A list of types: `null` becomes `nullable`, one that is left stands alone.
fn type_list(it: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = it.get_mut("type") else { return };
    let before = types.len();
    types.retain(|name| name != "null");
    let nullable = types.len() < before;
    match types.as_slice() {
        [only] => {
            let only = only.clone();
            it.insert("type".to_owned(), only);
        }
        [] if nullable => return drop(it.insert("type".to_owned(), json!("null"))),
        _ => {}
    }
    if nullable {
        it.insert("nullable".to_owned(), json!(true));
    }
}

/// More than one type is a choice between them, each with the keywords that are about it.
fn several_types(it: &mut Map<String, Value>) {
    const ABOUT: [(&str, &[&str]); 5] = [
        ("string", &["minLength", "maxLength", "pattern", "format"]),
        ("integer", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
        ("object", &["properties", "required", "additionalProperties"]),
    ];
    let Some(Value::Array(types)) = it.get("type").cloned() else { return };
    if it.contains_key("oneOf") || it.contains_key("anyOf") || types.is_empty() {
        return;
    }
    it.remove("type");
    let members = types.into_iter().map(|name| {
        let about = ABOUT.iter().find(|(kind, _)| name == *kind).map_or(&[][..], |(_, keys)| keys);
        let mut member = json!({ "type": name });
        for key in about {
            if let Some(value) = it.get(*key) {
                member[*key] = value.clone();
            }
        }
        if let Some(Value::Array(values)) = it.get("enum") {
            let own = values.iter().filter(|value| values::is_of(value, &member["type"]));
            member["enum"] = json!(own.collect::<Vec<_>>());
        }
        member
    });
    let members: Vec<Value> = members.collect();
    it.retain(|key, _| {
        key != "enum" && !ABOUT.iter().any(|(_, keys)| keys.contains(&key.as_str()))
    });
    it.insert("oneOf".to_owned(), json!(members));
}

/// A list whose places have types of their own is a list of any of them; one without a type is a
/// list of anything. Which place has which is kept for the embedded server: the last is that of all
/// further items, and null where they may be of any type.
fn tuple(it: &mut Map<String, Value>) {
    if let Some(Value::Array(places)) = it.remove("prefixItems") {
        let rest = it.remove("items");
        let is_closed = rest == Some(json!(false));
        if is_closed {
            it.entry("maxItems").or_insert(json!(places.len()));
        }
        let rest = rest.filter(Value::is_object);
        let is_open = rest.is_none() && !is_closed;
        let all: Vec<Value> = places.into_iter().chain(rest).collect();
        let kinds = distinct(all.iter().cloned());
        if kinds.len() > 1 {
            let kind_of = |it: &Value| kinds.iter().position(|kind| kind == it);
            let places = all.iter().map(kind_of).chain(is_open.then_some(None));
            it.insert("x-onkernel-places".to_owned(), places.collect());
        }
        it.insert("items".to_owned(), any_of(kinds));
        it.insert("type".to_owned(), json!("array"));
    }
    if it.get("items") == Some(&json!(false)) {
        it.insert("items".to_owned(), json!({}));
        it.entry("maxItems").or_insert(json!(0));
    }
    if it.get("type") == Some(&json!("array")) {
        it.entry("items").or_insert_with(|| json!({}));
    }
}

/// Names that fit a pattern hold values of its type. The pattern itself is the server's to check.
fn patterns(it: &mut Map<String, Value>) {
    let Some(Value::Object(patterns)) = it.remove("patternProperties") else { return };
    let closed = it.get("additionalProperties") == Some(&json!(false));
    let rest = match it.remove("additionalProperties") {
        Some(rest) if rest.is_object() => any_of(patterns.into_values().chain([rest])),
        // Other names may hold anything.
        _ if !closed => json!({}),
        _ => any_of(patterns.into_values()),
    };
    it.insert("additionalProperties".to_owned(), rest);
    it.entry("type").or_insert(json!("object"));
}

/// One of these types; the one that all of them are.
fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    let kinds = distinct(schemas);
    match kinds.as_slice() {
        [only] => only.clone(),
        [] => json!({}),
        _ => json!({ "oneOf": kinds }),
    }
}

/// Each once, in their order.
fn distinct(schemas: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut kinds: Vec<Value> = Vec::new();
    schemas.into_iter().for_each(|it| {
        if !kinds.contains(&it) {
            kinds.push(it);
        }
    });
    kinds
}

/// `null` as one member of a choice; a choice of one is no choice.
fn null_member(it: &mut Map<String, Value>) {
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(members)) = it.get_mut(key) else { continue };
        let before = members.len();
        members.retain(|member| member.get("type") != Some(&json!("null")));
        if members.len() == before {
            continue;
        }
        if members.len() == 1 {
            let only = it.remove(key);
            it.insert("allOf".to_owned(), only.unwrap_or_default());
        }
        it.insert("nullable".to_owned(), json!(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(mut schema: Value) -> Value {
        walk::schema("#", &mut schema, &mut |_, it| rewrite(it));
        schema
    }

    #[test]
    fn a_type_list_with_null_is_a_nullable_type() {
        assert_eq!(
            after(json!({ "type": ["string", "null"], "maxLength": 3 })),
            json!({ "type": "string", "nullable": true, "maxLength": 3 })
        );
        assert_eq!(after(json!({ "type": ["integer"] })), json!({ "type": "integer" }));
        assert_eq!(
            after(json!({ "type": ["string", "integer"], "maxLength": 3 })),
            json!({ "oneOf": [{ "type": "string", "maxLength": 3 }, { "type": "integer" }] })
        );
    }

    #[test]
    fn a_constant_is_an_enum_of_one() {
        assert_eq!(after(json!({ "const": "isp" })), json!({ "type": "string", "enum": ["isp"] }));
        assert_eq!(after(json!({ "const": 3 })), json!({ "type": "integer", "enum": [3] }));
    }

    #[test]
    fn a_choice_between_constants_is_an_enum() {
        assert_eq!(
            after(json!({ "oneOf": [{ "const": "a", "title": "A" }, { "const": "b" }] })),
            json!({ "type": "string", "enum": ["a", "b"] })
        );
    }

    #[test]
    fn a_tuple_is_a_list_that_remembers_its_places() {
        let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
        let both = json!({ "oneOf": [text, number] });
        for (rest, places) in [
            (Some(json!(false)), json!([0, 1, 0])),
            (Some(number.clone()), json!([0, 1, 0, 1])),
            (None, json!([0, 1, 0, null])),
        ] {
            let mut tuple = json!({ "prefixItems": [text, number, text] });
            if let Some(rest) = rest {
                tuple["items"] = rest;
            }
            let list = after(tuple);
            assert_eq!((&list["items"], &list["x-onkernel-places"]), (&both, &places));
        }
        let alike = after(json!({ "prefixItems": [text, text], "items": false }));
        assert_eq!(alike, json!({ "type": "array", "items": text, "maxItems": 2 }));
    }

    #[test]
    fn null_among_values_or_members_is_nullable() {
        assert_eq!(
            after(json!({ "type": "string", "enum": ["a", null] })),
            json!({ "type": "string", "enum": ["a"], "nullable": true })
        );
        assert_eq!(
            after(json!({ "anyOf": [{ "$ref": "#/x" }, { "type": "null" }] })),
            json!({ "allOf": [{ "$ref": "#/x" }], "nullable": true })
        );
    }

    #[test]
    fn siblings_of_a_reference_are_kept_beside_it() {
        assert_eq!(
            after(json!({ "properties": { "a": { "$ref": "#/x", "description": "d" } } })),
            json!({ "properties": { "a": { "allOf": [{ "$ref": "#/x" }], "description": "d" } } })
        );
        assert_eq!(after(json!({ "$ref": "#/x" })), json!({ "$ref": "#/x" }));
    }

    #[test]
    fn exclusive_bounds_are_flags_in_3_0() {
        assert_eq!(
            after(json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 9 })),
            json!({ "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": true })
        );
        let already = json!({ "minimum": 0, "exclusiveMinimum": true });
        assert_eq!(after(already.clone()), already);
    }

    #[test]
    fn the_schema_that_allows_everything_is_empty() {
        assert_eq!(
            after(json!({ "additionalProperties": true })),
            json!({ "additionalProperties": {} })
        );
    }
}
