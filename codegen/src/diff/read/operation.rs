//! The operations of a document.

use super::resolve::Node;
use super::source::Source;
use crate::lower::naming::names;
use crate::openapi::walk;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::diff) const METHODS: [&str; 8] =
    ["get", "put", "post", "patch", "delete", "head", "options", "trace"];
/// Headers that OpenAPI leaves to other parts of the document when they are listed as parameters.
const NOT_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// One method on one path.
#[derive(Clone)]
pub(in crate::diff) struct Operation<'a> {
    pub(in crate::diff) method: &'static str,
    pub(in crate::diff) path: &'a str,
    pub(in crate::diff) item: &'a Value,
    pub(in crate::diff) value: &'a Value,
}

/// What identifies an operation to the server: names of path parameters are our affair only.
pub(in crate::diff) type Endpoint = (String, &'static str);

impl<'a> Operation<'a> {
    pub(in crate::diff) fn all(source: &Source<'a>) -> BTreeMap<Endpoint, Self> {
        let mut all = BTreeMap::new();
        let paths = source.root.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            let item = source.deref(item);
            for method in METHODS {
                if let Some(value) = item.get(method) {
                    let operation = Operation { method, path, item, value };
                    all.insert((blanked(path), method), operation);
                }
            }
        }
        all
    }

    pub(in crate::diff) fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub(in crate::diff) fn id(&self) -> Option<&'a str> {
        self.value.get("operationId").and_then(Value::as_str)
    }

    pub(in crate::diff) fn flag(&self, keyword: &str) -> bool {
        self.value.get(keyword) == Some(&Value::Bool(true))
    }

    /// The required parameters of the query in the order in which they are listed, which is that of
    /// arguments.
    pub(in crate::diff) fn required_query(&self, source: &Source<'a>) -> Vec<&'a str> {
        let mut names = Vec::new();
        for owner in [self.item, self.value] {
            for raw in owner.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                let value = source.deref(raw);
                let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
                let is_required = value.get("required") == Some(&Value::Bool(true));
                let in_query = value.get("in").and_then(Value::as_str) == Some("query");
                if in_query && is_required && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The path's parameters and its own, which win.
    pub(in crate::diff) fn parameters(
        &self,
        source: &Source<'a>,
    ) -> BTreeMap<(String, String), Parameter<'a>> {
        let mut all = BTreeMap::new();
        for owner in [self.item, self.value] {
            for raw in owner.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                let value = source.deref(raw);
                let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
                let (Some(place), Some(name)) = (text("in"), text("name")) else {
                    continue;
                };
                let name =
                    if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
                if place != "header" || !NOT_PARAMETERS.contains(&name.as_str()) {
                    all.insert((place.to_owned(), name), Parameter::read(source, place, value));
                }
            }
        }
        all
    }
}

/// Where each operation is found in the client: `api_keys.create`.
pub(in crate::diff) fn names<'a>(
    source: &Source<'a>,
    operations: &BTreeMap<Endpoint, Operation<'a>>,
) -> BTreeMap<Endpoint, String> {
    // The rule looks at what kind of thing comes back, and expects no references.
    let mut resolved = json!({ "paths": {} });
    for operation in operations.values() {
        let mut bare = json!({ "responses": {} });
        for key in ["operationId", "tags", "x-onkernel-resource", "x-onkernel-method"] {
            if let Some(value) = operation.value.get(key) {
                bare[key] = value.clone();
            }
        }
        for (status, response) in responses(source, operation) {
            for (media, (_, node)) in media(source, response) {
                let schema = source.schema(&node);
                bare["responses"][&status]["content"][media] = json!({
                    "schema": { "type": schema.type_words(), "format": schema.format }
                });
            }
        }
        resolved["paths"][operation.path][operation.method] = bare;
    }
    let mut names = names::of_all(&mut resolved).into_iter();
    let mut found = BTreeMap::new();
    walk::operations(&mut resolved, &mut |_, path, method, _| {
        let method = METHODS.iter().find(|known| **known == method);
        if let (Some(name), Some(method)) = (names.next(), method) {
            found.insert((blanked(path), *method), format!("{}.{}", name.resource, name.method));
        }
    });
    found
}

/// `/org/api_keys/{id}` as `/org/api_keys/{}`.
pub(in crate::diff) fn blanked(path: &str) -> String {
    let mut blank = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        if character == '}' {
            inside = false;
        }
        if !inside {
            blank.push(character);
        }
        if character == '{' {
            inside = true;
        }
    }
    blank
}

/// The names of path parameters in the order in which they stand.
pub(in crate::diff) fn template_names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

#[derive(Clone)]
pub(in crate::diff) struct Parameter<'a> {
    pub(in crate::diff) value: &'a Value,
    pub(in crate::diff) required: bool,
    /// How the value is written on the wire.
    pub(in crate::diff) wire: String,
    pub(in crate::diff) schema: Node<'a>,
}

impl<'a> Parameter<'a> {
    pub(in crate::diff) fn read(source: &Source<'a>, place: &str, value: &'a Value) -> Self {
        let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
        let flag = |keyword: &str| value.get(keyword).and_then(Value::as_bool);
        let media =
            value.get("content").and_then(Value::as_object).and_then(|map| map.iter().next());
        let (wire, schema) = match media {
            Some((media, content)) => (media_type(media), content.get("schema")),
            None => {
                let usual = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
                let style = text("style").unwrap_or(usual);
                let mut wire = style.to_owned();
                let explode = flag("explode").unwrap_or(style == "form");
                for (said, word) in [
                    (explode, " exploded"),
                    (flag("allowReserved") == Some(true), " reserved characters allowed"),
                    (flag("allowEmptyValue") == Some(true), " empty value allowed"),
                ] {
                    if said {
                        wire.push_str(word);
                    }
                }
                (wire, value.get("schema"))
            }
        };
        Self {
            value,
            required: place == "path" || flag("required") == Some(true),
            wire,
            schema: source.node(schema.into_iter().collect()),
        }
    }
}

/// `Application/JSON; charset=utf-8` is `application/json`.
pub(in crate::diff) fn media_type(name: &str) -> String {
    name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(in crate::diff) type Media<'a> = BTreeMap<String, (&'a Value, Node<'a>)>;

pub(in crate::diff) fn media<'a>(source: &Source<'a>, owner: &'a Value) -> Media<'a> {
    let content = owner.get("content").and_then(Value::as_object).into_iter().flatten();
    content
        .map(|(name, value)| {
            let schema = value.get("schema").into_iter().collect();
            (media_type(name), (value, source.node(schema)))
        })
        .collect()
}

pub(in crate::diff) fn responses<'a>(
    source: &Source<'a>,
    operation: &Operation<'a>,
) -> BTreeMap<String, &'a Value> {
    let responses = operation.value.get("responses").and_then(Value::as_object);
    responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| !status.starts_with("x-"))
        .map(|(status, response)| (status.to_ascii_uppercase(), source.deref(response)))
        .collect()
}
