//! What the schemas of a lowered document refer to, and so what a value of them can hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The types of which a value can hold a string of a format.
pub(crate) struct Holders {
    format: &'static str,
    names: BTreeSet<String>,
}

impl Holders {
    /// Goes through the document once, against the direction of its references.
    pub(crate) fn of(document: &Value, format: &'static str) -> Self {
        let mut holders = Self { format, names: BTreeSet::new() };
        let mut referring: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut found = Vec::new();
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            if holders.hold(schema) {
                found.push(name.as_str());
            }
            referred(schema, &mut |to| referring.entry(to).or_default().push(name));
        }
        while let Some(name) = found.pop() {
            if holders.names.insert(name.to_owned()) {
                found.extend(referring.get(name).into_iter().flatten());
            }
        }
        holders
    }

    /// Whether a value of this schema can hold one.
    pub(crate) fn hold(&self, schema: &Value) -> bool {
        if let Some(name) = reference(schema) {
            return self.names.contains(name);
        }
        let mut found = schema["format"] == self.format;
        children(schema, &mut |child| found |= self.hold(child));
        found
    }
}

/// The names that a schema itself refers to.
fn referred<'a>(schema: &'a Value, visit: &mut dyn FnMut(&'a str)) {
    match reference(schema) {
        Some(name) => visit(name),
        None => children(schema, &mut |child| referred(child, visit)),
    }
}

/// The name of the type that a schema refers to, if that is all that it says.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// Calls `visit` with the schemas in a schema.
pub(crate) fn children<'a>(schema: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            visit(inner);
        }
    }
    for (_, property) in schema["properties"].as_object().into_iter().flatten() {
        visit(property);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_holds_a_secret_holds_it_through_references_in_a_circle_too() {
        let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let document = json!({ "components": { "schemas": {
            "Login": { "properties": { "password": { "type": "string", "format": "password" } } },
            "Site": { "properties": { "logins": { "items": to("Login") }, "owner": to("User") } },
            "User": { "properties": { "sites": { "additionalProperties": to("Site") } } },
            "Page": { "properties": { "next": to("Page"), "lost": to("Missing") } }
        } } });
        let secrets = Holders::of(&document, "password");
        let held = ["Login", "Site", "User", "Page"].map(|name| secrets.hold(&to(name)));
        assert_eq!(held, [true, true, true, false]);
        assert!(secrets.hold(&json!({ "items": to("User") })));
        assert!(!secrets.hold(&json!({ "type": "string", "format": "binary" })));
    }
}
