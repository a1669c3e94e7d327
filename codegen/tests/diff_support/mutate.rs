//! Single changes that mean something, at every place an operation can reach.

use std::collections::BTreeSet;

use proptest::sample::Index;
use serde_json::{Value, json};

/// One change: another value at one place.
#[derive(Debug)]
pub struct Mutation {
    pub what: &'static str,
    pub pointer: String,
    value: Option<Value>,
}

impl Mutation {
    pub fn applied(&self, document: &Value) -> Value {
        let mut document = document.clone();
        match &self.value {
            Some(value) => *document.pointer_mut(&self.pointer).unwrap() = value.clone(),
            None => {
                let (owner, key) = self.pointer.rsplit_once('/').unwrap();
                let key = key.replace("~1", "/").replace("~0", "~");
                document.pointer_mut(owner).unwrap().as_object_mut().unwrap().remove(&key);
            }
        }
        document
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A document in which one value is another kind of thing altogether.
pub fn broken(document: &Value, which: Index, with: usize) -> Value {
    let mut pointers = Vec::new();
    let mut waiting = vec![(String::new(), document)];
    while let Some((pointer, value)) = waiting.pop() {
        match value {
            Value::Object(map) => waiting.extend(
                map.iter().map(|(key, value)| (format!("{pointer}/{}", escaped(key)), value)),
            ),
            Value::Array(items) => waiting.extend(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| (format!("{pointer}/{index}"), value)),
            ),
            _ => {}
        }
        pointers.push(pointer);
    }
    let odd = [
        json!(null),
        json!([[]]),
        json!({ "$ref": "#" }),
        json!(-1.5),
        json!(false),
        json!("#/%zz/\u{e9}"),
    ];
    let mut document = document.clone();
    *document.pointer_mut(&pointers[which.index(pointers.len())]).unwrap() = odd[with].clone();
    document
}

/// Every mutation of a document.
pub fn mutations(document: &Value) -> Vec<Mutation> {
    let mut all = Mutations { document, seen: BTreeSet::new(), found: Vec::new() };
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.operation(&format!("/paths/{}/{method}", escaped(path)), operation);
        }
    }
    all.found
}

struct Mutations<'a> {
    document: &'a Value,
    seen: BTreeSet<String>,
    found: Vec<Mutation>,
}

impl<'a> Mutations<'a> {
    fn put(&mut self, what: &'static str, pointer: &str, value: Value) {
        self.found.push(Mutation { what, pointer: pointer.to_owned(), value: Some(value) });
    }

    fn take(&mut self, what: &'static str, pointer: String) {
        self.found.push(Mutation { what, pointer, value: None });
    }

    /// A copy of an object with one field set.
    fn set(&mut self, what: &'static str, pointer: &str, object: &Value, key: &str, value: Value) {
        let mut object = object.clone();
        object[key] = value;
        self.put(what, pointer, object);
    }

