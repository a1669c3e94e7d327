//! Every object, every enum and every choice becomes a component, so that each has one name, chosen here.
//!
//! ```yaml
//! # before: properties of ListApiKeys' query parameter `sort_by`
//! schema: { type: string, enum: [created_at, name] }
//! # after
//! schema: { $ref: '#/components/schemas/ListApiKeysSortBy' }
//! ```

use std::collections::BTreeMap;

use heck::ToUpperCamelCase;
use serde_json::{Map, Value, json};

use super::spell;
use crate::lower::unions;
use crate::openapi::{reason, walk};

/// Where the types stood that got their names here.
pub(in crate::lower) fn apply(document: &mut Value) -> BTreeMap<String, String> {
    let known = document.pointer("/components/schemas").and_then(Value::as_object);
    let mut hoist = Hoist { taken: known.cloned().unwrap_or_default(), ..Hoist::default() };
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        for (name, schema) in schemas {
            let at = format!("#/components/schemas/{}", walk::escape(name));
            hoist.inside(&at, schema, name);
        }
    }
    walk::operations(document, &mut |at, _, _, operation| {
        let id = operation["operationId"].as_str().unwrap_or_default().to_upper_camel_case();
        let resource = operation["x-onkernel-resource"].as_str().unwrap_or_default();
        let resource = resource.to_upper_camel_case();
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for (index, parameter) in parameters.into_iter().flatten().enumerate() {
            let name = parameter["name"].as_str().unwrap_or_default().to_upper_camel_case();
            if let Some(schema) = parameter.get_mut("schema") {
                plain(&hoist.taken, schema);
                let at = format!("{at}/parameters/{index}/schema");
                hoist.name_by(&at, schema, &[format!("{resource}{name}"), format!("{id}{name}")]);
            }
        }
        let mut media = |at: String, holder: &mut Value, name: String| {
            let content = holder.get_mut("content").and_then(Value::as_object_mut);
            for (media_type, media) in content.into_iter().flatten() {
                if let Some(schema) = media.get_mut("schema") {
                    let at = format!("{at}/content/{}/schema", walk::escape(media_type));
                    hoist.name(&at, schema, &name);
                }
            }
        };
        if let Some(body) = operation.get_mut("requestBody") {
            media(format!("{at}/requestBody"), body, format!("{id}Request"));
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        let successes = responses.iter().flat_map(|it| it.keys()).filter(|it| it.starts_with('2'));
        let only = successes.count() == 1;
        for (status, response) in responses.into_iter().flatten() {
            let suffix = match status.starts_with('2') {
                true if only => "Response".to_owned(),
                _ => reason(status),
            };
            media(format!("{at}/responses/{status}"), response, format!("{id}{suffix}"));
        }
    });
    if !document["components"]["schemas"].is_object() {
        document["components"]["schemas"] = json!({});
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.append(&mut hoist.found);
    }
    hoist.origins
}

/// A parameter of a plain type with a name is of that type: only objects and enums are types of
/// their own in Rust.
fn plain(schemas: &Map<String, Value>, schema: &mut Value) {
    let name = schema["$ref"].as_str().and_then(|it| it.strip_prefix("#/components/schemas/"));
    let Some(target) = name.and_then(|name| schemas.get(name)) else { return };
    let has_name = target["properties"].is_object() || target["enum"][0].is_string();
    if !has_name && unions::choice(target).is_none() {
        *schema = target.clone();
    }
}

#[derive(Default)]
struct Hoist {
    found: Map<String, Value>,
    origins: BTreeMap<String, String>,
    taken: Map<String, Value>,
}

impl Hoist {
    /// Names a schema that stands in the open, if it is one that deserves a name.
    fn name(&mut self, at: &str, schema: &mut Value, name: &str) {
        self.name_by(at, schema, &[name.to_owned()]);
    }

