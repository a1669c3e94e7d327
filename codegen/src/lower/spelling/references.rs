//! Every reference to a schema is one to a component: `$ref` may point at any place of the document,
//! and a URI writes some characters of it in percent.
//!
//! ```yaml
//! # before                                               # after
//! $ref: '#/components/schemas/Page%5BThing%5D'           $ref: '#/components/schemas/Page[Thing]'
//! $ref: '#/components/schemas/Crate/properties/state'    $ref: '#/components/schemas/CrateState'
//! $ref: '#/components/schemas/Crate/properties/label'    type: string
//! ```
//!
//! What deserves a name becomes a component, which its first place refers to as well; what does not
//! is copied.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;
use serde_json::{Value, json};

use crate::document::pointer;
use crate::lower::checks::unused::SCHEMAS;
use crate::lower::finding::Finding;
use crate::openapi::{reason, walk};

/// How often what is copied may bring references of its own.
const ROUNDS: usize = 16;

/// Where the new components stood, and the references that lead nowhere.
pub(in crate::lower) fn apply(document: &mut Value) -> (BTreeMap<String, String>, Vec<Finding>) {
    decode(document);
    let mut moved = Moved::default();
    let mut findings = Vec::new();
    for _ in 0..ROUNDS {
        let mut found = elsewhere(document);
        if found.is_empty() {
            return (moved.origins(), findings);
        }
        // What stands in another target moves first.
        found.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        for (target, at) in found {
            let new = replacement(document, &mut moved, &target);
            if new.is_none() {
                findings.push(Finding::new(
                    at,
                    format!("`$ref: #{target}` leads nowhere"),
                    "correct the reference or add what it names",
                ));
            }
            replace(document, &target, &new.unwrap_or_else(|| json!({})));
        }
    }
    for (target, at) in elsewhere(document) {
        let message = format!("`$ref: #{target}` leads back to itself");
        findings.push(Finding::new(at, message, "name what it means under `components/schemas`"));
        replace(document, &target, &json!({}));
    }
    (moved.origins(), findings)
}

/// Writes every reference as the pointer that it is.
fn decode(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(decode),
        Value::Object(members) => {
            for (key, inner) in members {
                match inner {
                    Value::String(reference) if key == "$ref" && reference.contains('%') => {
                        if let Some(pointer) = pointer::of_reference(reference) {
                            *reference = format!("#{pointer}");
                        }
                    }
                    Value::Object(mapping) if key == "mapping" => {
                        for (_, target) in mapping {
                            let decoded = target.as_str().and_then(pointer::of_reference);
                            match decoded {
                                Some(pointer) => *target = json!(format!("#{pointer}")),
                                None => decode(target),
                            }
                        }
                    }
                    inner => decode(inner),
                }
            }
        }
        _ => {}
    }
}

/// The pointers of all references that do not name a component, each with a place that has it.
fn elsewhere(document: &mut Value) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    walk::schemas(document, &mut |at, schema| {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return };
        let named = reference.strip_prefix(SCHEMAS).is_some_and(|name| !name.contains('/'));
        if let Some(pointer) = reference.strip_prefix('#').filter(|_| !named)
            && seen.insert(pointer.to_owned())
        {
            found.push((pointer.to_owned(), at.to_owned()));
        }
    });
    found
}

/// The components that were made, by the pointer at which they stood.
#[derive(Default)]
struct Moved(Vec<(String, String)>);

impl Moved {
    /// Where a place of the document is now.
    fn follow(&self, pointer: &str) -> String {
        let mut pointer = pointer.to_owned();
        for (from, name) in &self.0 {
            let rest = pointer.strip_prefix(from.as_str());
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                pointer = format!("/components/schemas/{name}{rest}");
            }
        }
        pointer
    }

    fn origins(self) -> BTreeMap<String, String> {
        self.0.into_iter().map(|(from, name)| (name, format!("#{from}"))).collect()
    }
}

/// What stands for a reference to this place from now on.
fn replacement(document: &mut Value, moved: &mut Moved, target: &str) -> Option<Value> {
    let now = moved.follow(target);
    let component = |name: &str| json!({ "$ref": format!("{SCHEMAS}{name}") });
    if let Some(name) = now.strip_prefix(&SCHEMAS[1..]).filter(|name| !name.contains('/')) {
        return Some(component(name));
    }
    let value = document.pointer(&now)?.clone();
    if !deserves_a_name(&value, target) {
        return Some(value);
    }
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    let base = name_of(document, target);
    let taken = |name: &str| {
        let alike = |known: &String| known.to_upper_camel_case() == *name;
        schemas.is_some_and(|it| it.keys().any(alike))
    };
    let numbered = (2..).map(|count| format!("{base}{count}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name))?;
    *document.pointer_mut(&now)? = component(&name);
    if !document["components"]["schemas"].is_object() {
        document["components"]["schemas"] = json!({});
    }
    document["components"]["schemas"][name.as_str()] = value;
    moved.0.push((target.to_owned(), name.clone()));
    Some(component(&name))
}

/// Whether a schema is a type of its own in Rust, or cannot be copied because it holds itself.
fn deserves_a_name(schema: &Value, at: &str) -> bool {
    let keys = ["properties", "enum", "const", "oneOf", "anyOf", "allOf"];
    keys.iter().any(|key| schema.get(*key).is_some()) || refers_to(schema, at)
}

fn refers_to(value: &Value, at: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| refers_to(item, at)),
        Value::Object(members) => members.iter().any(|(key, inner)| {
            let itself = inner.as_str().and_then(|it| it.strip_prefix('#')) == Some(at);
            key == "$ref" && itself || refers_to(inner, at)
        }),
        _ => false,
    }
}

