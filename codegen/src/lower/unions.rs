//! A choice between schemas is read for how its kinds are told apart; the generator then sees an
//! object with a property a kind, from which it chooses their Rust types.
//!
//! ```yaml
//! # before                                   # after
//! Event:                                     Event:
//!   oneOf: [{ $ref: Log }, { $ref: State }]    properties: { kind0: …, kind1: … }
//!   discriminator: { propertyName: event }     x-onkernel-union:
//!                                                tag: event
//!                                                variants: [{ name: Log, tags: [log], … }, …]
//! ```
//!
//! A kind's own constant is believed before the discriminator's mapping: mappings in the wild name
//! schemas that are not among the kinds. Where the discriminator stands beside the choice instead
//! of inside its kinds, the owner's property tells:
//!
//! ```yaml
//! properties: { type: { enum: [isp] }, config: { oneOf: [{ $ref: IspConfig }] } }
//! discriminator: { propertyName: type, mapping: { isp: IspConfig } }
//! ```
//!
//! Without any tag, a value is of the kind whose required properties it has and of whose
//! properties it has most; the runtime takes no guess between two.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::lower::finding::Finding;
use crate::lower::naming::spell;
use crate::openapi::walk;

/// Moves a discriminator that stands on the owner of a choice to the choice itself.
pub(super) fn beside(document: &mut Value) {
    walk::schemas(document, &mut |_, schema| {
        if choice(schema).is_some() || !schema["properties"].is_object() {
            return;
        }
        let Some(it) = schema.as_object_mut() else { return };
        let Some(Value::Object(mut discriminator)) = it.remove("discriminator") else { return };
        discriminator.insert("x-onkernel-beside".to_owned(), json!(true));
        let discriminator = Value::Object(discriminator);
        for (_, property) in it["properties"].as_object_mut().into_iter().flatten() {
            let meant =
                choice(property).is_some_and(|it| it.iter().any(|it| names(&discriminator, it)));
            if meant && property.get("discriminator").is_none() {
                property["discriminator"] = discriminator.clone();
            }
        }
    });
}

/// Whether the mapping of a discriminator names a schema.
fn names(discriminator: &Value, schema: &Value) -> bool {
    let mut targets = discriminator["mapping"].as_object().into_iter().flatten();
    targets.any(|(_, target)| target == &schema["$ref"] || target.as_str() == component(schema))
}

/// The members of a choice.
pub(super) fn choice(schema: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array())
}

/// Describes the choice of every component that is one.
pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let source = document.clone();
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        if choice(schema).is_none() {
            continue;
        }
        match describe(&source, schema) {
            Ok((properties, union)) => {
                if let Some(it) = schema.as_object_mut() {
                    it.retain(|key, _| {
                        !["oneOf", "anyOf", "discriminator"].contains(&key.as_str())
                    });
                    it.insert("type".to_owned(), json!("object"));
                    it.insert("properties".to_owned(), properties);
                    it.insert("x-onkernel-union".to_owned(), union);
                }
            }
            Err(message) => findings.push(Finding::new(
                format!("#/components/schemas/{}", walk::escape(name)),
                message,
                "give every kind a constant of its own, in an overlay",
            )),
        }
    }
    findings
}

/// One kind of a choice.
struct Member<'a> {
    schema: Value,
    component: Option<&'a str>,
    target: &'a Value,
    tags: Vec<String>,
    /// Whether it cannot be without its tag, so that its own fields always send it.
    tagged_inside: bool,
    /// Which member of the choice it comes from; a choice inside the choice has several kinds.
    member: Option<usize>,
}

/// A property for every kind, and how they are told apart.
fn describe(document: &Value, schema: &Value) -> Result<(Value, Value), String> {
    let mut members = Vec::new();
    collect(document, schema, None, 0, &mut members)?;
    let discriminator = &schema["discriminator"];
    let beside = discriminator["x-onkernel-beside"] == true;
    let named = discriminator["propertyName"].as_str().map(ToOwned::to_owned);
    let tag = named.or_else(|| common_constant(document, &members));
    if let Some(tag) = &tag {
        if !beside {
            for member in &mut members {
                member.tags = constants(document, member.target, tag);
                member.tagged_inside = requires(member.target, tag);
            }
        }
        assign(document, discriminator, &mut members)?;
    }
    let names: Vec<String> = members.iter().map(name_of).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = spell::distinct(&names, |name| spell::camel(name, "Kind"), &["Unknown"]);
    let mut properties = json!({});
    let variants = members.iter().zip(names).enumerate().map(|(index, (member, name))| {
        let property = format!("kind{index}");
        properties[property.as_str()] = member.schema.clone();
        json!({
            "name": name,
            "property": property,
            "tags": member.tags,
            "tagged_inside": member.tagged_inside,
            "member": member.member,
            "shape": shape(document, member.target),
        })
    });
    let variants: Vec<Value> = variants.collect();
    Ok((properties, json!({ "tag": tag, "beside": beside, "variants": variants })))
}

