//! The document as it was written, read by code that shares nothing with the generator.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use serde_json_path::{JsonPath, NormalizedPath};

/// The keys of [`samples::related`](super::samples::related).
const RELATIONS: [&str; 3] =
    ["x-onkernel-exclusive", "x-onkernel-requires", "x-onkernel-max-bytes"];

pub(crate) struct Spec {
    pub(crate) root: Value,
    operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) value: Value,
}

impl Spec {
    /// The document of the build: another one if the environment names it, with what the overlay
    /// that it names adds.
    pub(crate) fn read() -> Self {
        let read = |path: &str| -> Value {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let named = |variable: &str| std::env::var(variable).ok().filter(|path| !path.is_empty());
        let bundled = "spec/openapi.documented.yml".to_owned();
        let mut root = read(&named("ONKERNEL_SPEC").unwrap_or(bundled));
        // What prose says and the bundled document does not: which settings a proxy of a type has, and
        // which fields exclude each other.
        for action in read("spec/whole-api.overlay.yml")["actions"].as_array().unwrap() {
            let schema = action["target"].as_str().unwrap().strip_prefix("$.components.schemas.");
            let schema = schema.and_then(|name| root["components"]["schemas"].get_mut(name));
            let discriminator = &action["update"]["discriminator"];
            if let Some(schema) = schema.filter(|_| discriminator.is_object()) {
                let own = schema.as_object_mut().unwrap().entry("discriminator");
                own.or_insert_with(|| discriminator.clone());
            }
            relate(&mut root, action);
        }
        if let Some(overlay) = named("ONKERNEL_OVERLAY") {
            for action in read(&overlay)["actions"].as_array().unwrap() {
                let place = match action["target"].as_str().unwrap() {
                    "$.paths" => &mut root["paths"],
                    "$.components.schemas" => &mut root["components"]["schemas"],
                    other => panic!("{overlay}: this suite cannot apply an action to `{other}`"),
                };
                for (name, value) in action["update"].as_object().unwrap() {
                    place[name] = value.clone();
                }
            }
        }
        allow_null(&mut root);
        open_parts(&mut root);
        let operations = operations(&root);
        Self { root, operations, validators: Mutex::default() }
    }

    /// The schemas that an operation reaches, but for those that are only parts of others.
    pub(crate) fn used(&self) -> BTreeSet<String> {
        let (mut whole, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut waiting = vec![(&self.root["paths"], false)];
        while let Some((value, is_part)) = waiting.pop() {
            match value {
                Value::Array(items) => waiting.extend(items.iter().map(|it| (it, is_part))),
                Value::Object(members) => {
                    // A mapping names schemas, too.
                    let mapping = members.get("mapping").and_then(Value::as_object);
                    let targets = mapping.into_iter().flatten().map(|(_, target)| target);
                    let targets = members.get("$ref").into_iter().chain(targets);
                    for target in targets.filter_map(Value::as_str) {
                        let pointer = decode(target.trim_start_matches('#'));
                        if !is_part {
                            whole.insert(pointer.clone());
                        }
                        if seen.insert(pointer.clone()) {
                            waiting.extend(self.root.pointer(&pointer).map(|it| (it, false)));
                        }
                    }
                    waiting.extend(members.iter().map(|(key, it)| (it, key == "allOf")));
                }
                _ => {}
            }
        }
        let schemas = self.root["components"]["schemas"].as_object().unwrap().keys();
        let is_used = |name: &&String| {
            let pointer = name.replace('~', "~0").replace('/', "~1");
            whole.contains(&format!("/components/schemas/{pointer}"))
        };
        schemas.filter(is_used).cloned().collect()
    }

    /// Follows `$ref`.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        while let Some(reference) = value["$ref"].as_str() {
            value = self.root.pointer(&decode(&reference[1..])).unwrap();
        }
        value
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that a request is for, and the parameters in its path, as they were sent.
    pub(crate) fn find(
        &self,
        method: &str,
        path: &str,
    ) -> Option<(Operation, BTreeMap<String, String>)> {
        let asked: Vec<&str> = path.split('/').collect();
        let mut found: Vec<_> = self
            .operations
            .iter()
            .filter(|operation| operation.method == method)
            .filter_map(|operation| {
                let template: Vec<&str> = operation.path.split('/').collect();
                if template.len() != asked.len() {
                    return None;
                }
                let mut parameters = BTreeMap::new();
                for (pattern, actual) in template.iter().zip(&asked) {
                    let found = placeholders(pattern, actual)?.into_iter();
                    parameters.extend(found.map(|(name, text)| (name.to_owned(), text.to_owned())));
                }
                Some((operation, parameters))
            })
            .collect();
        found.sort_by_key(|(_, parameters)| parameters.len());
        found.into_iter().next().map(|(operation, parameters)| (operation.clone(), parameters))
    }

    /// A validator of a schema, with the others that it refers to.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut schema = if schema.is_object() { schema.clone() } else { json!({}) };
        let key = schema.to_string();
        if let Some(known) = self.validators.lock().unwrap().get(&key) {
            return Arc::clone(known);
        }
        let mut needed = Map::new();
        self.needs(&schema, &mut needed);
        schema["components"] = json!({ "schemas": needed });
        not_exclusive(&mut schema);
        let validator = Arc::new(jsonschema::validator_for(&schema).unwrap());
        self.validators.lock().unwrap().insert(key, Arc::clone(&validator));
        validator
    }