    /// Follows references among the document's parts.
    fn at(&self, pointer: &str) -> (String, &'a Value) {
        let value = self.document.pointer(pointer).unwrap();
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.at(reference.trim_start_matches('#')),
            None => (pointer.to_owned(), value),
        }
    }

    fn operation(&mut self, pointer: &str, operation: &Value) {
        self.take("operation removed", pointer.to_owned());
        self.set(
            "operation renamed",
            pointer,
            operation,
            "x-onkernel-method",
            json!("quite_another"),
        );
        self.set(
            "operation deprecated",
            pointer,
            operation,
            "deprecated",
            json!(operation["deprecated"] != true),
        );
        self.set("operation described", pointer, operation, "summary", json!("Another summary"));
        self.set("operation opened", pointer, operation, "security", json!([]));
        for index in 0..operation["parameters"].as_array().map_or(0, Vec::len) {
            let (here, parameter) = self.at(&format!("{pointer}/parameters/{index}"));
            let mut fewer = operation["parameters"].as_array().unwrap().clone();
            fewer.remove(index);
            self.put("parameter removed", &format!("{pointer}/parameters"), json!(fewer));
            if parameter["in"] != "path" {
                let required = parameter["required"] != true;
                self.set(
                    "parameter required or not",
                    &here,
                    parameter,
                    "required",
                    json!(required),
                );
                self.set("parameter renamed", &here, parameter, "name", json!("other"));
            }
            self.set("parameter described", &here, parameter, "description", json!("Other words"));
            self.schema(&format!("{here}/schema"));
        }
        if operation.get("requestBody").is_some() {
            let (here, body) = self.at(&format!("{pointer}/requestBody"));
            self.take("body removed", format!("{pointer}/requestBody"));
            self.set(
                "body required or not",
                &here,
                body,
                "required",
                json!(body["required"] != true),
            );
            self.content(&here, body);
        }
        for status in operation["responses"].as_object().unwrap().keys() {
            let here = format!("{pointer}/responses/{status}");
            self.take("response removed", here.clone());
            let (here, response) = self.at(&here);
            self.content(&here, response);
            for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name)
            {
                self.take("header removed", format!("{here}/headers/{name}"));
                self.schema(&format!("{here}/headers/{name}/schema"));
            }
        }
    }

    fn content(&mut self, pointer: &str, owner: &Value) {
        for (media, content) in owner["content"].as_object().into_iter().flatten() {
            let here = format!("{pointer}/content/{}", escaped(media));
            self.take("content type removed", here.clone());
            if content.get("schema").is_some() {
                self.schema(&format!("{here}/schema"));
            }
        }
    }

    fn schema(&mut self, pointer: &str) {
        let (pointer, schema) = self.at(pointer);
        let map = schema.as_object().unwrap();
        if !self.seen.insert(pointer.clone()) {
            return;
        }
        for (index, _) in schema["allOf"].as_array().into_iter().flatten().enumerate() {
            self.schema(&format!("{pointer}/allOf/{index}"));
        }
        for keyword in ["oneOf", "anyOf"] {
            let Some(variants) = schema[keyword].as_array() else { continue };
            for index in 0..variants.len() {
                let mut fewer = variants.clone();
                fewer.remove(index);
                self.put("variant removed", &format!("{pointer}/{keyword}"), json!(fewer));
                self.schema(&format!("{pointer}/{keyword}/{index}"));
            }
        }
        for (name, _) in schema["properties"].as_object().into_iter().flatten() {
            let here = format!("{pointer}/properties/{}", escaped(name));
            self.property(&pointer, schema, name, &here);
            self.schema(&here);
        }
        for keyword in ["items", "additionalProperties"] {
            if schema[keyword].is_object() {
                self.schema(&format!("{pointer}/{keyword}"));
            }
        }
        if schema["properties"].is_object() {
            let mut more = schema.clone();
            more["properties"]["quite_new"] = json!({ "type": "string" });
            self.put("property added", &pointer, more);
        }
        let Some(kind) = schema["type"].as_str() else { return };
        let other = if kind == "boolean" { "integer" } else { "boolean" };
        self.put("retyped", &pointer, json!({ "type": other }));
        if map.get("enum").is_none() && map.get("const").is_none() {
            self.set("default", &pointer, schema, "default", json!("another"));
            if kind == "string" {
                self.set("restricted", &pointer, schema, "enum", json!(["a"]));
                self.set("pattern", &pointer, schema, "pattern", json!("^another$"));
                self.set("format", &pointer, schema, "format", json!("another"));
            }
        }
        for (keyword, kinds) in [
            ("minLength", "string"),
            ("maxLength", "string"),
            ("minItems", "array"),
            ("maxItems", "array"),
            ("minimum", "integer number"),
            ("maximum", "integer number"),
        ] {
            if kinds.contains(kind) {
                let now = schema[keyword].as_i64();
                self.set("limit", &pointer, schema, keyword, json!(now.map_or(77, |now| now + 1)));
                if now.is_some_and(|now| now > 0) {
                    self.take("limit removed", format!("{pointer}/{keyword}"));
                }
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            let mut more = values.clone();
            more.push(json!("quite_another"));
            self.put("value added", &format!("{pointer}/enum"), json!(more));
            let fewer = &values[1..];
            self.put("value removed", &format!("{pointer}/enum"), json!(fewer));
        }
        if schema.get("const").is_some() {
            self.set("constant", &pointer, schema, "const", json!("quite_another"));
        }
    }

    fn property(&mut self, owner_at: &str, owner: &Value, name: &str, pointer: &str) {
        let mut without = owner.clone();
        without["properties"].as_object_mut().unwrap().remove(name);
        let required: Vec<_> = owner["required"].as_array().cloned().unwrap_or_default();
        let others: Vec<_> = required.iter().filter(|it| *it != name).cloned().collect();
        if others.len() == required.len() {
            let mut with = others.clone();
            with.push(json!(name));
            self.set("made required", owner_at, owner, "required", json!(with));
        } else {
            self.set("made optional", owner_at, owner, "required", json!(others));
            without["required"] = json!(others);
        }
        self.put("property removed", owner_at, without);
        let property = &owner["properties"][name];
        self.set("property described", pointer, property, "description", json!("Other words"));
        self.set(
            "property deprecated",
            pointer,
            property,
            "deprecated",
            json!(property["deprecated"] != true),
        );
        let null = property["nullable"] == true
            || property["type"].as_array().is_some_and(|it| it.contains(&json!("null")));
        if !null && property.get("type").is_some() {
            self.set("made nullable", pointer, property, "nullable", json!(true));
        }
    }
}
