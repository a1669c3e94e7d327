//! A choice between sets of required properties is a condition on one struct, not a choice
//! between types.
//!
//! ```yaml
//! # before                                      # after
//! properties: { id: …, name: … }                properties: { id: …, name: … }
//! oneOf: [{ required: [id] }, { required: [name] }]  x-onkernel-sets: { exactly: true, sets: [[id], [name]] }
//! ```
//!
//! `oneOf` wants exactly one set, `anyOf` at least one; a `not` that forbids any two of them, beside
//! the choice or in its members, makes that exactly one too. A `not` by itself,
//! `not: { required: [days, until] }`, names properties that exclude each other:
//! `x-onkernel-excluded: [[days, until]]`. The client checks it all before sending.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    walk::schemas(document, &mut |_, schema| rewrite(schema));
}

fn rewrite(schema: &mut Value) {
    let Some(it) = schema.as_object_mut() else { return };
    if !it.contains_key("properties") {
        return;
    }
    for (key, exactly) in [("oneOf", true), ("anyOf", false)] {
        let sets = it.get(key).and_then(Value::as_array).and_then(|members| {
            members.iter().map(|member| set(it, member)).collect::<Option<Vec<_>>>()
        });
        let Some(sets) = sets.filter(|sets| !sets.is_empty()) else { continue };
        let required: Vec<&Names> = sets.iter().map(|(required, _)| required).collect();
        // Members that forbid anything forbid, each of them, what any other requires.
        let inside = sets.iter().any(|(_, forbidden)| !forbidden.is_empty());
        let each =
            sets.iter().enumerate().all(|(at, (_, forbidden))| of_others(forbidden, &required, at));
        let beside = it.get("not").map(forbidden);
        let any_two = |forbidden: &Option<Vec<Names>>| {
            forbidden.as_ref().is_some_and(|it| of_any_two(it, &required))
        };
        if inside && !each || beside.as_ref().is_some_and(|it| !any_two(it)) {
            return;
        }
        let exactly = exactly || inside || beside.is_some();
        let names = it.get(key).and_then(Value::as_array).into_iter().flatten();
        let names: Vec<Value> = names.map(|member| member["required"].clone()).collect();
        it.insert("x-onkernel-sets".to_owned(), json!({ "exactly": exactly, "sets": names }));
        it.remove(key);
        it.remove("not");
        return;
    }
    if let Some(excluded) = it.get("not").and_then(forbidden) {
        // A property by itself that may not be there is no such condition.
        if excluded.iter().all(|names| names.len() > 1) {
            // What the object does not have cannot be sent.
            let known =
                |names: &&Names| names.iter().all(|name| it["properties"].get(name).is_some());
            let excluded: Vec<&Names> = excluded.iter().filter(known).collect();
            let excluded = json!(excluded);
            it.insert("x-onkernel-excluded".to_owned(), excluded);
            it.remove("not");
        }
    }
}

/// The names of some properties.
type Names = BTreeSet<String>;

/// The names that a member of the choice requires, and the sets of them that it forbids, if that is
/// all it says.
fn set(owner: &Map<String, Value>, member: &Value) -> Option<(Names, Vec<Names>)> {
    let silent = |key: &String, value: &Value| {
        ["required", "title", "description", "not"].contains(&key.as_str())
            || key == "type" && value == "object"
    };
    let only = member.as_object()?.iter().all(|(key, value)| silent(key, value));
    let required = names(member)?;
    let known = |name: &String| owner["properties"].get(name).is_some();
    let forbidden = match member.get("not") {
        Some(not) => forbidden(not)?,
        None => Vec::new(),
    };
    (only && !required.is_empty() && required.iter().all(known)).then_some((required, forbidden))
}

fn names(schema: &Value) -> Option<Names> {
    let names = schema["required"].as_array()?.iter();
    names.map(|name| name.as_str().map(ToOwned::to_owned)).collect()
}

/// The sets of properties that a `not` forbids to be there together, if that is all it says.
fn forbidden(not: &Value) -> Option<Vec<Names>> {
    let members = not.as_object()?;
    let only = |key: &str| members.keys().all(|it| it == key || it == "type");
    match members.get("anyOf") {
        Some(Value::Array(sets)) if only("anyOf") => sets.iter().map(only_required).collect(),
        _ => only_required(not).map(|names| vec![names]),
    }
}

fn only_required(schema: &Value) -> Option<Names> {
    let only = schema.as_object()?.keys().all(|key| key == "required" || key == "type");
    names(schema).filter(|names| only && !names.is_empty())
}

