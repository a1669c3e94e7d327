//! What a generated type is.

use serde_json::Value;

use super::reach::{holds_types, resolve};
use super::relations::Relations;
use super::rule::Rule;
use super::types::{Field, Kind, Notes, Part, Struct, Success, Union};
use crate::openapi::Content;

pub(super) fn kind(document: &Value, schema: &Value) -> Kind {
    let annotation = |key: &str| schema.get(key).cloned();
    if let Some(mut union) =
        annotation("x-onkernel-union").and_then(|it| serde_json::from_value(it).ok())
    {
        let Union { variants, .. } = &mut union;
        for variant in variants {
            let property = &schema["properties"][variant.property.as_str()];
            variant.rule = field_rule(property);
            variant.holds_types = holds_types(property);
        }
        return Kind::Union(union);
    }
    if let Some(responses) = schema["x-onkernel-successes"].as_array() {
        return Kind::Successes(responses.iter().filter_map(read_variant).collect());
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| values[0].is_string()) {
        return Kind::Enum(
            values.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        );
    }
    let Some(properties) = schema["properties"].as_object().filter(|it| !it.is_empty()) else {
        return Kind::Other(Rule::read(schema));
    };
    let sets = annotation("x-onkernel-sets").and_then(|it| serde_json::from_value(it).ok());
    let required = schema["required"].as_array();
    let fields = properties.iter().map(|(wire, property)| {
        let target = resolve(document, property);
        Field {
            name: name_of(property).unwrap_or_default(),
            wire: wire.clone(),
            required: required.is_some_and(|required| required.iter().any(|name| name == wire)),
            nullable: property["nullable"] == true || target["nullable"] == true,
            rule: field_rule(property),
            holds_types: holds_types(property),
            tagged_by: tagged_by(target),
            part: Part {
                media_type: property["x-onkernel-part"].as_str().map(ToOwned::to_owned),
                unnumbered: property["x-onkernel-items"] == "unnumbered",
            },
            notes: notes(property),
        }
    });
    let mut fields: Vec<Field> = fields.collect();
    let extra = schema["additionalProperties"].is_object().then(|| {
        let is_taken = fields.iter().any(|field| field.name == "extra");
        Box::new(read_extra(schema, if is_taken { "extra_" } else { "extra" }))
    });
    let rank = |wire: &str| {
        let mut names = required.into_iter().flatten();
        names.position(|name| name == wire).unwrap_or(usize::MAX)
    };
    fields.sort_by_key(|field| rank(&field.wire));
    let relations = Relations::read(schema);
    Kind::Struct(Struct { fields, sets, extra, relations })
}

/// The map of what an object holds beside its fields.
fn read_extra(schema: &Value, name: &str) -> Field {
    let values = &schema["additionalProperties"];
    let mut notes = notes(values);
    if notes.description.is_empty() {
        "What there is besides the fields, by name.".clone_into(&mut notes.description);
    }
    let Rule { keys, items, .. } = Rule::read(schema);
    Field {
        name: name.to_owned(),
        wire: "extra".to_owned(),
        required: false,
        nullable: false,
        rule: Rule { keys, items, ..Rule::default() },
        holds_types: holds_types(values),
        tagged_by: None,
        part: Part::default(),
        notes,
    }
}

/// The name in Rust that lowering has given.
pub(super) fn name_of(it: &Value) -> Option<String> {
    it["x-onkernel-name"].as_str().map(ToOwned::to_owned)
}

fn read_variant(it: &Value) -> Option<Success> {
    Some(Success {
        status: it["status"].as_str()?.to_owned(),
        name: it["name"].as_str()?.to_owned(),
        description: it["description"].as_str().unwrap_or_default().to_owned(),
        content: match it["content"].as_str()? {
            "json" => Some(Content::Json),
            "events" => Some(Content::Events),
            "bytes" => Some(Content::Bytes),
            _ => None,
        },
    })
}

/// The field beside a value that says which of a choice it is.
fn tagged_by(target: &Value) -> Option<String> {
    let union = &target["x-onkernel-union"];
    let tag = union["tag"].as_str().filter(|_| union["beside"] == true);
    tag.map(ToOwned::to_owned)
}

/// The bounds of a field; those of a generated type are checked by the type itself.
pub(super) fn field_rule(property: &Value) -> Rule {
    if property.get("$ref").is_some() { Rule::default() } else { Rule::read(property) }
}

pub(super) fn notes(schema: &Value) -> Notes {
    Notes {
        description: schema["description"].as_str().unwrap_or_default().to_owned(),
        default: schema.get("default").map(ToString::to_string),
        pattern: schema["pattern"].as_str().map(ToOwned::to_owned),
        deprecated: schema["deprecated"] == true,
    }
}
