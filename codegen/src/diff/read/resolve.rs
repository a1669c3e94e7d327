//! One document, with `$ref` followed and `allOf` merged, whatever its spelling.
//!
//! A place in a document where a schema stands is a [`Node`]: the list of all the schema objects that apply there. Nodes
//! are lists of references into the document, so a recursive schema comes back to a node seen before, and there are only
//! finitely many of them.

use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// How many `$ref`s in a row are followed outside schemas, and how deep nullability is looked for.
pub(in crate::diff) const DEPTH: usize = 64;

/// An identity for a value inside a document that is not moved while it is compared.
pub(in crate::diff) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// A whole document.
pub(in crate::diff) struct Resolver<'a> {
    pub(in crate::diff) root: &'a Value,
    nullability: RefCell<HashMap<usize, Option<bool>>>,
}

/// The schema objects that together say what is allowed at one place.
#[derive(Clone, Debug)]
pub(in crate::diff) struct Node<'a> {
    /// As they stand in the document, a `$ref` still being one.
    pub(in crate::diff) roots: Vec<&'a Value>,
    /// Everything that applies, the nearest first.
    pub(in crate::diff) parts: Vec<&'a Value>,
}

impl<'a> Node<'a> {
    /// Two nodes of the same key say the same.
    pub(in crate::diff) fn key(&self) -> Vec<usize> {
        self.parts.iter().map(|part| address(part)).collect()
    }

    /// The place to show a reader.
    pub(in crate::diff) fn site(&self) -> Option<&'a Value> {
        self.parts.first().or(self.roots.first()).copied()
    }

    pub(in crate::diff) fn maps(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.parts.iter().filter_map(|part| part.as_object())
    }

    /// The name of the schema that a lone `$ref` leads to.
    pub(in crate::diff) fn ref_name(&self) -> Option<&'a str> {
        let reference = self.roots.first()?.get("$ref")?.as_str()?;
        reference.rsplit('/').next()
    }
}

/// Keywords that say nothing about values: notes, samples, and what [`Resolver::node`] has already followed.
pub(in crate::diff) fn is_silent(keyword: &str) -> bool {
    match keyword {
        "allOf" | "nullable" | "example" | "examples" | "externalDocs" | "xml" | "$comment"
        | "$schema" | "$id" | "$anchor" | "$defs" | "definitions" => true,
        other => other.starts_with("x-") && !other.starts_with("x-onkernel-"),
    }
}

impl<'a> Resolver<'a> {
    pub(in crate::diff) fn new(root: &'a Value) -> Self {
        Self { root, nullability: RefCell::default() }
    }

