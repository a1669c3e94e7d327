//! A value as text in which spelling does not show.

use super::literal::plain;
use super::resolve::{DEPTH, Resolver, address, is_silent};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl<'a> Resolver<'a> {
    /// A value as text in which spelling does not show: references followed, notes left out, sets sorted.
    /// For keywords that are compared as a whole.
    pub(in crate::diff) fn canonical(&self, value: &'a Value) -> String {
        let mut canonical =
            Canonical { source: self, path: Vec::new(), left: CANONICAL, text: String::new() };
        canonical.add(value);
        canonical.text
    }
}

/// How many values a canonical text visits before it stops: references may fan out without bound.
const CANONICAL: usize = 1_000;

struct Canonical<'s, 'a> {
    source: &'s Resolver<'a>,
    path: Vec<usize>,
    left: usize,
    text: String,
}

impl<'a> Canonical<'_, 'a> {
    fn add(&mut self, value: &'a Value) {
        if self.path.len() > DEPTH || self.left == 0 || self.path.contains(&address(value)) {
            self.text.push('…');
            return;
        }
        self.left -= 1;
        self.path.push(address(value));
        match value {
            Value::Object(map) => self.add_object(map),
            Value::Array(items) => self.add_items(items.iter()),
            scalar => self.text.push_str(&plain(scalar)),
        }
        self.path.pop();
    }

    fn add_items(&mut self, items: impl Iterator<Item = &'a Value>) {
        self.text.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.add(item);
        }
        self.text.push(']');
    }

    fn add_object(&mut self, map: &'a Map<String, Value>) {
        let followed = self.source.followed(map);
        if let ([only], 1) = (followed.as_slice(), map.len()) {
            return self.add(only);
        }
        let said = |key: &str| key == "allOf" || !is_silent(key);
        let words = |key: &str| matches!(key, "description" | "title");
        let fields: BTreeMap<_, _> =
            map.iter().filter(|(key, _)| said(key) && !words(key)).collect();
        self.text.push('{');
        for (index, (key, value)) in fields.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.text.push_str(key);
            self.text.push_str(": ");
            match (key.as_str(), followed.first(), value) {
                ("$ref", Some(target), _) => self.add(target),
                ("required" | "enum", _, Value::Array(items)) => {
                    let mut items: Vec<_> = items.iter().collect();
                    items.sort_by_cached_key(|item| plain(item));
                    self.add_items(items.into_iter());
                }
                _ => self.add(value),
            }
        }
        self.text.push('}');
    }
}
