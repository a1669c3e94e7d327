//! Every `$ref` of a document leads somewhere, and not in a circle.

use super::Document;
use super::pointer::{join, of_reference};
use crate::error::{Error, Problem};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Keys under which the members are named by the document's author, so that `example` or `$ref`
/// are names there and not keywords.
pub(super) const NAMED: &[&str] = &[
    "$defs",
    "callbacks",
    "content",
    "definitions",
    "dependentSchemas",
    "encoding",
    "examples",
    "headers",
    "links",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
    "variables",
    "webhooks",
];

/// Keys under which anything may stand: it is data, and a `$ref` in it refers to nothing.
pub(super) const DATA: &[&str] = &["const", "default", "enum", "example", "value"];

impl Document {
    /// Whether every `$ref` leads to a value of this document.
    ///
    /// # Errors
    /// All that lead nowhere, into another file, or in a circle.
    pub fn check_references(&self) -> Result<(), Error> {
        let mut walk = Walk { document: self, problems: Vec::new() };
        walk.value(self.root(), "", false);
        Error::unless_empty(walk.problems)
    }
}

struct Walk<'d> {
    document: &'d Document,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    /// `names` says that the keys of `value`, if it has any, are names.
    fn value(&mut self, value: &Value, pointer: &str, names: bool) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &join(pointer, index), false);
                }
            }
            Value::Object(members) if names => {
                for (name, member) in members {
                    self.value(member, &join(pointer, name), false);
                }
            }
            Value::Object(members) => self.members(members, pointer),
            _ => {}
        }
    }

    fn members(&mut self, members: &Map<String, Value>, pointer: &str) {
        if let Some(Value::String(reference)) = members.get("$ref") {
            self.reference(reference, &join(pointer, "$ref"));
        }
        for (key, member) in members {
            // A schema's `examples` is a list of data; elsewhere they are named objects.
            let data = DATA.contains(&key.as_str())
                || key.starts_with("x-")
                || (key == "examples" && member.is_array());
            if !data {
                self.value(member, &join(pointer, key), NAMED.contains(&key.as_str()));
            }
        }
    }

    fn reference(&mut self, reference: &str, pointer: &str) {
        let (message, help) = match of_reference(reference) {
            None if reference.starts_with('#') => (
                format!("`{reference}` is not a JSON pointer"),
                "write the path from the root, such as `#/components/schemas/Name`",
            ),
            None => (
                format!("`{reference}` is outside this file"),
                "bundle the document into one file first, for example with `redocly bundle`",
            ),
            Some(target) if self.document.root().pointer(&target).is_none() => (
                format!("`{reference}` leads nowhere"),
                "correct the reference or add what it means",
            ),
            Some(target) if self.is_circle(&target) => (
                format!("`{reference}` leads back to itself through references alone"),
                "let one of them be a value",
            ),
            Some(_) => return,
        };
        self.problems.push(self.document.problem(pointer, message, help));
    }

    /// Whether following references from `target` on never arrives at a value.
    fn is_circle(&self, target: &str) -> bool {
        let mut target = target.to_owned();
        let mut seen = BTreeSet::new();
        loop {
            let next = self.document.root().pointer(&target).and_then(|value| value.get("$ref"));
            let Some(next) = next.and_then(Value::as_str).and_then(of_reference) else {
                return false;
            };
            if !seen.insert(target) {
                return true;
            }
            target = next;
        }
    }
}
