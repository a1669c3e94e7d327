//! What two schemas allow that are said of one value: the parts of an `allOf`.
//!
//! ```yaml
//! # before                                            # after
//! allOf: [{ type: number }, { type: integer }]        type: integer
//! allOf: [{ enum: [low, high] }, { enum: [high] }]    enum: [high]
//! allOf: [{ maxLength: 9 }, { maxLength: 5 }]         maxLength: 5
//! ```

use serde_json::{Map, Value, json};

/// What stands beside a schema without changing what it allows.
const ANNOTATIONS: [&str; 8] = [
    "description",
    "title",
    "deprecated",
    "default",
    "example",
    "externalDocs",
    "readOnly",
    "writeOnly",
];

pub(super) fn is_annotation(key: &str) -> bool {
    ANNOTATIONS.contains(&key) || key == "nullable" || key.starts_with("x-")
}

/// What a schema is, references followed.
pub(super) fn target<'a>(source: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..16 {
        let pointer = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        match pointer.and_then(|pointer| source.pointer(pointer)) {
            Some(target) => schema = target,
            None => return schema,
        }
    }
    schema
}

/// The one of two schemas that allows no more than the other, as it is written, with what is said
/// beside the other.
pub(super) fn narrower(source: &Value, one: &Value, other: &Value) -> Option<Value> {
    let (bare_one, bare_other) = (bare(target(source, one)), bare(target(source, other)));
    let kept = match () {
        () if bare_one == bare_other && one.get("$ref").is_some() => one,
        () if bare_one == bare_other || bare_one.is_empty() => other,
        () if bare_other.is_empty() => one,
        () => return None,
    };
    let mut kept = kept.clone();
    let members = kept.as_object_mut()?;
    for (key, value) in [other, one].into_iter().filter_map(Value::as_object).flatten() {
        if is_annotation(key) && key != "nullable" {
            members.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Some(kept)
}

/// The keywords of a schema that say what it allows.
fn bare(schema: &Value) -> Map<String, Value> {
    let members = schema.as_object().into_iter().flatten();
    let said = members.filter(|(key, value)| match key.as_str() {
        "nullable" => **value == json!(true),
        key => !is_annotation(key),
    });
    said.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What both schemas allow, which are not of objects.
///
/// # Errors
/// The keyword that they differ on, if there is no saying what is left.
pub(super) fn both(source: &Value, one: &Value, other: &Value) -> Result<Value, String> {
    let empty = Map::new();
    let members = |schema| target(source, schema).as_object().unwrap_or(&empty);
    let (first, second) = (members(one), members(other));
    let mut whole = first.clone();
    for (key, value) in second {
        let narrowed = match (key.as_str(), first.get(key)) {
            (key, _) if is_annotation(key) => Some(value.clone()),
            (_, None) => Some(value.clone()),
            (_, Some(known)) if known == value => Some(value.clone()),
            ("type", Some(known)) => number_or_integer(known, value),
            ("enum", Some(known)) => of_both(known, value),
            ("items", Some(known)) => match narrower(source, known, value) {
                Some(items) => Some(items),
                None => Some(both(source, known, value)?),
            },
            ("format", Some(known)) => closer_format(known, value),
            ("minimum" | "minLength" | "minItems" | "minProperties", Some(known)) => {
                Some(further(known, value, |known, value| value >= known))
            }
            ("maximum" | "maxLength" | "maxItems" | "maxProperties", Some(known)) => {
                Some(further(known, value, |known, value| value <= known))
            }
            ("uniqueItems", Some(_)) => Some(json!(true)),
            // Both hold, and they are the server's to check.
            ("pattern", Some(_)) => Some(value.clone()),
            _ => None,
        };
        let narrowed = narrowed.ok_or_else(|| format!("`{key}`"))?;
        whole.insert(key.clone(), narrowed);
    }
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        exclusive_of_kept(&mut whole, first, second, limit, exclusive);
    }
    if first.get("nullable") != second.get("nullable") {
        whole.remove("nullable");
    }
    fits(&whole)?;
    Ok(Value::Object(whole))
}

fn number_or_integer(one: &Value, other: &Value) -> Option<Value> {
    let names = [one.as_str()?, other.as_str()?];
    let numbers = names.iter().all(|name| ["integer", "number"].contains(name));
    numbers.then(|| json!("integer"))
}

/// The values that both lists hold.
fn of_both(one: &Value, other: &Value) -> Option<Value> {
    let kept: Vec<&Value> = one
        .as_array()?
        .iter()
        .filter(|it| other.as_array().is_some_and(|other| other.contains(it)))
        .collect();
    (!kept.is_empty()).then(|| json!(kept))
}

/// Of two formats of numbers the one that holds less.
fn closer_format(one: &Value, other: &Value) -> Option<Value> {
    let bits = |format: &Value| match format.as_str()? {
        "int32" => Some((true, 32)),
        "int64" => Some((true, 64)),
        "uint8" => Some((false, 8)),
        "uint32" => Some((false, 32)),
        "uint64" => Some((false, 64)),
        _ => None,
    };
    let ((signed, first), (other_signed, second)) = (bits(one)?, bits(other)?);
    (signed == other_signed).then(|| if first < second { one.clone() } else { other.clone() })
}

/// The limit that allows less.
fn further(known: &Value, value: &Value, is: fn(f64, f64) -> bool) -> Value {
    match (known.as_f64(), value.as_f64()) {
        (Some(one), Some(other)) if is(one, other) => value.clone(),
        _ => known.clone(),
    }
}

/// Whether a limit is itself excluded is said where the limit is.
fn exclusive_of_kept(
    whole: &mut Map<String, Value>,
    first: &Map<String, Value>,
    second: &Map<String, Value>,
    limit: &str,
    exclusive: &str,
) {
    let Some(kept) = whole.get(limit).and_then(Value::as_f64) else { return };
    let excluded = [first, second].iter().any(|it| {
        it.get(limit).and_then(Value::as_f64) == Some(kept)
            && it.get(exclusive) == Some(&json!(true))
    });
    match excluded {
        true => drop(whole.insert(exclusive.to_owned(), json!(true))),
        false => drop(whole.remove(exclusive)),
    }
}

/// Whether the values of an enum are of the type that is left.
fn fits(whole: &Map<String, Value>) -> Result<(), String> {
    let (Some(Value::String(name)), Some(Value::Array(values))) =
        (whole.get("type"), whole.get("enum"))
    else {
        return Ok(());
    };
    let of_type = |value: &Value| super::values::is_of(value, &json!(name));
    if values.iter().all(of_type) { Ok(()) } else { Err("`type`".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(one: Value, other: Value) -> Result<Value, String> {
        let source = json!({ "components": { "schemas": { "State": { "type": "string", "enum": ["a", "b"] } } } });
        match narrower(&source, &one, &other) {
            Some(it) => Ok(it),
            None => both(&source, &one, &other),
        }
    }

    #[test]
    fn the_narrower_holds() {
        let state = json!({ "$ref": "#/components/schemas/State" });
        let inline = json!({ "type": "string", "enum": ["a", "b"] });
        for (one, other, expected) in [
            (
                json!({ "type": "number" }),
                json!({ "type": "integer", "minimum": 1 }),
                json!({ "type": "integer", "minimum": 1 }),
            ),
            (
                json!({ "type": "string" }),
                json!({ "type": "string", "enum": ["a"] }),
                json!({ "type": "string", "enum": ["a"] }),
            ),
            (
                inline.clone(),
                json!({ "type": "string", "enum": ["b", "c"] }),
                json!({ "type": "string", "enum": ["b"] }),
            ),
            (inline.clone(), state.clone(), state.clone()),
            (state.clone(), inline, state.clone()),
            (json!({}), state.clone(), state.clone()),
            (
                state.clone(),
                json!({ "description": "d" }),
                json!({ "$ref": state["$ref"], "description": "d" }),
            ),
            (
                json!({ "maxLength": 9, "minLength": 1 }),
                json!({ "maxLength": 5 }),
                json!({ "maxLength": 5, "minLength": 1 }),
            ),
            (
                json!({ "minimum": 3, "exclusiveMinimum": true }),
                json!({ "minimum": 5 }),
                json!({ "minimum": 5 }),
            ),
            (
                json!({ "type": "string", "nullable": true }),
                json!({ "type": "string", "maxLength": 2 }),
                json!({ "type": "string", "maxLength": 2 }),
            ),
            (
                json!({ "type": "array", "items": { "type": "number" } }),
                json!({ "type": "array", "items": { "type": "integer" } }),
                json!({ "type": "array", "items": { "type": "integer" } }),
            ),
        ] {
            assert_eq!(of(one.clone(), other.clone()).unwrap(), expected, "{one} and {other}");
        }
    }

    #[test]
    fn what_leaves_nothing_is_an_error() {
        for (one, other) in [
            (json!({ "type": "string" }), json!({ "type": "integer" })),
            (json!({ "enum": ["a"] }), json!({ "enum": ["b"] })),
            (json!({ "multipleOf": 2 }), json!({ "multipleOf": 3 })),
            (json!({ "type": "integer" }), json!({ "enum": ["a"] })),
        ] {
            assert!(of(one.clone(), other.clone()).is_err(), "{one} and {other}");
        }
    }
}
