//! One schema as plain facts: what its parts say together, with the spellings of 3.0 and 3.1 made one.

use super::limit::Limit;
use super::literal::{plain, words};
use super::resolve::{Node, Resolver, is_silent};
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The facts of one schema. What is allowed besides null; null itself is told by [`Resolver::nullable`].
#[derive(Debug, Default)]
pub(in crate::diff) struct Schema<'a> {
    /// None where any type is allowed.
    pub(in crate::diff) types: Option<BTreeSet<&'a str>>,
    /// Of `enum` and `const`, as JSON text.
    pub(in crate::diff) values: Option<BTreeSet<String>>,
    pub(in crate::diff) format: Option<&'a str>,
    /// Lower and upper limits by the words for them.
    pub(in crate::diff) lower: BTreeMap<&'static str, Limit>,
    pub(in crate::diff) upper: BTreeMap<&'static str, Limit>,
    /// `pattern`, `uniqueItems`, `multipleOf`: there or not, and what it says.
    pub(in crate::diff) rules: BTreeMap<&'static str, String>,
    pub(in crate::diff) properties: BTreeMap<&'a str, Node<'a>>,
    pub(in crate::diff) required: BTreeSet<&'a str>,
    /// The same in the order in which they are listed, which is that of arguments.
    pub(in crate::diff) required_order: Vec<&'a str>,
    pub(in crate::diff) extra: Extra<'a>,
    pub(in crate::diff) items: Option<Node<'a>>,
    pub(in crate::diff) unions: Vec<Union<'a>>,
    pub(in crate::diff) default: Option<&'a Value>,
    pub(in crate::diff) deprecated: bool,
    pub(in crate::diff) read_only: bool,
    pub(in crate::diff) write_only: bool,
    pub(in crate::diff) title: String,
    pub(in crate::diff) description: String,
    /// Every other keyword, as text that does not depend on spelling.
    pub(in crate::diff) rest: BTreeMap<String, String>,
}

/// What an object may hold besides its properties.
#[derive(Debug, Default)]
pub(in crate::diff) enum Extra<'a> {
    #[default]
    Anything,
    Nothing,
    Schema(Node<'a>),
}

/// A `oneOf` or `anyOf` of at least two variants besides null.
#[derive(Debug)]
pub(in crate::diff) struct Union<'a> {
    pub(in crate::diff) exactly_one: bool,
    pub(in crate::diff) variants: Vec<Node<'a>>,
    /// The property that tells the variants apart, and the values the document maps to variants.
    pub(in crate::diff) discriminator: Option<&'a str>,
    pub(in crate::diff) mapped: BTreeSet<&'a str>,
}

const LOWER: [(&str, &str); 3] = [
    ("minLength", "minimum length"),
    ("minItems", "minimum number of items"),
    ("minProperties", "minimum number of properties"),
];
const UPPER: [(&str, &str); 3] = [
    ("maxLength", "maximum length"),
    ("maxItems", "maximum number of items"),
    ("maxProperties", "maximum number of properties"),
];

impl<'a> Schema<'a> {
    pub(in crate::diff) fn read(source: &Resolver<'a>, node: &Node<'a>) -> Self {
        let mut schema = Schema::default();
        if node.parts.contains(&&Value::Bool(false)) {
            schema.types = Some(BTreeSet::from(["nothing"]));
        }
        let mut properties: BTreeMap<&'a str, Vec<&'a Value>> = BTreeMap::new();
        let mut items: Vec<&'a Value> = Vec::new();
        let mut extra: Vec<&'a Value> = Vec::new();
        for map in node.maps() {
            for (keyword, value) in map {
                let understood = match keyword.as_str() {
                    "properties" => {
                        for (name, property) in value.as_object().into_iter().flatten() {
                            properties.entry(name).or_default().push(property);
                        }
                        value.is_object()
                    }
                    // What it leads to is a part of its own.
                    "$ref" => value.as_str().is_some_and(|name| source.target(name).is_some()),
                    "items" => {
                        items.push(value);
                        true
                    }
                    "additionalProperties" | "unevaluatedProperties" => {
                        extra.push(value);
                        true
                    }
                    "oneOf" | "anyOf" => {
                        schema.read_union(source, map, keyword, value);
                        value.is_array()
                    }
                    _ => schema.read_keyword(keyword, value, map),
                };
                if !understood && !is_silent(keyword) {
                    schema.rest.insert(keyword.clone(), source.canonical(value));
                }
            }
        }
        for name in &schema.required {
            properties.entry(name).or_default();
        }
        schema.properties =
            properties.into_iter().map(|(name, roots)| (name, source.node(roots))).collect();
        schema.items = (!items.is_empty()).then(|| source.node(items));
        schema.extra = read_extra(source, extra);
        schema.infer_types(node);
        schema.settle_integers();
        schema
    }

