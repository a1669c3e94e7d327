//! Random documents, small and legal.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

/// What the documents may use.
#[derive(Clone, Copy, PartialEq)]
pub enum Spelling {
    /// All of 3.1.
    Dialect31,
    /// What can be said in 3.0 too.
    Both,
}

fn merged(base: Value, extra: Vec<(&str, Option<Value>)>) -> Value {
    let mut map: Map<String, Value> = base.as_object().unwrap().clone();
    map.extend(extra.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    Value::Object(map)
}

fn nullable(schema: Value, null: bool) -> Value {
    match (null, schema["type"].as_str()) {
        (true, Some(name)) => merged(schema.clone(), vec![("type", Some(json!([name, "null"])))]),
        _ => schema,
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    let words = option::of("[a-z]{3,8} [a-z]{3,8}").prop_map(|it| it.map(Value::from));
    let string = (
        option::of(1u32..5),
        option::of(9u32..20),
        option::of("[a-z]{2}"),
        option::weighted(0.2, Just("date-time")),
    )
        .prop_map(|(min, max, pattern, format)| {
            merged(
                json!({ "type": "string" }),
                vec![
                    ("minLength", min.map(Value::from)),
                    ("maxLength", max.map(Value::from)),
                    ("pattern", pattern.map(Value::from)),
                    ("format", format.map(Value::from)),
                ],
            )
        });
    let number = (
        prop_oneof![Just("integer"), Just("number")],
        option::of(0i32..9),
        option::of(10i32..99),
        any::<bool>(),
        option::of(10i32..11),
    )
        .prop_map(|(name, min, max, exclusive, default)| {
            let min_name = if exclusive { "exclusiveMinimum" } else { "minimum" };
            merged(
                json!({ "type": name }),
                vec![
                    (min_name, min.map(Value::from)),
                    ("maximum", max.map(Value::from)),
                    ("default", default.map(Value::from)),
                ],
            )
        });
    let values = subsequence(vec!["alpha", "beta", "gamma"], 1..=3)
        .prop_map(|values| json!({ "type": "string", "enum": values }));
    let constant = "[a-z]{4}".prop_map(|value| json!({ "type": "string", "const": value }));
    let boolean = Just(json!({ "type": "boolean" }));
    (
        prop_oneof![string, number, values, constant, boolean],
        words,
        any::<bool>(),
        option::weighted(0.1, Just(json!(true))),
    )
        .prop_map(|(schema, words, null, deprecated)| {
            let null = null && schema.get("enum").is_none() && schema.get("const").is_none();
            merged(nullable(schema, null), vec![("description", words), ("deprecated", deprecated)])
        })
}

fn object(property: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    (btree_map("[a-f]", (property, any::<bool>()), 1..4), option::of(any::<bool>())).prop_map(
        |(properties, closed)| {
            let required: Vec<_> =
                properties.iter().filter(|(_, it)| it.1).map(|(name, _)| name.clone()).collect();
            let properties: Map<String, Value> =
                properties.into_iter().map(|(name, it)| (name, it.0)).collect();
            merged(
                json!({ "type": "object", "properties": properties }),
                vec![
                    ("required", (!required.is_empty()).then(|| json!(required))),
                    ("additionalProperties", closed.map(Value::from)),
                ],
            )
        },
    )
}

pub fn schema() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 16, 4, |inner| {
        let variant = |kind: &'static str, it: Value| {
            json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "const": kind, "type": "string" }, "it": it } })
        };
        prop_oneof![
            3 => object(inner.clone()),
            1 => (inner.clone(), option::of(1u32..9)).prop_map(|(items, max)| {
                merged(json!({ "type": "array", "items": items }), vec![("maxItems", max.map(Value::from))])
            }),
            1 => inner.clone().prop_map(|it| json!({ "type": "object", "additionalProperties": it })),
            1 => (inner.clone(), inner).prop_map(move |(one, two)| {
                json!({ "oneOf": [variant("one", one), variant("two", two)] })
            }),
        ]
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let parameter = (leaf(), any::<bool>(), prop_oneof![Just("query"), Just("header")]);
    (btree_map("[p-t]", parameter, 0..3), option::of((schema(), any::<bool>())), schema(), schema(), any::<bool>()).prop_map(
        |(parameters, body, success, error, header)| {
            let parameters: Vec<_> = parameters
                .into_iter()
                .map(|(name, (schema, required, place))| {
                    json!({ "name": name, "in": place, "required": required, "schema": schema })
                })
                .collect();
            let content = |schema: Value| json!({ "application/json": { "schema": schema } });
            let body = body.map(|(schema, required)| json!({ "required": required, "content": content(schema) }));
            let headers = header.then(|| json!({ "X-Count": { "schema": { "type": "integer" } } }));
            let success = merged(json!({ "description": "fine", "content": content(success) }), vec![("headers", headers)]);
            let responses = json!({ "200": success, "400": { "description": "bad", "content": content(error) } });
            merged(json!({ "summary": "Does it", "parameters": parameters, "responses": responses }), vec![("requestBody", body)])
        },
    )
}

pub fn document(spelling: Spelling) -> impl Strategy<Value = Value> {
    vec(operation(), 1..3).prop_map(move |operations| {
        let mut paths = Map::new();
        for (index, mut operation) in operations.into_iter().enumerate() {
            operation["operationId"] = json!(format!("doIt{index}"));
            paths.insert(format!("/it{index}"), json!({ "post": operation }));
        }
        let version = if spelling == Spelling::Both { "3.0.3" } else { "3.1.0" };
        json!({
            "openapi": version,
            "info": { "title": "It", "version": "1" },
            "servers": [{ "url": "https://api.example.com" }],
            "security": [{ "key": [] }],
            "paths": paths,
            "components": { "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } } },
        })
    })
}
