//! The values that a schema lists, and the limits of its numbers, agree with its type.
//!
//! ```yaml
//! # before                                      # after
//! const: isp                                    type: string, enum: [isp]
//! enum: [a, null]                               enum: [a], nullable: true
//! const: null                                   type: 'null'
//! type: string, enum: [1, X, true]              type: string, enum: ['1', X, 'true']
//! enum: [1, auto]                               type: [integer, string], enum: [1, auto]
//! oneOf: [{ const: a }, { const: b }, …]        oneOf: [{ enum: [a, b] }, …]
//! type: integer, minimum: -9223372036854776000  type: integer
//! maxLength: 255.0                              maxLength: 255
//! ```
//!
//! YAML reads what nobody quoted as a number or a boolean. Where the text can be told from the value,
//! it is a string again; a fraction cannot (`1.10` is `1.1`), and stays to be reported.

use serde_json::{Map, Number, Value, json};

/// `const` is an enum of one.
pub(super) fn constant(it: &mut Map<String, Value>) {
    let Some(value) = it.remove("const") else { return };
    if !it.contains_key("type") {
        it.insert("type".to_owned(), json!(type_of(&value)));
    }
    it.insert("enum".to_owned(), json!([value]));
}

/// `null` among the values of an enum; one that holds nothing else is the type of `null`.
pub(super) fn null(it: &mut Map<String, Value>) {
    let Some(Value::Array(values)) = it.get_mut("enum") else { return };
    let before = values.len();
    values.retain(|value| !value.is_null());
    if values.len() == before {
        return;
    }
    if values.is_empty() {
        it.remove("enum");
        it.remove("nullable");
        it.insert("type".to_owned(), json!("null"));
    } else {
        it.insert("nullable".to_owned(), json!(true));
    }
}

/// The values of an enum are of its type, and those of an enum without one say which types it has.
pub(super) fn typed(it: &mut Map<String, Value>) {
    let Some(Value::Array(values)) = it.get("enum") else { return };
    match it.get("type") {
        Some(Value::String(name)) => {
            let values: Vec<Value> = values.iter().map(|value| as_type(value, name)).collect();
            it.insert("enum".to_owned(), json!(values));
        }
        Some(Value::Array(names)) => {
            let met = |name: &&Value| values.iter().any(|value| is_of(value, name));
            let kept: Vec<Value> = names.iter().filter(met).cloned().collect();
            match kept.as_slice() {
                [only] => drop(it.insert("type".to_owned(), only.clone())),
                _ => drop(it.insert("type".to_owned(), json!(kept))),
            }
        }
        _ => {
            let mut names: Vec<&str> = values.iter().map(type_of).collect();
            names.dedup();
            let scalar = |name: &&str| !["array", "object", "null"].contains(name);
            let unlike = names.iter().any(|name| *name != names[0]);
            // `[1, 2.5]` is of numbers.
            let numbers = |name: &&str| ["integer", "number"].contains(name);
            if unlike && names.iter().all(scalar) && !names.iter().all(numbers) {
                let whole = !names.contains(&"number");
                let mut distinct: Vec<&str> = Vec::new();
                for name in names {
                    let name = if name == "integer" && !whole { "number" } else { name };
                    if !distinct.contains(&name) {
                        distinct.push(name);
                    }
                }
                it.insert("type".to_owned(), json!(distinct));
            }
        }
    }
}

/// Whether a value is of a type of this name.
pub(super) fn is_of(value: &Value, name: &Value) -> bool {
    let found = type_of(value);
    name == found || name == "number" && found == "integer"
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    }
}

/// A value as one of this type, if that loses nothing.
fn as_type(value: &Value, name: &str) -> Value {
    let read = match (name, value) {
        ("string", Value::Number(number)) if !number.is_f64() => Some(json!(number.to_string())),
        ("string", Value::Bool(flag)) => Some(json!(flag.to_string())),
        ("integer", Value::Number(number)) => whole(number).map(Value::from),
        ("integer" | "number", Value::String(text)) => {
            text.parse::<Number>().ok().filter(|it| it.to_string() == *text).map(Value::Number)
        }
        ("boolean", Value::String(text)) => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| value.clone())
}

/// A choice's constants of one type are one enum; where it holds nothing else, it is that enum.
pub(super) fn of_choice(it: &mut Map<String, Value>) {
    for key in ["oneOf", "anyOf"] {
        let Some(Value::Array(members)) = it.get_mut(key) else { continue };
        let before = members.len();
        let mut kept: Vec<Value> = Vec::new();
        let mut nullable = false;
        for mut member in std::mem::take(members) {
            if let Some(member) = member.as_object_mut().filter(|it| !it.contains_key("$ref")) {
                nullable |= member.remove("nullable") == Some(json!(true));
            }
            let same = kept
                .iter_mut()
                .find(|kept| scalar(kept).is_some_and(|it| Some(it) == scalar(&member)));
            match (same, member["enum"].as_array()) {
                (Some(same), Some(values)) => {
                    let all = same["enum"].as_array().cloned().unwrap_or_default();
                    let new = values.iter().filter(|value| !all.contains(value)).cloned();
                    same["enum"] = json!(all.iter().cloned().chain(new).collect::<Vec<_>>());
                    if let Some(same) = same.as_object_mut() {
                        same.remove("title");
                        same.remove("description");
                    }
                }
                _ => kept.push(member),
            }
        }
        match kept.as_slice() {
            [only] if scalar(only).is_some() && (before > 1 || only["type"] == "string") => {
                let (name, values) = (only["type"].clone(), only["enum"].clone());
                it.remove(key);
                it.insert("type".to_owned(), name);
                it.insert("enum".to_owned(), values);
            }
            _ => *members = kept,
        }
        if nullable {
            it.insert("nullable".to_owned(), json!(true));
        }
    }
}