    /// Reads a keyword that stands for itself; false where it has to be kept as it is.
    fn read_keyword(
        &mut self,
        keyword: &'a str,
        value: &'a Value,
        map: &'a Map<String, Value>,
    ) -> bool {
        match keyword {
            "type" => return self.read_type(value),
            "enum" => return self.read_values(value.as_array().map(Vec::as_slice)),
            "const" => return self.read_values(Some(std::slice::from_ref(value))),
            "format" => self.format = self.format.or(value.as_str()),
            // What 3.0 calls `format: byte` and `format: binary`.
            "contentEncoding" if value == "base64" => self.format = self.format.or(Some("byte")),
            "contentMediaType" if value == "application/octet-stream" => {
                self.format = self.format.or(Some("binary"));
            }
            "required" => {
                let names = value.as_array().into_iter().flatten();
                for name in names.filter_map(Value::as_str) {
                    if self.required.insert(name) {
                        self.required_order.push(name);
                    }
                }
            }
            "default" => self.default = self.default.or(Some(value)),
            "deprecated" => self.deprecated |= value == &Value::Bool(true),
            "readOnly" => self.read_only |= value == &Value::Bool(true),
            "writeOnly" => self.write_only |= value == &Value::Bool(true),
            "title" if self.title.is_empty() => self.title = words(Some(value)),
            "description" if self.description.is_empty() => self.description = words(Some(value)),
            "title" | "description" | "discriminator" => {}
            "pattern" => {
                self.add_rule("pattern", format!("`{}`", value.as_str().unwrap_or_default()));
            }
            "uniqueItems" if value == &Value::Bool(true) => {
                self.add_rule("rule", "of unique items".to_owned());
            }
            "uniqueItems" => {}
            "multipleOf" => self.add_rule("`multipleOf`", plain(value)),
            "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" => {
                return self.read_bound(keyword, value, map);
            }
            _ => {
                let named = |(name, _): &&(&str, &str)| *name == keyword;
                if let Some((_, label)) = LOWER.iter().find(named) {
                    return self.add_lower(label, Limit::read(value, false));
                }
                if let Some((_, label)) = UPPER.iter().find(named) {
                    return self.add_upper(label, Limit::read(value, false));
                }
                return false;
            }
        }
        true
    }

    fn read_type(&mut self, value: &'a Value) -> bool {
        let stated: BTreeSet<&str> = match value {
            Value::String(name) => BTreeSet::from([name.as_str()]),
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return false,
        };
        let stated = stated.into_iter().filter(|name| *name != "null").collect();
        self.types = Some(match self.types.take() {
            None => stated,
            Some(before) => both_types(&before, &stated),
        });
        true
    }

    fn read_values(&mut self, values: Option<&'a [Value]>) -> bool {
        let Some(values) = values else {
            return false;
        };
        let values: BTreeSet<String> =
            values.iter().filter(|value| !value.is_null()).map(plain).collect();
        self.values = Some(match self.values.take() {
            None => values,
            Some(before) => before.intersection(&values).cloned().collect(),
        });
        true
    }

    /// `exclusiveMinimum` is a flag beside `minimum` in 3.0 and a limit of its own in 3.1.
    fn read_bound(&mut self, keyword: &str, value: &'a Value, map: &Map<String, Value>) -> bool {
        let flag = |name: &str| map.get(name) == Some(&Value::Bool(true));
        match (keyword, value) {
            (_, Value::Bool(_)) => true,
            ("minimum", _) => {
                self.add_lower("minimum", Limit::read(value, flag("exclusiveMinimum")))
            }
            ("maximum", _) => {
                self.add_upper("maximum", Limit::read(value, flag("exclusiveMaximum")))
            }
            ("exclusiveMinimum", _) => self.add_lower("minimum", Limit::read(value, true)),
            _ => self.add_upper("maximum", Limit::read(value, true)),
        }
    }

    fn add_lower(&mut self, label: &'static str, limit: Option<Limit>) -> bool {
        let Some(limit) = limit else {
            return false;
        };
        // No string is shorter than 0.
        if label == "minimum" || !limit.is_zero() {
            let kept = self.lower.entry(label).or_insert(limit);
            if limit.cmp_lower(kept) == Ordering::Greater {
                *kept = limit;
            }
        }
        true
    }

    fn add_upper(&mut self, label: &'static str, limit: Option<Limit>) -> bool {
        let Some(limit) = limit else {
            return false;
        };
        let kept = self.upper.entry(label).or_insert(limit);
        if limit.cmp_upper(kept) == Ordering::Less {
            *kept = limit;
        }
        true
    }

    fn add_rule(&mut self, label: &'static str, rule: String) {
        self.rules
            .entry(label)
            .and_modify(|before| {
                if *before != rule {
                    before.push_str(" and ");
                    before.push_str(&rule);
                }
            })
            .or_insert(rule);
    }

    fn read_union(
        &mut self,
        source: &Resolver<'a>,
        map: &'a Map<String, Value>,
        keyword: &str,
        value: &'a Value,
    ) {
        let variants = source.variants(value);
        if variants.len() < 2 {
            return;
        }
        let variants: Vec<_> =
            variants.into_iter().map(|variant| source.node(vec![variant])).collect();
        if let Some(types) = bare_types(&variants) {
            let types = types.into_iter().collect();
            self.types = Some(match self.types.take() {
                None => types,
                Some(before) => both_types(&before, &types),
            });
            return;
        }
        if let Some(values) = bare_values(source, &variants) {
            self.values.get_or_insert_default().extend(values);
            return;
        }
        let discriminator = map.get("discriminator");
        let mapping = discriminator.and_then(|it| it.get("mapping")).and_then(Value::as_object);
        self.unions.push(Union {
            exactly_one: keyword == "oneOf",
            variants,
            discriminator: discriminator
                .and_then(|it| it.get("propertyName"))
                .and_then(Value::as_str),
            mapped: mapping.into_iter().flat_map(|map| map.keys().map(String::as_str)).collect(),
        });
    }