    /// The same, by the first of several names that is free. `x-onkernel-type` overrules them all.
    fn name_by(&mut self, at: &str, schema: &mut Value, names: &[String]) {
        let chosen = schema["x-onkernel-type"].as_str().map(|name| vec![name.to_owned()]);
        let names = chosen.as_deref().unwrap_or(names).iter().map(|it| spell::of_type(it));
        let names: Vec<String> = names.collect();
        let Some(name) = names.last() else { return };
        self.inside(at, schema, name);
        let is_object = schema["properties"].as_object().is_some_and(|it| !it.is_empty());
        let is_enum = schema["enum"][0].is_string();
        let is_choice = unions::choice(schema).is_some();
        if schema.get("$ref").is_some() || !is_object && !is_enum && !is_choice {
            return;
        }
        let mut bare = schema.clone();
        let mut reference = json!({});
        if let Some(members) = bare.as_object_mut() {
            members.remove("x-onkernel-type");
            for key in ["nullable", "default", "deprecated"] {
                if let Some(value) = members.remove(key) {
                    reference[key] = value;
                }
            }
            if let Some(description) = members.get("description") {
                reference["description"] = description.clone();
            }
        }
        // Another type may have the name already: a property `source` with a property `type` and a
        // property `source_type` meet in it.
        let is_free = |name: &String| self.taken.get(name).is_none_or(|known| *known == bare);
        let numbered = (2..).map(|count| format!("{name}{count}"));
        let Some(name) = names.iter().cloned().chain(numbered).find(is_free) else { return };
        reference["$ref"] = json!(format!("#/components/schemas/{name}"));
        self.taken.insert(name.clone(), bare.clone());
        self.origins.entry(name.clone()).or_insert_with(|| at.to_owned());
        self.found.insert(name, bare);
        *schema = reference;
    }

    /// Names what a schema holds.
    fn inside(&mut self, at: &str, schema: &mut Value, name: &str) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (property, inner) in properties.into_iter().flatten() {
            let at = format!("{at}/properties/{}", walk::escape(property));
            self.name(&at, inner, &format!("{name}{}", property.to_upper_camel_case()));
        }
        for key in ["oneOf", "anyOf"] {
            let members = schema.get_mut(key).and_then(Value::as_array_mut);
            for (index, member) in members.into_iter().flatten().enumerate() {
                let title = member["title"].as_str().map(ToUpperCamelCase::to_upper_camel_case);
                let suffix = title.unwrap_or_else(|| format!("Kind{}", index + 1));
                self.name(&format!("{at}/{key}/{index}"), member, &format!("{name}{suffix}"));
            }
        }
        for (key, suffix) in [("items", "Item"), ("additionalProperties", "Value")] {
            if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
                self.name(&format!("{at}/{key}"), inner, &format!("{name}{suffix}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_enums_in_the_open_become_components() {
        let mut document = json!({ "components": { "schemas": { "Key": {
            "type": "object",
            "properties": {
                "owner": { "type": "object", "nullable": true, "properties": {
                    "kind": { "type": "string", "enum": ["a"] }
                } },
                "free": { "type": "object" },
                "tags": { "type": "array", "items": { "type": "string", "enum": ["x"] } }
            }
        } } } });
        apply(&mut document);
        assert_eq!(
            document["components"]["schemas"],
            json!({
                "Key": { "type": "object", "properties": {
                    "owner": { "$ref": "#/components/schemas/KeyOwner", "nullable": true },
                    "free": { "type": "object" },
                    "tags": { "type": "array", "items": { "$ref": "#/components/schemas/KeyTagsItem" } }
                } },
                "KeyOwner": { "type": "object", "properties": {
                    "kind": { "$ref": "#/components/schemas/KeyOwnerKind" }
                } },
                "KeyOwnerKind": { "type": "string", "enum": ["a"] },
                "KeyTagsItem": { "type": "string", "enum": ["x"] }
            })
        );
    }

    #[test]
    fn two_types_never_share_a_name() {
        let mut document = json!({ "components": { "schemas": {
            "KeyOwner": { "type": "string" },
            "Key": { "properties": { "owner": { "type": "string", "enum": ["a"] } } }
        } } });
        apply(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["KeyOwner"], json!({ "type": "string" }));
        assert_eq!(schemas["KeyOwner2"], json!({ "type": "string", "enum": ["a"] }));
        assert_eq!(
            schemas["Key"]["properties"]["owner"],
            json!({ "$ref": "#/components/schemas/KeyOwner2" })
        );
    }
}
