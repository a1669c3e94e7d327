//! Random values of a schema of the document, from a seed.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::spec::Spec;

pub(crate) struct Samples<'a> {
    spec: &'a Spec,
    runner: TestRunner,
    state: u64,
    /// Whether what may be left out is there, or not, or by chance.
    pub(crate) optional: Optional,
    /// Whether texts are for a path, a query or a header, which cannot hold every one.
    pub(crate) in_url: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Optional {
    Always,
    Never,
    Chance,
}

/// Leaves out what cannot stand beside the rest: of fields that exclude each other all but the first
/// group, and what needs something that is not there.
pub(crate) fn related(owner: &Value, fields: &mut impl Fields) {
    let mut one = false;
    for group in owner["x-onkernel-exclusive"].as_array().into_iter().flatten() {
        let terms: Vec<&str> = group.as_array().unwrap().iter().flat_map(Value::as_str).collect();
        if one {
            for term in &terms {
                if fields.holds(term) {
                    fields.leave(term);
                }
            }
        }
        one |= terms.iter().any(|term| fields.holds(term));
    }
    // What is left out may have been needed.
    for _ in 0..2 {
        for (left, right) in owner["x-onkernel-requires"].as_object().into_iter().flatten() {
            if fields.holds(left) && !fields.holds(right.as_str().unwrap()) {
                fields.leave(left);
            }
        }
    }
}

/// Whether a value of another field, which may be required itself, needs this one.
pub(crate) fn needed_by_a_value(owner: &Value, name: &str) -> bool {
    let mut pairs = owner["x-onkernel-requires"].as_object().into_iter().flatten();
    pairs.any(|(left, right)| left.contains('=') && right == name)
}

/// Some fields by name.
pub(crate) trait Fields {
    fn value(&self, name: &str) -> Option<&Value>;
    fn remove(&mut self, name: &str);

    /// Whether `name` is there, or there with the value of `name=value`.
    fn holds(&self, term: &str) -> bool {
        let (name, wanted) = term.split_once('=').unwrap_or((term, ""));
        let Some(value) = self.value(name).filter(|it| !it.is_null()) else { return false };
        wanted.is_empty()
            || value == wanted
            || value.as_bool().is_some_and(|it| wanted == if it { "true" } else { "false" })
    }

    fn leave(&mut self, term: &str) {
        self.remove(term.split('=').next().unwrap());
    }
}

impl Fields for Map<String, Value> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn remove(&mut self, name: &str) {
        self.remove(name);
    }
}

impl Fields for BTreeMap<String, Value> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn remove(&mut self, name: &str) {
        self.remove(name);
    }
}

impl<'a> Samples<'a> {
    pub(crate) fn new(spec: &'a Spec, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let runner = TestRunner::new_with_rng(Config::default(), rng);
        Self { spec, runner, state: seed | 1, optional: Optional::Chance, in_url: false }
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % n
    }