    fn needs(&self, value: &Value, needed: &mut Map<String, Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.needs(item, needed)),
            Value::Object(members) => {
                let name = value["$ref"].as_str().map(decode).and_then(|it| {
                    it.strip_prefix("#/components/schemas/")?.split('/').next().map(str::to_owned)
                });
                if let Some(name) = name.filter(|name| !needed.contains_key(name)) {
                    let schema = &self.root["components"]["schemas"][&name];
                    needed.insert(name, schema.clone());
                    self.needs(schema, needed);
                }
                members.values().for_each(|member| self.needs(member, needed));
            }
            _ => {}
        }
    }

    /// Whether a value of this schema can hold a file, which only a form can carry.
    pub(crate) fn holds_file(&self, schema: &Value, depth: usize) -> bool {
        let schema = self.resolve(schema);
        let inner = ["items", "additionalProperties"].iter().filter_map(|key| schema.get(*key));
        let properties = schema["properties"].as_object().into_iter().flatten().map(|(_, it)| it);
        schema["format"] == "binary"
            || depth < 8 && inner.chain(properties).any(|it| self.holds_file(it, depth + 1))
    }

    pub(crate) fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.validator(schema).validate(value).map_err(|error| format!("{error} in {value}"))
    }
}

fn operations(root: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in root["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "delete", "patch"] {
            if let Some(value) = item.get(method) {
                let (method, path) = (method.to_uppercase(), path.clone());
                all.push(Operation { method, path, value: value.clone() });
            }
        }
    }
    all
}

/// The parameters in a segment of a path such as `{id}.json`, and their texts; nothing if it is another.
fn placeholders<'a>(pattern: &'a str, actual: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return (pattern == actual).then(Vec::new);
    };
    let (name, after) = rest.split_once('}')?;
    let text = actual.strip_prefix(before)?;
    let literal = after.split('{').next().unwrap_or_default();
    let end =
        if literal == after { text.len().checked_sub(after.len())? } else { text.find(literal)? };
    let (text, left) = text.split_at(end);
    let mut found = placeholders(after, left).filter(|_| !text.is_empty())?;
    found.insert(0, (name, text));
    Some(found)
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn parameters<'a>(&'a self, spec: &'a Spec) -> Vec<&'a Value> {
        let shared = spec.root["paths"][&self.path]["parameters"].as_array().into_iter().flatten();
        let own = self.value["parameters"].as_array().into_iter().flatten();
        let all = shared.chain(own).map(|it| spec.resolve(it));
        // OpenAPI ignores these: the media types and the security decide them.
        let ignored = ["Accept", "Content-Type", "Authorization"];
        all.filter(|it| it["in"] != "header" || !ignored.iter().any(|name| it["name"] == *name))
            .collect()
    }

    /// The media type of the request body, and what is said of it.
    pub(crate) fn body<'a>(&'a self, spec: &'a Spec) -> Option<(&'a str, &'a Value)> {
        let content = spec.resolve(self.value.get("requestBody")?)["content"].as_object()?;
        content.iter().next().map(|(name, media)| (name.as_str(), media))
    }

    /// Status, media type and schema of each successful response.
    pub(crate) fn successes<'a>(
        &'a self,
        spec: &'a Spec,
    ) -> Vec<(u16, Option<(&'a str, &'a Value)>)> {
        let responses = self.value["responses"].as_object().unwrap();
        let is_success = |status: &str| status.starts_with('2');
        let default = !responses.keys().any(|status| is_success(status));
        let successes = responses
            .iter()
            .filter(|(status, _)| is_success(status) || default && *status == "default");
        // Any that has no name of its own.
        let other = if responses.contains_key("200") { 299 } else { 200 };
        successes
            .map(|(status, response)| {
                let content = spec.resolve(response)["content"].as_object();
                let media = content.and_then(|content| content.iter().next());
                let media = media.map(|(name, media)| (name.as_str(), &media["schema"]));
                (status.parse().unwrap_or(other), media)
            })
            .collect()
    }
}