/// Whether what is forbidden beside one of the sets is any other of them, and nothing else.
fn of_others(forbidden: &[Names], sets: &[&Names], at: usize) -> bool {
    let others = sets.iter().enumerate().filter(|(other, _)| *other != at);
    let others: Vec<Names> = others.map(|(_, other)| *other - sets[at]).collect();
    others.iter().all(|other| forbidden.iter().any(|it| &(it - sets[at]) == other))
        && forbidden.iter().all(|it| others.contains(&(it - sets[at])))
}

/// Whether what is forbidden is any two of the sets together, and nothing else.
fn of_any_two(forbidden: &[Names], sets: &[&Names]) -> bool {
    let pairs = sets
        .iter()
        .enumerate()
        .flat_map(|(at, one)| sets[at + 1..].iter().map(move |other| *one | *other));
    let pairs: Vec<Names> = pairs.collect();
    pairs.iter().all(|pair| forbidden.iter().any(|it| it.is_subset(pair)))
        && forbidden.iter().all(|it| pairs.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_required_properties_become_a_condition() {
        let properties = json!({ "id": {}, "name": {} });
        let choice = json!([{ "required": ["id"] }, { "required": ["name"], "title": "By name" }]);
        let mut schema = json!({ "properties": properties, "oneOf": choice });
        rewrite(&mut schema);
        assert_eq!(
            schema,
            json!({
                "properties": properties,
                "x-onkernel-sets": { "exactly": true, "sets": [["id"], ["name"]] }
            })
        );
    }

    #[test]
    fn what_forbids_any_two_sets_makes_it_exactly_one() {
        let set = |names: &[&str]| json!({ "required": names });
        let not = |names: &[&str], forbidden: Value| json!({ "required": names, "not": forbidden });
        let two = json!([set(&["id"]), set(&["name"])]);
        let three = json!([set(&["id"]), set(&["name"]), set(&["key"])]);
        let pairs =
            json!({ "anyOf": [set(&["id", "name"]), set(&["id", "key"]), set(&["name", "key"])] });
        let each = json!([not(&["id"], set(&["name"])), not(&["name"], set(&["id"]))]);
        for (choice, beside, exactly) in [
            (two.clone(), Some(set(&["id", "name"])), Some(true)),
            (two.clone(), None, Some(false)),
            (three.clone(), Some(pairs), Some(true)),
            (three, Some(set(&["id", "name"])), None),
            (two.clone(), Some(set(&["id"])), None),
            (two, Some(json!({ "type": "string" })), None),
            (each, None, Some(true)),
        ] {
            let properties = json!({ "id": {}, "name": {}, "key": {} });
            let mut schema = json!({ "properties": properties, "anyOf": choice });
            if let Some(not) = &beside {
                schema["not"] = not.clone();
            }
            rewrite(&mut schema);
            assert_eq!(schema["x-onkernel-sets"]["exactly"].as_bool(), exactly, "{beside:?}");
        }
    }

    #[test]
    fn properties_exclude_each_other() {
        let set = |names: &[&str]| json!({ "required": names });
        for (not, excluded) in [
            (set(&["a", "b"]), Some(json!([["a", "b"]]))),
            (
                json!({ "anyOf": [set(&["b", "a"]), set(&["a", "c"]), set(&["a", "no"])] }),
                Some(json!([["a", "b"], ["a", "c"]])),
            ),
            (set(&["a"]), None),
            (json!({ "required": ["a", "b"], "minProperties": 1 }), None),
        ] {
            let before = json!({ "properties": { "a": {}, "b": {}, "c": {} }, "not": not });
            let mut schema = before.clone();
            rewrite(&mut schema);
            match excluded {
                Some(excluded) => assert_eq!(
                    schema,
                    json!({ "properties": before["properties"], "x-onkernel-excluded": excluded })
                ),
                None => assert_eq!(schema, before),
            }
        }
    }

    #[test]
    fn a_choice_that_says_more_is_left_alone() {
        for member in [
            json!({ "required": ["other"] }),
            json!({ "required": ["id"], "properties": { "id": { "const": "a" } } }),
            json!({}),
        ] {
            let before =
                json!({ "properties": { "id": {} }, "anyOf": [{ "required": ["id"] }, member] });
            let mut schema = before.clone();
            rewrite(&mut schema);
            assert_eq!(schema, before);
        }
    }
}