    /// What a reference inside this document leads to.
    pub(in crate::diff) fn target(&self, reference: &str) -> Option<&'a Value> {
        let fragment = reference.strip_prefix('#')?;
        self.root.pointer(fragment).or_else(|| self.root.pointer(&percent_decoded(fragment)))
    }

    /// A parameter, response, header or request body behind its `$ref`s.
    pub(in crate::diff) fn deref(&self, mut value: &'a Value) -> &'a Value {
        for _ in 0..DEPTH {
            match value.get("$ref").and_then(Value::as_str).and_then(|name| self.target(name)) {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }

    /// Everything that applies where these schemas stand.
    pub(in crate::diff) fn node(&self, roots: Vec<&'a Value>) -> Node<'a> {
        let mut parts = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting: Vec<&'a Value> = roots.iter().rev().copied().collect();
        while let Some(value) = waiting.pop() {
            if !seen.insert(address(value)) {
                continue;
            }
            let Some(map) = value.as_object() else {
                if value == &Value::Bool(false) {
                    parts.push(value);
                }
                continue;
            };
            let followed = self.followed(map);
            let says = |(key, value): (&String, &'a Value)| match key.as_str() {
                "$ref" => value.as_str().is_none_or(|name| self.target(name).is_none()),
                "oneOf" | "anyOf" => self.sole_variant(value).is_none(),
                key => !is_silent(key),
            };
            if map.iter().any(says) {
                parts.push(value);
            }
            waiting.extend(followed.into_iter().rev());
        }
        Node { roots, parts }
    }

    /// The schemas that apply together with this one: behind its `$ref`, in its `allOf`, its only variant but null.
    pub(in crate::diff) fn followed(&self, map: &'a Map<String, Value>) -> Vec<&'a Value> {
        let reference = map.get("$ref").and_then(Value::as_str).and_then(|name| self.target(name));
        let members = map.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let sole = ["oneOf", "anyOf"]
            .into_iter()
            .filter_map(|key| map.get(key).and_then(|variants| self.sole_variant(variants)));
        reference.into_iter().chain(members).chain(sole).collect()
    }

    /// The variants of a `oneOf` or `anyOf` other than null.
    pub(in crate::diff) fn variants(&self, variants: &'a Value) -> Vec<&'a Value> {
        let all = variants.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|variant| !self.is_null(variant)).collect()
    }

    /// A union of one is no union.
    fn sole_variant(&self, variants: &'a Value) -> Option<&'a Value> {
        match self.variants(variants).as_slice() {
            [sole] => Some(sole),
            _ => None,
        }
    }

    /// Whether a schema allows nothing but null.
    fn is_null(&self, schema: &'a Value) -> bool {
        let schema = self.deref(schema);
        let only = |key: &str| match schema.get(key) {
            Some(Value::Array(items)) => items.first().filter(|_| items.len() == 1),
            other => other,
        };
        only("type").and_then(Value::as_str) == Some("null")
            || schema.get("const") == Some(&Value::Null)
            || only("enum") == Some(&Value::Null)
    }

    /// Whether null is allowed; `None` where nothing is said about types at all.
    pub(in crate::diff) fn nullable(&self, node: &Node<'a>) -> Option<bool> {
        all_of(node.roots.iter().map(|root| self.nullable_at(root, DEPTH)))
    }

    fn nullable_at(&self, schema: &'a Value, depth: usize) -> Option<bool> {
        let map = match schema {
            Value::Object(map) if depth > 0 => map,
            Value::Bool(false) => return Some(false),
            _ => return None,
        };
        if let Some(known) = self.nullability.borrow().get(&address(schema)) {
            return *known;
        }
        // A schema that leads back to itself adds nothing to its own meaning.
        self.nullability.borrow_mut().insert(address(schema), None);
        let state = self.nullable_by_own_words(map).or_else(|| {
            let reference =
                map.get("$ref").and_then(Value::as_str).and_then(|name| self.target(name));
            let members = map.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let joined = reference.into_iter().chain(members);
            let joined: Vec<_> = joined.map(|schema| self.nullable_at(schema, depth - 1)).collect();
            let unions = ["oneOf", "anyOf"].into_iter().filter_map(|key| map.get(key));
            let unions: Vec<_> =
                unions.map(|variants| self.nullable_variant(variants, depth)).collect();
            let inferred = ["properties", "additionalProperties", "items", "prefixItems"];
            all_of(joined.into_iter().chain(unions)).or_else(|| {
                inferred.iter().any(|keyword| map.contains_key(*keyword)).then_some(false)
            })
        });
        self.nullability.borrow_mut().insert(address(schema), state);
        state
    }

    fn nullable_by_own_words(&self, map: &Map<String, Value>) -> Option<bool> {
        if map.get("nullable") == Some(&Value::Bool(true)) {
            return Some(true);
        }
        let null = Value::from("null");
        match (map.get("type"), map.get("const"), map.get("enum")) {
            (Some(Value::Array(types)), _, _) => Some(types.contains(&null)),
            (Some(name), _, _) => Some(name == &null),
            (_, Some(value), _) => Some(value.is_null()),
            (_, _, Some(Value::Array(values))) => Some(values.contains(&Value::Null)),
            _ => None,
        }
    }

    fn nullable_variant(&self, variants: &'a Value, depth: usize) -> Option<bool> {
        let variants = variants.as_array()?;
        let states: Vec<_> =
            variants.iter().map(|variant| self.nullable_at(variant, depth - 1)).collect();
        if states.contains(&Some(true)) {
            Some(true)
        } else if states.iter().all(|state| *state == Some(false)) {
            Some(false)
        } else {
            None
        }
    }
}

/// What several schemas that apply together allow: null only where none of them rules it out.
fn all_of(states: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    states.flatten().reduce(|one, other| one && other)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
