//! What a schema refers to, and what a value of it can hold.
//!
//! In a large document almost every type can hold almost every other, so that nothing here follows
//! the references of a schema once for every operation that leads to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::openapi::{children, reference};

/// Whether a value of this schema is, or is made of, generated types.
pub(super) fn holds_types(schema: &Value) -> bool {
    schema.get("$ref").is_some()
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(holds_types))
}

pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    reference(schema).and_then(|name| document["components"]["schemas"].get(name)).unwrap_or(schema)
}

pub(super) fn media(holder: &Value) -> impl Iterator<Item = (&String, &Value)> {
    holder["content"].as_object().into_iter().flatten()
}

/// Adds the names of all types that a value of this schema can hold. Names that are there have been
/// followed already.
pub(super) fn reach(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = reference(schema) {
        if !names.insert(name.to_owned()) {
            return;
        }
        let target = resolve(document, schema);
        return reach(document, target, names);
    }
    children(schema, &mut |child| reach(document, child, names));
}

/// Who uses a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Users<'a> {
    /// The calls of this resource.
    One(&'a str),
    /// Those of several.
    Several,
}

/// Notes that a resource uses this schema, and so all that it refers to. A type is followed for its
/// first user and for its second, which makes it shared: a third changes nothing.
pub(super) fn used<'a>(
    document: &'a Value,
    schema: &'a Value,
    by: Users<'a>,
    users: &mut BTreeMap<&'a str, Users<'a>>,
) {
    let Some(name) = reference(schema) else {
        return children(schema, &mut |child| used(document, child, by, users));
    };
    let now = match users.get(name) {
        Some(known) if *known == by || *known == Users::Several => return,
        Some(_) => Users::Several,
        None => by,
    };
    users.insert(name, now);
    used(document, resolve(document, schema), now, users);
}