    pub(crate) fn of(&mut self, schema: &Value) -> Value {
        self.value(schema, 0)
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = self.spec.resolve(schema).clone();
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            let index = self.below(values.len() as u64) as usize;
            return values[index].clone();
        }
        if schema.get("allOf").is_some() || schema["properties"].is_object() {
            return self.object(&schema, depth);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(members) = schema[key].as_array() {
                let index = self.below(members.len() as u64) as usize;
                return self.value(&members[index].clone(), depth);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[self.below(kinds.len() as u64) as usize].clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("null") => Value::Null,
            Some("boolean") => json!(self.below(2) == 1),
            Some("integer") => json!(self.number(&schema)),
            Some("number") => match schema.get("maximum") {
                Some(_) => json!(self.number(&schema)),
                None => json!(self.number(&schema) as f64 + 0.5),
            },
            Some("array") if schema["prefixItems"].is_array() => {
                let places = schema["prefixItems"].as_array().unwrap().clone();
                json!(places.iter().map(|it| self.value(it, depth + 1)).collect::<Vec<_>>())
            }
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(1);
                let most = schema["maxItems"].as_u64().unwrap_or(least + 2).min(least + 2);
                let count = if depth > 6 { least } else { least + self.below(most - least + 1) };
                json!(
                    (0..count).map(|_| self.value(&schema["items"], depth + 1)).collect::<Vec<_>>()
                )
            }
            Some("object") => {
                json!(self.others(&schema, depth))
            }
            Some("string") => json!(self.text(&schema)),
            _ => json!({ "any": [1, "x", null] }),
        }
    }

    /// What an object holds besides its properties.
    fn others(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let any = json!({});
        let inner = match &schema["additionalProperties"] {
            Value::Bool(true) => &any,
            inner => inner,
        };
        let mut others = Map::new();
        for key in ["k1", "A_key"].iter().filter(|_| inner.is_object()) {
            others.insert((*key).to_owned(), self.value(inner, depth + 1));
        }
        if inner.is_object() && schema.get("propertyNames").is_none() && self.below(2) == 1 {
            others.insert("k\u{e9}y \"3\"".to_owned(), self.value(inner, depth + 1));
        }
        others
    }

    fn number(&mut self, schema: &Value) -> i64 {
        let low = schema["minimum"].as_i64().unwrap_or(0);
        let high = schema["maximum"].as_i64().unwrap_or(low.saturating_add(1000));
        let low = low + i64::from(schema.get("exclusiveMinimum").is_some());
        match self.below(4) {
            0 => low,
            1 => high,
            _ => low + self.below(high.saturating_sub(low).min(99_999) as u64 + 1) as i64,
        }
    }

    fn text(&mut self, schema: &Value) -> String {
        match schema["format"].as_str() {
            Some("date-time") => {
                let fraction = ["", ".5", ".123", ".000001"][self.below(4) as usize];
                let fraction = if fraction == ".5" { ".500" } else { fraction };
                return format!("2026-03-{:02}T07:08:09{fraction}Z", 1 + self.below(28));
            }
            Some("date") => return format!("2026-03-{:02}", 1 + self.below(28)),
            Some("uuid") => return format!("0190a1b2-0000-7000-8000-{:012x}", self.below(1 << 40)),
            Some("uri") => return "https://example.com/a?b=c".to_owned(),
            Some("email") => return "a@example.com".to_owned(),
            Some("binary") => return format!("bytes\r\n--{} é", self.below(1000)),
            _ => {}
        }
        let least = schema["minLength"].as_u64().unwrap_or(0);
        if let Some(pattern) = schema["pattern"].as_str() {
            let bare = pattern.trim_start_matches('^').trim_end_matches('$');
            let strategy = proptest::string::string_regex(bare).unwrap();
            loop {
                let text = strategy.new_tree(&mut self.runner).unwrap().current();
                let length = text.chars().count() as u64;
                if length >= least && length <= schema["maxLength"].as_u64().unwrap_or(40).min(40) {
                    return text;
                }
            }
        }
        let usual = format!("tëxt/{} %&=", self.below(1000));
        let mut text = match self.below(if self.in_url { 1 } else { 8 }) {
            1 => String::new(),
            2 => format!("\"quoted\" \\ \n\t\u{1}{}", self.below(1000)),
            3 => "\u{1f980}\u{202e} e\u{301}".to_owned(),
            4 => "null".to_owned(),
            5 => self.below(1000).to_string(),
            6 => "long ".repeat(60),
            _ => usual,
        };
        while (text.chars().count() as u64) < least {
            text.push('x');
        }
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX) as usize;
        text.chars().take(most).collect()
    }

    /// An object with the properties of all its parts; of sets of required ones, exactly one, and of
    /// those that exclude each other not all.
    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let kind = self.kind_beside(schema);
        let schema = &kind.as_ref().map_or_else(|| schema.clone(), |(_, whole)| whole.clone());
        let (mut properties, mut required, mut choice) = (Map::new(), Vec::new(), None);
        self.collect(schema, &mut properties, &mut required, &mut choice);
        let mut forbidden: Vec<Value> = Vec::new();
        if let Some(sets) = choice {
            let chosen = self.below(sets.len() as u64) as usize;
            let own = sets[chosen]["required"].as_array().unwrap();
            for set in &sets {
                let others = set["required"].as_array().unwrap().iter();
                forbidden.extend(others.filter(|name| !own.contains(name)).cloned());
            }
            required.extend(own.iter().cloned());
        }
        let mut value = Map::new();
        for (name, property) in properties {
            let here = match self.optional {
                _ if required.contains(&json!(name)) => true,
                _ if forbidden.contains(&json!(name)) || depth > 6 => false,
                Optional::Always => true,
                Optional::Never => false,
                Optional::Chance => self.below(2) == 1,
            };
            if here {
                value.insert(name, self.value(&property, depth + 1));
            }
        }
        let not = &self.spec.resolve(schema)["not"];
        let pairs = not["anyOf"].as_array().map_or(std::slice::from_ref(not), Vec::as_slice);
        for names in pairs.iter().filter_map(|pair| pair["required"].as_array()) {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            if names.iter().all(|name| value.contains_key(*name)) {
                value.remove(names[self.below(names.len() as u64) as usize]);
            }
        }
        // A discriminator on the owner goes with what it tells apart.
        if let Some(mapping) = schema["discriminator"]["mapping"].as_object() {
            let tag = schema["discriminator"]["propertyName"].as_str().unwrap();
            if let Some(config) = schema["properties"]["config"]["oneOf"].as_array() {
                let tags: Vec<_> = mapping.keys().cloned().collect();
                let at = self.below(tags.len() as u64) as usize;
                let wanted = mapping[&tags[at]].as_str().unwrap();
                let like = |it: &&Value| {
                    it["$ref"].as_str().is_some_and(|it| {
                        it == wanted || it.ends_with(&format!("Create{}", &wanted[21..]))
                    })
                };
                let left = |it: &&Value| !mapping.values().any(|target| *target == it["$ref"]);
                let member = config.iter().find(like).or(config.iter().find(left));
                let member = member.unwrap().clone();
                value.insert(tag.to_owned(), json!(tags[at]));
                if value.contains_key("config") {
                    let config = self.value(&member, depth + 1);
                    value.insert("config".to_owned(), config);
                }
            }
        }
        if let Some((Some((tag, name)), _)) = kind {
            value.insert(tag, name);
        }
        self.relate(schema, &mut value);
        if self.optional != Optional::Never && depth < 6 {
            value.extend(self.others(schema, depth));
        }
        Value::Object(value)
    }

    fn relate(&self, schema: &Value, value: &mut Map<String, Value>) {
        let schema = self.spec.resolve(schema);
        related(schema, value);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        parts.for_each(|part| self.relate(part, value));
    }

    /// Of a choice that stands beside properties: the tag of one kind, and the two as one whole.
    #[allow(clippy::type_complexity)]
    fn kind_beside(&mut self, schema: &Value) -> Option<(Option<(String, Value)>, Value)> {
        let kinds = schema["oneOf"].as_array().filter(|it| it[0].get("$ref").is_some())?;
        let kind = kinds[self.below(kinds.len() as u64) as usize].clone();
        let mut base = schema.clone();
        base.as_object_mut().unwrap().remove("oneOf");
        let mapping = schema["discriminator"]["mapping"].as_object();
        let tag = mapping.and_then(|mapping| {
            let (name, _) = mapping.iter().find(|(_, target)| **target == kind["$ref"])?;
            Some((schema["discriminator"]["propertyName"].as_str()?.to_owned(), json!(name)))
        });
        Some((tag, json!({ "allOf": [base, kind] })))
    }

    /// The properties of all parts, what they require, and a choice between sets of them.
    fn collect(
        &mut self,
        schema: &Value,
        properties: &mut Map<String, Value>,
        required: &mut Vec<Value>,
        choice: &mut Option<Vec<Value>>,
    ) {
        let schema = self.spec.resolve(schema).clone();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.collect(part, properties, required, choice);
        }
        if let Some(sets) = schema["oneOf"].as_array().filter(|it| it[0].get("required").is_some())
        {
            *choice = Some(sets.clone());
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            properties.insert(name.clone(), property.clone());
        }
        required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    }
}