/// Whether an object has a property, and never without.
fn requires(schema: &Value, property: &str) -> bool {
    let required = schema["required"].as_array();
    required.is_some_and(|it| it.iter().any(|name| name == property))
        && schema["properties"].get(property).is_some()
}

/// The kinds, those of a choice inside a choice among them.
fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    outer: Option<usize>,
    depth: usize,
    members: &mut Vec<Member<'a>>,
) -> Result<(), String> {
    if depth > 16 {
        return Err("a choice that contains itself".to_owned());
    }
    for (index, member) in choice(schema).into_iter().flatten().enumerate() {
        let outer = outer.or(Some(index));
        let component = component(member);
        let target = component.map_or(member, |name| &document["components"]["schemas"][name]);
        if choice(target).is_some() {
            collect(document, target, outer, depth + 1, members)?;
        } else {
            let tags = Vec::new();
            let schema = member.clone();
            let tagged_inside = false;
            members.push(Member { schema, component, target, tags, tagged_inside, member: outer });
        }
    }
    Ok(())
}

/// Gives tags by mapping, or by the schema's name, to the kinds that do not say theirs.
fn assign<'a>(
    document: &'a Value,
    discriminator: &'a Value,
    members: &mut Vec<Member<'a>>,
) -> Result<(), String> {
    let mut claimed: BTreeSet<String> = BTreeSet::new();
    for tag in members.iter().flat_map(|member| &member.tags) {
        if !claimed.insert(tag.clone()) {
            return Err(format!("a choice of which two kinds are called `{tag}`"));
        }
    }
    let mapping = discriminator["mapping"].as_object();
    let mut left = Vec::new();
    for (tag, target) in mapping.into_iter().flatten() {
        let target = target.as_str().unwrap_or_default();
        let target = target.rsplit('/').next().unwrap_or_default();
        if claimed.contains(tag) {
            continue;
        }
        match members.iter_mut().find(|it| it.component == Some(target)) {
            Some(member) => member.tags.push(tag.clone()),
            None => left.push((tag, target)),
        }
    }
    for (tag, target) in &left {
        let open = members.iter().filter(|it| it.tags.is_empty()).count();
        let alike = |it: &Member<'_>| {
            let named = it.component.is_some_and(|name| name.ends_with(target));
            it.tags.is_empty() && (named || open == 1 && left.len() == 1)
        };
        let alike: Vec<usize> = (0..members.len()).filter(|at| alike(&members[*at])).collect();
        let existing =
            document["components"]["schemas"].as_object().and_then(|it| it.get_key_value(*target));
        match (alike.as_slice(), existing) {
            ([at], _) => members[*at].tags.push((*tag).clone()),
            (_, Some((name, schema))) => members.push(Member {
                schema: json!({ "$ref": format!("#/components/schemas/{name}") }),
                component: Some(name),
                target: schema,
                tags: vec![(*tag).clone()],
                tagged_inside: false,
                member: None,
            }),
            _ => {
                return Err(format!(
                    "a discriminator that maps `{tag}` to `{target}`, which is missing"
                ));
            }
        }
    }
    for member in members.iter_mut().filter(|member| member.tags.is_empty()) {
        match member.component {
            Some(name) if mapping.is_none() => member.tags.push(name.to_owned()),
            _ => return Err("a choice with a kind that its discriminator does not name".to_owned()),
        }
    }
    Ok(())
}