/// OpenAPI 3.0's `nullable`, which this 3.1 document uses, as JSON Schema says it.
/// What prose says of fields together, and of bytes, which no schema can.
fn relate(root: &mut Value, action: &Value) {
    let facts = action["update"].as_object().unwrap().iter();
    let facts = facts.filter(|(key, _)| RELATIONS.contains(&key.as_str()));
    let facts: Map<String, Value> = facts.map(|(key, it)| (key.clone(), it.clone())).collect();
    if facts.is_empty() {
        return;
    }
    let target = JsonPath::parse(action["target"].as_str().unwrap()).unwrap();
    let places: Vec<String> =
        target.query_located(root).locations().map(NormalizedPath::to_json_pointer).collect();
    for place in places {
        root.pointer_mut(&place).unwrap().as_object_mut().unwrap().extend(facts.clone());
    }
}

fn allow_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(members) => {
            members.iter_mut().for_each(|(_, member)| allow_null(member));
            if members.get("nullable") == Some(&json!(true)) {
                members.remove("nullable");
                let bare = Value::Object(std::mem::take(members));
                *members =
                    Map::from_iter([("anyOf".to_owned(), json!([bare, { "type": "null" }]))]);
            }
        }
        _ => {}
    }
}

/// A closed object that is one part of a whole would forbid the other parts: the vendor means the
/// whole to be closed.
fn open_parts(root: &mut Value) {
    fn parts(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| parts(item, names)),
            Value::Object(members) => {
                for part in members
                    .get("allOf")
                    .and_then(Value::as_array)
                    .filter(|it| it.len() > 1)
                    .into_iter()
                    .flatten()
                {
                    names.extend(part["$ref"].as_str().map(ToOwned::to_owned));
                }
                members.values().for_each(|member| parts(member, names));
            }
            _ => {}
        }
    }
    let mut names = Vec::new();
    parts(root, &mut names);
    for name in names {
        if let Some(part) = root.pointer_mut(&name[1..]).and_then(Value::as_object_mut) {
            part.remove("additionalProperties");
        }
    }
}

/// A discriminator, not the shape, says which of several types a value is: it may fit others too.
fn not_exclusive(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(not_exclusive),
        Value::Object(members) => {
            members.iter_mut().for_each(|(_, member)| not_exclusive(member));
            let types = members.get("oneOf").and_then(Value::as_array);
            if types.is_some_and(|types| types.iter().all(|it| it.get("$ref").is_some())) {
                let types = members.remove("oneOf").unwrap();
                members.insert("anyOf".to_owned(), types);
            }
        }
        _ => {}
    }
}

/// What a parameter is known by here: its name, and where it travels unless that is the query.
pub(crate) fn key(place: &str, name: &str) -> String {
    if place == "query" { name.to_owned() } else { format!("{place} {name}") }
}

pub(crate) fn key_of(parameter: &Value) -> String {
    key(parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap())
}

pub(crate) fn decode(text: &str) -> String {
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
pub(crate) fn typed(spec: &Spec, schema: &Value, text: &str) -> Value {
    let schema = spec.resolve(schema);
    if let Some(members) = schema["anyOf"].as_array().or(schema["allOf"].as_array()) {
        return typed(spec, &members[0], text);
    }
    if let Some(members) = schema["oneOf"].as_array() {
        // A number is more than the text that it is written in.
        let fitting = members.iter().map(|it| (it, typed(spec, it, text)));
        let mut fitting: Vec<Value> =
            fitting.filter(|(it, value)| spec.check(it, value).is_ok()).map(|(_, it)| it).collect();
        fitting.sort_by_key(Value::is_string);
        return fitting.into_iter().next().unwrap_or(json!(text));
    }
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        _ => json!(text),
    }
}
