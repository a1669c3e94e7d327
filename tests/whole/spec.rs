//! The document as the vendor wrote it, read by code that shares nothing with the generator.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub struct Spec {
    pub root: Value,
}

#[derive(Clone)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub value: Value,
}

impl Spec {
    pub fn read() -> Self {
        let path = std::env::var("ONKERNEL_SPEC").expect("ONKERNEL_SPEC, as at build time");
        let text = std::fs::read_to_string(path).unwrap();
        let mut root: Value = serde_yaml::from_str(&text).unwrap();
        allow_null(&mut root);
        Self { root }
    }

    /// Follows `$ref`.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        while let Some(reference) = value["$ref"].as_str() {
            value = self.root.pointer(&reference[1..]).unwrap();
        }
        value
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (path, item) in self.root["paths"].as_object().unwrap() {
            for method in ["get", "put", "post", "delete", "patch"] {
                if let Some(value) = item.get(method) {
                    all.push(Operation {
                        method: method.to_uppercase(),
                        path: path.clone(),
                        value: value.clone(),
                    });
                }
            }
        }
        all
    }

    /// The operation that a request is for, and the parameters in its path.
    pub fn find(&self, method: &str, path: &str) -> Option<(Operation, BTreeMap<String, String>)> {
        let asked: Vec<&str> = path.split('/').collect();
        let mut found: Vec<_> = self
            .operations()
            .into_iter()
            .filter(|operation| operation.method == method)
            .filter_map(|operation| {
                let template: Vec<&str> = operation.path.split('/').collect();
                if template.len() != asked.len() {
                    return None;
                }
                let mut parameters = BTreeMap::new();
                for (pattern, actual) in template.iter().zip(&asked) {
                    match pattern.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                        Some(name) if !actual.is_empty() => {
                            parameters.insert(name.to_owned(), decode(actual));
                        }
                        _ if pattern == actual => {}
                        _ => return None,
                    }
                }
                Some((operation.clone(), parameters))
            })
            .collect();
        found.sort_by_key(|(_, parameters)| parameters.len());
        found.into_iter().next()
    }

    /// A validator of a schema that may refer to others of the document.
    pub fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        if !schema.is_object() {
            schema = json!({});
        }
        schema["components"] = json!({ "schemas": self.root["components"]["schemas"] });
        jsonschema::validator_for(&schema).unwrap()
    }

    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.validator(schema).validate(value).map_err(|error| format!("{error} in {value}"))
    }
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn parameters<'a>(&'a self, spec: &'a Spec) -> Vec<&'a Value> {
        let shared = spec.root["paths"][&self.path]["parameters"].as_array().into_iter().flatten();
        let own = self.value["parameters"].as_array().into_iter().flatten();
        shared.chain(own).map(|it| spec.resolve(it)).collect()
    }

    /// The media type and schema of the request body.
    pub fn body<'a>(&'a self, spec: &'a Spec) -> Option<(&'a str, &'a Value)> {
        let content = spec.resolve(self.value.get("requestBody")?)["content"].as_object()?;
        content.iter().next().map(|(name, media)| (name.as_str(), &media["schema"]))
    }

    /// Status, media type and schema of each successful answer.
    pub fn successes<'a>(&'a self, spec: &'a Spec) -> Vec<(u16, Option<(&'a str, &'a Value)>)> {
        let responses = self.value["responses"].as_object().unwrap();
        let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
        successes
            .map(|(status, response)| {
                let content = spec.resolve(response)["content"].as_object();
                let media = content.and_then(|content| content.iter().next());
                let media = media.map(|(name, media)| (name.as_str(), &media["schema"]));
                (status.parse().unwrap(), media)
            })
            .collect()
    }
}

/// OpenAPI 3.0's `nullable`, which this 3.1 document uses, as JSON Schema says it.
fn allow_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(members) => {
            members.iter_mut().for_each(|(_, member)| allow_null(member));
            if members.get("nullable") == Some(&json!(true)) {
                members.remove("nullable");
                let bare = Value::Object(std::mem::take(members));
                *members = Map::from_iter([("anyOf".to_owned(), json!([bare, { "type": "null" }]))]);
            }
        }
        _ => {}
    }
}

pub fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |it: &u8| char::from(*it).to_digit(16).unwrap() as u8;
                bytes.push(digit(high) * 16 + digit(low));
                rest = after;
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Text from a query, a header or a form as the JSON value that its schema means.
pub fn typed(spec: &Spec, schema: &Value, text: &str) -> Value {
    let schema = spec.resolve(schema);
    if let Some(members) = schema["anyOf"].as_array().or(schema["allOf"].as_array()) {
        return typed(spec, &members[0], text);
    }
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        _ => json!(text),
    }
}
