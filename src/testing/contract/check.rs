//! Holds a value against its schema, and says what is wrong with which field.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::document::{Choice, Contract, Kind, Schema};
use super::relations;

/// Everything that is wrong with a value, a sentence each; `at` is what the value is called.
pub(super) fn check(contract: &Contract, schema: &Schema, value: &Value, at: &str) -> Vec<String> {
    let mut checker = Checker { contract, wrong: Vec::new() };
    checker.value(schema, value, at);
    checker.wrong
}

struct Checker<'a> {
    contract: &'a Contract,
    wrong: Vec<String>,
}

impl Checker<'_> {
    fn wrong(&mut self, at: &str, what: &str) {
        let at = if at.is_empty() { "the body" } else { at };
        self.wrong.push(format!("{at} {what}"));
    }

    fn value(&mut self, schema: &Schema, value: &Value, at: &str) {
        let contract = self.contract;
        let target = contract.resolve(schema);
        if value.is_null() && (schema.nullable || target.nullable) {
            return;
        }
        if let Some(choice) = &target.choice {
            return self.choice(choice, value, at);
        }
        if let Some(values) = &target.values
            && !values.iter().any(|it| same(it, value))
        {
            let all: Vec<String> = values.iter().map(shown).collect();
            return self.wrong(at, &format!("must be one of {}", all.join(", ")));
        }
        match (target.kind, value) {
            (None, Value::Object(fields)) if target.is_object() => self.object(target, fields, at),
            (None, _) => {}
            (Some(Kind::Null), Value::Null) | (Some(Kind::Boolean), Value::Bool(_)) => {}
            (Some(Kind::Integer), Value::Number(number))
                if number.as_f64().is_some_and(|it| it.fract() == 0.0) =>
            {
                self.number(target, number.as_f64().unwrap_or_default(), at);
            }
            (Some(Kind::Number), Value::Number(number)) => {
                self.number(target, number.as_f64().unwrap_or_default(), at);
            }
            (Some(Kind::String), Value::String(text)) => self.text(target, text, at),
            (Some(Kind::Array), Value::Array(items)) => self.array(target, items, at),
            (Some(Kind::Object), Value::Object(fields)) => self.object(target, fields, at),
            (Some(kind), _) => self.wrong(at, &format!("must be {}", named(kind))),
        }
    }

    fn choice(&mut self, choice: &Choice, value: &Value, at: &str) {
        let tag = choice.tag.as_deref().filter(|_| !choice.beside);
        let Some(tag) = tag else {
            let fits = |it: &Schema| check(self.contract, it, value, at).is_empty();
            if !choice.kinds.iter().any(|it| fits(&it.schema)) {
                self.wrong(at, "fits none of the kinds that it may be of");
            }
            return;
        };
        let kind = value[tag].as_str().and_then(|tag| choice.tagged(tag));
        let Some(kind) = kind else {
            let tags: Vec<&str> =
                choice.kinds.iter().flat_map(|it| &it.tags).map(String::as_str).collect();
            return self.wrong(&inside(at, tag), &format!("must be one of {}", tags.join(", ")));
        };
        let mut value = value.clone();
        let target = self.contract.resolve(kind);
        if let Some(fields) = value.as_object_mut().filter(|_| !target.properties.contains_key(tag))
        {
            // It belongs to the choice, and not to the kind.
            fields.remove(tag);
        }
        self.value(kind, &value, at);
    }

    fn number(&mut self, schema: &Schema, number: f64, at: &str) {
        let low = schema
            .minimum
            .is_some_and(|least| number < least || schema.exclusive_minimum && number == least);
        let high = schema
            .maximum
            .is_some_and(|most| number > most || schema.exclusive_maximum && number == most);
        if low || high {
            let bound = |bound: Option<f64>, exclusive: bool, words: [&str; 2]| {
                bound.map(|it| format!("{} {it}", words[usize::from(exclusive)]))
            };
            let least = bound(schema.minimum, schema.exclusive_minimum, ["at least", "more than"]);
            let most = bound(schema.maximum, schema.exclusive_maximum, ["at most", "less than"]);
            let bounds: Vec<String> = least.into_iter().chain(most).collect();
            self.wrong(at, &format!("must be {}", bounds.join(" and ")));
        }
        if let Some(step) = schema.multiple_of.filter(|step| (number / step).fract() != 0.0) {
            self.wrong(at, &format!("must be a multiple of {step}"));
        }
    }

    fn text(&mut self, schema: &Schema, text: &str, at: &str) {
        let length = text.chars().count();
        if let Some(range) = range(length, schema.min_length, schema.max_length) {
            self.wrong(at, &format!("must have {range} characters"));
        }
        if let Some(most) = schema.max_bytes.filter(|most| text.len() > *most) {
            self.wrong(at, &format!("must have at most {most} bytes"));
        }
        if let Some(pattern) = &schema.pattern
            && !matches(pattern, text)
        {
            self.wrong(at, &format!("must match the pattern {pattern}"));
        }
        let form = match schema.format.as_deref() {
            Some("date-time") if DateTime::parse_from_rfc3339(text).is_err() => "an RFC 3339 time",
            Some("date") if text.parse::<NaiveDate>().is_err() => "a date such as 2026-11-01",
            Some("uuid") if !is_uuid(text) => "a UUID",
            Some("email") if !text.contains('@') => "an email address",
            Some("uri") if !text.contains(':') => "a URI",
            _ => return,
        };
        self.wrong(at, &format!("must be {form}"));
    }

    fn array(&mut self, schema: &Schema, items: &[Value], at: &str) {
        if let Some(range) = range(items.len(), schema.min_items, schema.max_items) {
            self.wrong(at, &format!("must have {range} items"));
        }
        if schema.unique_items {
            let different: BTreeSet<String> = items.iter().map(Value::to_string).collect();
            if different.len() < items.len() {
                self.wrong(at, "must not have an item twice");
            }
        }
        for (index, item) in items.iter().enumerate() {
            if let Some(inner) = schema.item(index) {
                self.value(inner, item, &format!("{at}[{index}]"));
            }
        }
    }

    fn object(&mut self, schema: &Schema, fields: &Map<String, Value>, at: &str) {
        let contract = self.contract;
        for name in schema.required.iter().filter(|name| !fields.contains_key(*name)) {
            self.wrong(&inside(at, name), "is missing");
        }
        if let Some(range) = range(fields.len(), schema.min_properties, schema.max_properties) {
            self.wrong(at, &format!("must have {range} fields"));
        }
        for (name, value) in fields {
            let here = inside(at, name);
            if !schema.properties.contains_key(name) {
                if schema.closed {
                    self.wrong(&here, "is no field of it");
                }
                if let Some(names) = &schema.property_names {
                    let named = Value::from(name.as_str());
                    self.value(names, &named, &format!("the name {name:?}"));
                }
            }
            let Some(inner) = schema.member(name) else { continue };
            match &contract.resolve(inner).choice {
                Some(choice) if choice.beside && !value.is_null() => {
                    let tag = choice.tag.as_ref().and_then(|tag| fields.get(tag)?.as_str());
                    if let Some(kind) = tag.and_then(|tag| choice.tagged(tag)) {
                        self.value(kind, value, &here);
                    }
                }
                _ => self.value(inner, value, &here),
            }
        }
        let unmet = schema.sets.as_ref().and_then(|sets| relations::unmet(sets, fields));
        for what in relations::broken(&schema.relations, fields).into_iter().chain(unmet) {
            self.wrong.push(if at.is_empty() { what } else { format!("{at}: {what}") });
        }
    }
}

impl Choice {
    /// The kind of which the tag says this.
    pub(super) fn tagged(&self, tag: &str) -> Option<&Schema> {
        let mut kinds = self.kinds.iter();
        kinds.find(|it| it.tags.iter().any(|it| it == tag)).map(|it| &it.schema)
    }
}

/// Whether a text matches. A pattern that is written in another dialect than ours lets everything pass.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).map_or(true, |pattern| pattern.is_match(text))
}

fn inside(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same value, where `1.0` is `1`.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|it| Some(it) == other.as_f64())
}

/// The range that a count is outside of, in words.
fn range(count: usize, least: Option<usize>, most: Option<usize>) -> Option<String> {
    let outside = least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most);
    outside.then(|| match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, most) => format!("at most {}", most.unwrap_or_default()),
    })
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}