/// The type of a schema that is a list of values and nothing else.
fn scalar(schema: &Value) -> Option<&Value> {
    let said = ["type", "enum", "title", "description", "format"];
    let members = schema.as_object()?;
    let name = members.get("type").filter(|it| it.is_string())?;
    let alone = members.keys().all(|key| said.contains(&key.as_str()) || key.starts_with("x-"));
    (alone && members.contains_key("enum")).then_some(name)
}

/// A limit beyond what the type can hold says nothing, and a count is a whole number: both come of
/// programs that write every number as a double.
pub(super) fn limits(it: &mut Map<String, Value>) {
    for key in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]
    {
        let count = it.get(key).and_then(Value::as_number).filter(|it| it.is_f64()).and_then(whole);
        if let Some(count) = count {
            it.insert(key.to_owned(), json!(count));
        }
    }
    if it.get("type") != Some(&json!("integer")) {
        return;
    }
    let (low, high) = match it.get("format").and_then(Value::as_str) {
        Some("uint64") => (0.0, 18_446_744_073_709_551_615.0),
        _ => (-9_223_372_036_854_775_808.0, 9_223_372_036_854_775_807.0),
    };
    let beyond = |it: &Map<String, Value>, key: &str, is: &dyn Fn(f64) -> bool| {
        it.get(key).and_then(Value::as_f64).is_some_and(is)
    };
    for (limit, exclusive, is) in [
        ("minimum", "exclusiveMinimum", &(|bound| bound <= low) as &dyn Fn(f64) -> bool),
        ("maximum", "exclusiveMaximum", &|bound| bound >= high),
    ] {
        // What no limit of 64 bits can say precisely is no limit either.
        let huge = |bound: f64| bound.abs() >= 9_223_372_036_854_775_807.0;
        if beyond(it, limit, &|bound| is(bound) && huge(bound)) {
            it.remove(limit);
            it.remove(exclusive);
        }
    }
}

/// A number without a fraction, as one of 64 bits.
fn whole(number: &Number) -> Option<i64> {
    let exact = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 9e15);
    // Below 2^53, so nothing is cut off.
    #[allow(clippy::cast_possible_truncation)]
    number.as_i64().or_else(|| exact.map(|it| it as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rule: fn(&mut Map<String, Value>), mut schema: Value) -> Value {
        rule(schema.as_object_mut().unwrap());
        schema
    }

    #[test]
    fn values_are_read_as_the_type_says_where_nothing_is_lost() {
        for (before, expected) in [
            (
                json!({ "type": "string", "enum": [1, 22, "X", true] }),
                json!(["1", "22", "X", "true"]),
            ),
            (json!({ "type": "string", "enum": [1.5, "2"] }), json!([1.5, "2"])),
            (json!({ "type": "integer", "enum": ["1", 2.0, "03"] }), json!([1, 2, "03"])),
            (json!({ "type": "number", "enum": ["0.5", 1] }), json!([0.5, 1])),
            (json!({ "type": "boolean", "enum": ["true"] }), json!([true])),
        ] {
            assert_eq!(after(typed, before)["enum"], expected);
        }
        for (values, types) in [
            (json!([1, "auto", 2]), json!(["integer", "string"])),
            (json!([1, 2.5, "auto"]), json!(["number", "string"])),
            (json!([1, 2.5]), Value::Null),
            (json!([[], 1]), Value::Null),
        ] {
            assert_eq!(after(typed, json!({ "enum": values }))["type"], types);
        }
    }

    #[test]
    fn the_constants_of_a_choice_are_one_enum_for_each_type() {
        let text = |value: &str| json!({ "type": "string", "enum": [value] });
        let number = |value: i64| json!({ "type": "integer", "enum": [value] });
        let object = json!({ "type": "object" });
        assert_eq!(
            after(
                of_choice,
                json!({ "oneOf": [text("a"), number(1), text("b"), object, number(2)] })
            ),
            json!({ "oneOf": [
                { "type": "string", "enum": ["a", "b"] },
                { "type": "integer", "enum": [1, 2] },
                object,
            ] })
        );
        assert_eq!(
            after(of_choice, json!({ "anyOf": [number(1), number(2)] })),
            json!({ "type": "integer", "enum": [1, 2] })
        );
        let nullable = json!({ "type": "string", "enum": ["b"], "nullable": true });
        assert_eq!(
            after(of_choice, json!({ "anyOf": [text("a"), nullable] })),
            json!({ "type": "string", "enum": ["a", "b"], "nullable": true })
        );
        let bounded = json!({ "oneOf": [text("a"), { "type": "string", "minLength": 3 }] });
        assert_eq!(after(of_choice, bounded.clone()), bounded);
    }

    #[test]
    fn an_enum_of_null_alone_is_null() {
        assert_eq!(
            after(null, json!({ "type": "string", "enum": [null] })),
            json!({ "type": "null" })
        );
    }

    #[test]
    fn limits_beyond_64_bits_say_nothing() {
        let limits = |schema: Value| after(limits, schema);
        assert_eq!(
            limits(
                json!({ "type": "integer", "minimum": -9.223372036854776e18, "maximum": 18446744073709551615_u64 })
            ),
            json!({ "type": "integer" })
        );
        let kept = [
            json!({ "type": "integer", "format": "uint64", "minimum": 0, "maximum": 9.3e18 }),
            json!({ "type": "number", "maximum": 3.4e38 }),
        ];
        for schema in kept {
            assert_eq!(limits(schema.clone()), schema);
        }
        assert_eq!(limits(json!({ "maxLength": 255.0 })), json!({ "maxLength": 255 }));
    }
}
