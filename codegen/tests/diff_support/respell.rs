//! Says the same document in another way.

use serde_json::{Map, Value, json};

use super::each_schema_of;

/// Lists whose order says nothing, backwards; keys in another order.
pub fn reordered(document: &Value) -> Value {
    match document {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.reverse();
            let reversed = |value: &Value| match value {
                Value::Array(items) => Value::Array(items.iter().rev().map(reordered).collect()),
                other => reordered(other),
            };
            let fields = entries.into_iter().map(|(key, value)| {
                let value = match key.as_str() {
                    "enum" | "type" | "oneOf" | "anyOf" | "tags" => reversed(value),
                    _ => reordered(value),
                };
                (key.clone(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(reordered).collect()),
        other => other.clone(),
    }
}

/// Every so many schemas under a name of its own.
pub fn extracted(document: &Value, every: usize) -> Value {
    let mut document = document.clone();
    let mut named = Map::new();
    let mut seen = 0;
    each_schema_of(&mut document, &mut |schema| {
        seen += 1;
        if seen % every == 0 {
            let name = format!("Named{seen}");
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            named.insert(name, std::mem::replace(schema, reference));
        }
    });
    document["components"]["schemas"] = Value::Object(named);
    document
}

/// Every schema in an `allOf` of one, with notes that say nothing.
pub fn wrapped(document: &Value) -> Value {
    let mut document = document.clone();
    each_schema_of(&mut document, &mut |schema| {
        let inner = schema.take();
        *schema = json!({ "allOf": [inner], "example": 1, "x-note": "nothing" });
    });
    document
}

/// In the words of 3.0.
pub fn as_3_0(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = json!("3.0.3");
    each_schema_of(&mut document, &mut |schema| {
        let Some(map) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = map.get("type").cloned() {
            let rest: Vec<_> = types.into_iter().filter(|name| name != "null").collect();
            if let [only] = rest.as_slice() {
                map.insert("type".to_owned(), only.clone());
                map.insert("nullable".to_owned(), json!(true));
            }
        }
        if let Some(value) = map.remove("const") {
            map.insert("enum".to_owned(), json!([value]));
        }
        for (limit, flag) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            if map.get(flag).is_some_and(Value::is_number) {
                let value = map.insert(flag.to_owned(), json!(true)).unwrap_or_default();
                map.insert(limit.to_owned(), value);
            }
        }
        if map.contains_key("$ref") && map.len() > 1 {
            let reference = map.remove("$ref");
            map.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
    });
    document
}