    /// A schema that names properties is about objects, said or not.
    fn infer_types(&mut self, node: &Node<'a>) {
        if self.types.is_some() {
            return;
        }
        let has = |keyword: &str| node.maps().any(|map| map.contains_key(keyword));
        let inferred: BTreeSet<&str> = if let Some(values) = &self.values {
            values.iter().map(|value| type_of_literal(value)).collect()
        } else if has("properties") || has("additionalProperties") {
            BTreeSet::from(["object"])
        } else if has("items") || has("prefixItems") {
            BTreeSet::from(["array"])
        } else if let Some(types) = self.types_of_variants() {
            types
        } else {
            return;
        };
        self.types = Some(inferred);
    }

    /// The types of all variants, where each says its own: `type: object` beside a union of objects adds nothing.
    fn types_of_variants(&self) -> Option<BTreeSet<&'a str>> {
        let mut types = BTreeSet::new();
        for variant in self.unions.iter().flat_map(|union| &union.variants) {
            let mut stated = BTreeSet::new();
            for map in variant.maps() {
                match map.get("type") {
                    Some(Value::String(name)) => stated.extend([name.as_str()]),
                    Some(Value::Array(names)) => {
                        stated.extend(names.iter().filter_map(Value::as_str))
                    }
                    _ if map.contains_key("properties") => stated.extend(["object"]),
                    _ => {}
                }
            }
            if stated.is_empty() {
                return None;
            }
            types.extend(stated.into_iter().filter(|name| *name != "null"));
        }
        (!self.unions.is_empty()).then_some(types)
    }

    /// Among integers `> 0` is `≥ 1`.
    fn settle_integers(&mut self) {
        if self.types == Some(BTreeSet::from(["integer"])) {
            self.lower.values_mut().for_each(|limit| limit.include(1));
            self.upper.values_mut().for_each(|limit| limit.include(-1));
        }
    }

    /// The types in words.
    pub(in crate::diff) fn type_words(&self) -> String {
        match &self.types {
            None if self.unions.is_empty() => "any value".to_owned(),
            None => "a union".to_owned(),
            Some(types) if types.is_empty() => "null".to_owned(),
            Some(types) => types.iter().copied().collect::<Vec<_>>().join(" or "),
        }
    }

    /// Nothing but a demand for properties that the surrounding schema describes.
    pub(in crate::diff) fn is_only_required(&self) -> bool {
        self.types.is_none()
            && !self.required.is_empty()
            && self.properties.values().all(|property| property.parts.is_empty())
            && self.unions.is_empty()
            && self.rest.is_empty()
    }
}

fn read_extra<'a>(source: &Resolver<'a>, extra: Vec<&'a Value>) -> Extra<'a> {
    if extra.contains(&&Value::Bool(false)) {
        return Extra::Nothing;
    }
    let node = source.node(extra);
    if node.parts.is_empty() { Extra::Anything } else { Extra::Schema(node) }
}

/// What two lists of types have in common; an integer is a number.
fn both_types<'a>(one: &BTreeSet<&'a str>, other: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut both: BTreeSet<_> = one.intersection(other).copied().collect();
    if one.contains("integer") && other.contains("number")
        || one.contains("number") && other.contains("integer")
    {
        both.insert("integer");
    }
    both
}

/// `anyOf: [{type: string}, {type: integer}]` is what 3.1 writes as `type: [string, integer]`.
fn bare_types<'a>(variants: &[Node<'a>]) -> Option<Vec<&'a str>> {
    let bare = |variant: &Node<'a>| match variant.parts.as_slice() {
        [Value::Object(map)] if map.keys().all(|key| key == "type" || is_silent(key)) => {
            map.get("type").and_then(Value::as_str)
        }
        _ => None,
    };
    variants.iter().map(bare).collect()
}

/// `oneOf: [{const: a, description: …}, {const: b}]` is an `enum` with room for words.
fn bare_values<'a>(source: &Resolver<'a>, variants: &[Node<'a>]) -> Option<BTreeSet<String>> {
    let mut values = BTreeSet::new();
    for variant in variants {
        let keywords = ["const", "enum", "type", "title", "description"];
        let bare = |key: &String| keywords.contains(&key.as_str()) || is_silent(key);
        if !variant.maps().all(|map| map.keys().all(bare)) {
            return None;
        }
        values.extend(Schema::read(source, variant).values?);
    }
    Some(values)
}

fn type_of_literal(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'[') => "array",
        Some(b'{') => "object",
        _ if json.contains(['.', 'e', 'E']) => "number",
        _ => "integer",
    }
}