/// The property that tells all kinds apart though no discriminator says so: required and constant
/// in each, and different in each.
fn common_constant(document: &Value, members: &[Member<'_>]) -> Option<String> {
    let first = members.first()?.target["required"].as_array()?;
    let mut names = first.iter().filter_map(Value::as_str);
    let found = names.find(|name| {
        let mut seen = BTreeSet::new();
        members.iter().all(|member| {
            let required = member.target["required"].as_array();
            let tags = constants(document, member.target, name);
            required.is_some_and(|it| it.iter().any(|required| required == name))
                && !tags.is_empty()
                && tags.into_iter().all(|tag| seen.insert(tag))
        })
    });
    found.map(ToOwned::to_owned)
}

/// The strings that a property of an object may be.
fn constants(document: &Value, schema: &Value, property: &str) -> Vec<String> {
    let property = &schema["properties"][property];
    let property =
        component(property).map_or(property, |name| &document["components"]["schemas"][name]);
    let values = property["enum"].as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

fn component(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// What a kind is called: by its tag, its schema, or its type.
fn name_of(member: &Member<'_>) -> String {
    let by_type = || match member.target["type"].as_str() {
        Some("array") => "List",
        Some("object") => "Map",
        Some(other) => other,
        None => "Any",
    };
    match (member.tags.as_slice(), member.component) {
        ([tag], _) => tag.clone(),
        (_, Some(component)) => component.to_owned(),
        _ => by_type().to_owned(),
    }
}

/// What a value must look like to be of this kind.
fn shape(document: &Value, schema: &Value) -> Value {
    let properties = schema["properties"].as_object();
    let names = properties.into_iter().flatten().map(|(name, _)| name);
    let mut values = Map::new();
    for name in names.clone() {
        let constants = constants(document, schema, name);
        if !constants.is_empty() {
            values.insert(name.clone(), json!(constants));
        }
    }
    let kind = if properties.is_some() { json!("object") } else { schema["type"].clone() };
    // Numbers and booleans of an enum are checked like bounds.
    let strings = schema["enum"].as_array().into_iter().flatten().filter(|value| value.is_string());
    json!({
        "type": kind,
        "required": schema["required"].as_array().cloned().unwrap_or_default(),
        "known": names.collect::<Vec<_>>(),
        "values": values,
        "strings": strings.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(tag: &str) -> Value {
        json!({
            "type": "object",
            "required": ["event"],
            "properties": { "event": { "type": "string", "enum": [tag] } }
        })
    }

    fn reference(name: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// Name and tags of each kind, and the tag's property.
    fn kinds(union: Value, mut schemas: Value) -> Result<(Vec<(String, Value)>, Value), String> {
        schemas["Union"] = union;
        let mut document = json!({ "components": { "schemas": schemas } });
        if let Some(finding) = apply(&mut document).pop() {
            return Err(finding.message);
        }
        let union = &document["components"]["schemas"]["Union"]["x-onkernel-union"];
        let variants = union["variants"].as_array().unwrap();
        let kinds =
            variants.iter().map(|it| (it["name"].as_str().unwrap().to_owned(), it["tags"].clone()));
        Ok((kinds.collect(), union["tag"].clone()))
    }

    #[test]
    fn a_constant_is_believed_before_a_mapping() {
        let union = json!({
            "oneOf": [reference("LogEvent"), reference("SummaryEvent")],
            "discriminator": { "propertyName": "event", "mapping": {
                "log": "#/components/schemas/LogEvent",
                "summary": "#/components/schemas/Summary"
            } }
        });
        let schemas =
            json!({ "LogEvent": event("log"), "SummaryEvent": event("summary"), "Summary": {} });
        assert_eq!(
            kinds(union, schemas).unwrap(),
            (
                vec![("Log".into(), json!(["log"])), ("Summary".into(), json!(["summary"]))],
                json!("event")
            )
        );
    }

    #[test]
    fn a_discriminator_on_the_owner_tells_the_kinds_of_its_property() {
        let bare = json!({ "type": "object", "properties": { "country": {} } });
        let mut document = json!({ "components": { "schemas": {
            "Isp": bare, "CreateCustom": bare, "Custom": bare,
            "Proxy": {
                "properties": {
                    "type": { "enum": ["isp", "custom"] },
                    "config": { "oneOf": [reference("Isp"), reference("CreateCustom")] }
                },
                "discriminator": { "propertyName": "type", "mapping": {
                    "isp": "#/components/schemas/Isp",
                    "custom": "#/components/schemas/Custom"
                } }
            }
        } } });
        beside(&mut document);
        let proxy = &document["components"]["schemas"]["Proxy"];
        assert!(proxy.get("discriminator").is_none());
        let (_, union) = describe(&document, &proxy["properties"]["config"]).unwrap();
        assert_eq!(union["beside"], true);
        assert_eq!(union["variants"][0]["tags"], json!(["isp"]));
        assert_eq!(
            union["variants"][1]["tags"],
            json!(["custom"]),
            "the only kind and tag that are left"
        );
    }

    #[test]
    fn a_common_constant_needs_no_discriminator() {
        let schemas = json!({ "A": event("a"), "B": event("b") });
        let union = json!({ "anyOf": [reference("A"), reference("B")] });
        assert_eq!(kinds(union, schemas).unwrap().1, json!("event"));
    }

    #[test]
    fn kinds_without_a_tag_are_told_by_their_shape() {
        let schemas = json!({ "A": { "properties": { "a": {} }, "required": ["a"] } });
        let union = json!({ "oneOf": [reference("A"), { "type": "string" }, { "type": "array", "items": {} }] });
        let (kinds, tag) = kinds(union, schemas).unwrap();
        assert_eq!(
            kinds.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
            ["A", "String", "List"]
        );
        assert_eq!(tag, Value::Null);
    }

    #[test]
    fn what_cannot_be_told_apart_is_rejected() {
        let discriminator = json!({ "propertyName": "event", "mapping": { "x": "Gone" } });
        let union = json!({ "oneOf": [reference("A")], "discriminator": discriminator });
        let message = kinds(union, json!({ "A": event("a") })).unwrap_err();
        assert!(message.contains("maps `x` to `Gone`"), "{message}");
        let twice = json!({
            "oneOf": [reference("A"), reference("B")],
            "discriminator": { "propertyName": "event" }
        });
        let message = kinds(twice, json!({ "A": event("a"), "B": event("a") })).unwrap_err();
        assert!(message.contains("two kinds are called `a`"), "{message}");
    }
}
