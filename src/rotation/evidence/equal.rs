//! Whether a replacement is the old key's equal, in every attribute, known to us or not.

use serde_json::{Map, Value};

/// What must differ between two keys, or says nothing of what a key may do.
const DIFFERS: [&str; 7] =
    ["id", "name", "created_at", "expires_at", "created_by", "masked_key", "key"];

/// The fields in which the two differ, but for those that must and those that the caller allows.
///
/// A field that is left out is the same as one that is null.
pub(crate) fn differences(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    allowed: &[String],
) -> Vec<String> {
    let mut fields: Vec<&String> = old.keys().chain(new.keys()).collect();
    fields.sort();
    fields.dedup();
    let value = |key: &Map<String, Value>, field: &str| key.get(field).cloned().unwrap_or_default();
    fields
        .into_iter()
        .filter(|field| !DIFFERS.contains(&field.as_str()) && !allowed.contains(field))
        .filter(|field| value(old, field) != value(new, field))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compare(old: Value, new: Value, allowed: &[&str]) -> Vec<String> {
        let allowed: Vec<String> = allowed.iter().map(|field| (*field).to_owned()).collect();
        differences(old.as_object().unwrap(), new.as_object().unwrap(), &allowed)
    }

    #[test]
    fn every_field_counts_but_those_that_must_differ() {
        let old =
            json!({"id": "a", "name": "ci", "project_id": "p", "scopes": ["x"], "policy": null});
        let new = json!({"id": "b", "name": "~", "project_id": "p", "scopes": ["x"]});
        assert!(compare(old.clone(), new, &[]).is_empty());
        let wider = json!({"id": "b", "name": "~", "project_id": null});
        assert_eq!(compare(old.clone(), wider.clone(), &[]), ["project_id", "scopes"]);
        assert_eq!(compare(old.clone(), wider, &["scopes"]), ["project_id"]);
        let more = json!({"id": "b", "project_id": "p", "scopes": ["x"], "admin": true});
        assert_eq!(compare(old, more, &[]), ["admin"]);
    }
}
