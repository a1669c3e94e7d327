//! What stands beside a choice belongs to each of its kinds.
//!
//! ```yaml
//! # before                                          # after
//! Shape:                                            Shape:
//!   properties: { kind: …, name: … }                  oneOf:
//!   oneOf: [{ $ref: Circle }, { $ref: Square }]         - allOf: [{ properties: … }, { $ref: Circle }]
//!   discriminator: { propertyName: kind, … }            - allOf: [{ properties: … }, { $ref: Square }]
//!                                                     discriminator: { propertyName: kind, … }
//! ```
//!
//! The same for a choice that is one part of an `allOf`. Where a discriminator names the kinds, the
//! common property that it reads becomes a constant in each.

use serde_json::{Map, Value, json};

use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    let source = document.clone();
    walk::schemas(document, &mut |_, schema| {
        if let Some(choice) = rewritten(&source, schema) {
            *schema = choice;
        }
    });
}

/// What is said of the whole and not of each kind.
const OF_THE_WHOLE: [&str; 7] =
    ["oneOf", "anyOf", "discriminator", "description", "title", "nullable", "default"];

fn rewritten(source: &Value, schema: &Value) -> Option<Value> {
    let mut base = schema.as_object()?.clone();
    let mut whole = Map::new();
    for key in OF_THE_WHOLE {
        if let Some(value) = base.remove(key) {
            whole.insert(key.to_owned(), value);
        }
    }
    let own = ["oneOf", "anyOf"].iter().find_map(|key| Some((*key, whole.get(*key)?.clone())));
    let (key, members) = match own {
        Some(own) if base.contains_key("properties") || base.contains_key("allOf") => own,
        Some(_) => return None,
        None => part(source, &mut base, &mut whole)?,
    };
    let discriminator = whole.get("discriminator").cloned().unwrap_or_default();
    let members = members.as_array().filter(|members| !members.is_empty())?.iter();
    let members = members.map(|member| kind(source, &base, member, &discriminator));
    whole.insert(key.to_owned(), json!(members.collect::<Vec<_>>()));
    Some(Value::Object(whole))
}

/// Takes the one choice out of the parts of an `allOf` of more.
fn part(
    source: &Value,
    base: &mut Map<String, Value>,
    whole: &mut Map<String, Value>,
) -> Option<(&'static str, Value)> {
    let parts = base.get("allOf")?.as_array()?;
    let says_more = parts.len() > 1 || base.contains_key("properties");
    let choices = parts.iter().enumerate().filter_map(|(at, part)| {
        let target = target(source, part).as_object()?;
        let key = ["oneOf", "anyOf"].into_iter().find(|key| target.contains_key(*key))?;
        // What it says besides would have to be distributed first.
        let alone = target.keys().all(|it| OF_THE_WHOLE.contains(&it.as_str()));
        alone.then(|| (at, key, target.clone()))
    });
    let mut choices: Vec<_> = choices.collect();
    let (at, key, mut choice) = choices.pop().filter(|_| choices.is_empty() && says_more)?;
    if let Some(Value::Array(parts)) = base.get_mut("allOf") {
        parts.remove(at);
    }
    if let Some(discriminator) = choice.remove("discriminator") {
        whole.entry("discriminator").or_insert(discriminator);
    }
    Some((key, choice.remove(key)?))
}

/// A kind with what stands beside the choice.
fn kind(source: &Value, base: &Map<String, Value>, member: &Value, discriminator: &Value) -> Value {
    let component = member["$ref"].as_str().and_then(|it| it.rsplit('/').next());
    let title = component.or(member["title"].as_str()).map(ToOwned::to_owned);
    let mut base = base.clone();
    if let Some(name) = discriminator["propertyName"].as_str()
        && let Some(properties) = base.get_mut("properties").and_then(Value::as_object_mut)
    {
        if target(source, member)["properties"].get(name).is_some() {
            // The kind's own says more.
            properties.remove(name);
        } else if let Some(component) = component {
            let tags = tags(discriminator, component);
            properties.insert(name.to_owned(), json!({ "type": "string", "enum": tags }));
        }
    }
    let mut kind = json!({ "allOf": [base, member] });
    if let Some(title) = title {
        kind["title"] = json!(title);
    }
    kind
}

/// What a discriminator says for a component: its name, where there is no mapping.
fn tags(discriminator: &Value, component: &str) -> Vec<String> {
    let mapping = discriminator["mapping"].as_object().into_iter().flatten();
    let tags: Vec<String> = mapping
        .filter(|(_, target)| {
            target.as_str().and_then(|it| it.rsplit('/').next()) == Some(component)
        })
        .map(|(tag, _)| tag.clone())
        .collect();
    if tags.is_empty() { vec![component.to_owned()] } else { tags }
}

fn target<'a>(source: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    reference.and_then(|pointer| source.pointer(pointer)).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn after(schema: Value) -> Value {
        let mut document = json!({ "components": { "schemas": {
            "Circle": { "properties": { "radius": {} } },
            "Square": { "properties": { "kind": { "enum": ["square"] } } },
            "Any": { "oneOf": [reference("Circle"), reference("Square")] },
            "Shape": schema
        } } });
        apply(&mut document);
        document["components"]["schemas"]["Shape"].take()
    }

    #[test]
    fn each_kind_gets_what_stands_beside_the_choice() {
        let shape = after(json!({
            "description": "d",
            "required": ["kind"],
            "properties": { "kind": { "type": "string" }, "name": {} },
            "oneOf": [reference("Circle"), reference("Square")],
            "discriminator": { "propertyName": "kind", "mapping": { "round": "#/components/schemas/Circle" } }
        }));
        assert_eq!(shape["description"], "d");
        assert!(shape.get("properties").is_none());
        let kinds = shape["oneOf"].as_array().unwrap();
        let base = |at: usize| &kinds[at]["allOf"][0]["properties"];
        assert_eq!(
            *base(0),
            json!({ "kind": { "type": "string", "enum": ["round"] }, "name": {} })
        );
        assert_eq!(*base(1), json!({ "name": {} }), "the kind says its constant itself");
        assert_eq!(
            (&kinds[0]["title"], &kinds[0]["allOf"][1]),
            (&json!("Circle"), &reference("Circle"))
        );
    }

    #[test]
    fn a_choice_among_other_parts_is_distributed_and_one_on_its_own_is_not() {
        let shape = after(json!({ "allOf": [{ "properties": { "name": {} } }, reference("Any")] }));
        assert_eq!(shape["oneOf"].as_array().unwrap().len(), 2, "{shape}");
        for alone in [json!({ "allOf": [reference("Any")], "description": "d" }), reference("Any")]
        {
            assert_eq!(after(alone.clone()), alone);
        }
    }
}