fn replace(document: &mut Value, target: &str, new: &Value) {
    walk::schemas(document, &mut |_, schema| {
        let reference = schema.get("$ref").and_then(Value::as_str);
        if reference.and_then(|it| it.strip_prefix('#')) != Some(target) {
            return;
        }
        let Some(members) = schema.as_object_mut() else { return };
        members.remove("$ref");
        if members.is_empty() {
            *schema = new.clone();
        } else if let Some(reference) =
            new.get("$ref").filter(|_| new.as_object().is_some_and(|it| it.len() == 1))
        {
            members.insert("$ref".to_owned(), reference.clone());
        } else {
            let parts = members.entry("allOf").or_insert_with(|| json!([]));
            if let Some(parts) = parts.as_array_mut() {
                parts.push(new.clone());
            }
        }
    });
}

/// The name of what stands at a pointer, as the types inside of others are called.
fn name_of(document: &Value, at: &str) -> String {
    let steps: Vec<String> =
        at.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let (owner, rest) = match steps.as_slice() {
        ["paths", path, method, rest @ ..] => {
            let operation = &document["paths"][*path][*method];
            let id = operation["operationId"].as_str().map(ToUpperCamelCase::to_upper_camel_case);
            let id = id.unwrap_or_else(|| format!("{method} {path}").to_upper_camel_case());
            match rest {
                ["parameters", index, rest @ ..] => {
                    let index = index.parse::<usize>().unwrap_or_default();
                    let name = operation["parameters"][index]["name"].as_str().unwrap_or_default();
                    (format!("{id}{}", name.to_upper_camel_case()), rest)
                }
                ["requestBody", rest @ ..] => (format!("{id}Request"), rest),
                ["responses", status, rest @ ..] if status.starts_with('2') => {
                    (format!("{id}Response"), rest)
                }
                ["responses", status, rest @ ..] => (format!("{id}{}", reason(status)), rest),
                rest => (id, rest),
            }
        }
        ["components", _, name, rest @ ..] => (name.to_upper_camel_case(), rest),
        [_, name, rest @ ..] => (name.to_upper_camel_case(), rest),
        rest => (String::new(), rest),
    };
    let mut name = owner;
    let mut steps = rest.iter();
    while let Some(step) = steps.next() {
        match *step {
            "content" => drop(steps.next()),
            "schema" => {}
            "properties" | "$defs" | "definitions" | "patternProperties" => {
                name.push_str(&steps.next().copied().unwrap_or_default().to_upper_camel_case());
            }
            "items" => name.push_str("Item"),
            "additionalProperties" => name.push_str("Value"),
            "oneOf" | "anyOf" | "allOf" | "prefixItems" => {
                let index =
                    steps.next().and_then(|it| it.parse::<usize>().ok()).unwrap_or_default();
                name.push_str(&format!("Kind{}", index + 1));
            }
            other => name.push_str(&other.to_upper_camel_case()),
        }
    }
    if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("Type{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(pointer: &str) -> Value {
        json!({ "$ref": format!("#{pointer}") })
    }

    fn after(mut schemas: Value, holder: Value) -> (Value, Vec<Finding>) {
        schemas["Holder"] = holder;
        let mut document = json!({ "components": { "schemas": schemas }, "definitions": { "old": { "enum": ["o"] } } });
        let (_, findings) = apply(&mut document);
        (document["components"]["schemas"].take(), findings)
    }

    #[test]
    fn what_deserves_a_name_is_one_component_and_the_rest_is_copied() {
        let schemas = json!({ "Crate": { "properties": {
            "label": { "type": "string" },
            "state": { "enum": ["open"] },
            "parts": { "type": "array", "items": { "properties": { "of": { "enum": ["wood"] } } } }
        } } });
        let crate_ = "/components/schemas/Crate/properties";
        let (schemas, findings) = after(
            schemas,
            json!({ "properties": {
            "label": reference(&format!("{crate_}/label")),
            "state": { "$ref": format!("#{crate_}/state"), "description": "d" },
            "part": reference(&format!("{crate_}/parts/items")),
            "of": reference(&format!("{crate_}/parts/items/properties/of")),
            "old": reference("/definitions/old"),
        } }),
        );
        assert!(findings.is_empty(), "{findings:?}");
        let component = |name: &str| reference(&format!("/components/schemas/{name}"));
        assert_eq!(
            schemas["Holder"]["properties"],
            json!({
                "label": { "type": "string" },
                "state": { "$ref": "#/components/schemas/CrateState", "description": "d" },
                "part": component("CratePartsItem"),
                "of": component("CratePartsItemOf"),
                "old": component("Old")
            })
        );
        assert_eq!(schemas["Crate"]["properties"]["parts"]["items"], component("CratePartsItem"));
        assert_eq!(schemas["CratePartsItem"]["properties"]["of"], component("CratePartsItemOf"));
    }

    #[test]
    fn what_holds_itself_is_a_component_and_what_is_missing_is_named() {
        let tree = "/components/schemas/Tree/properties/children";
        let schemas = json!({ "Tree": { "properties": { "children": {
            "type": "array", "items": reference(tree)
        } } } });
        let (schemas, findings) =
            after(schemas, reference("/components/schemas/Gone/properties/a"));
        assert_eq!(schemas["TreeChildren"]["items"], reference("/components/schemas/TreeChildren"));
        assert_eq!(findings.len(), 1, "{findings:?}");
    }
}
