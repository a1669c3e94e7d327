//! What only the server writes is not required of a request, and what only a caller writes not of a
//! response.
//!
//! ```yaml
//! # before, sent and received                   # after
//! required: [id, name, passphrase]              required: [name]
//! properties:                                   x-onkernel-sets: { sets: [[passphrase]] }
//!   id: { type: string, readOnly: true }        properties: { id: …, name: …, passphrase: … }
//!   passphrase: { type: string, writeOnly: true }
//! ```
//!
//! One schema is one type in Rust, whichever way its values go: what one of the directions can do
//! without is optional in it. That a request needs what it may write is checked before sending.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::narrow::target;
use crate::lower::checks::unused::{SCHEMAS, references};
use crate::openapi::walk;

pub(in crate::lower) fn apply(document: &mut Value) {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    let source = document.clone();
    walk::operations(document, &mut |_, _, _, operation| {
        references(&source, &operation["parameters"], &mut sent);
        references(&source, &operation["requestBody"], &mut sent);
        references(&source, &operation["responses"], &mut received);
    });
    walk::schemas(document, &mut |at, schema| {
        let (is_sent, is_received) = match at.strip_prefix(SCHEMAS) {
            Some(rest) => {
                let name = rest.split('/').next().unwrap_or_default();
                let name = name.replace("~1", "/").replace("~0", "~");
                (sent.contains(&name), received.contains(&name))
            }
            None => {
                let response = at.contains("/responses/");
                (!response, response)
            }
        };
        if let Some(it) = schema.as_object_mut() {
            rewrite(&source, it, is_sent, is_received);
        }
    });
}

fn rewrite(source: &Value, it: &mut Map<String, Value>, is_sent: bool, is_received: bool) {
    let Some(Value::Array(required)) = it.get("required") else { return };
    let is = |name: &Value, key: &str| {
        let property = name.as_str().and_then(|name| it.get("properties")?.get(name));
        property.is_some_and(|it| it[key] == true || target(source, it)[key] == true)
    };
    let (mut kept, mut written) = (Vec::new(), Vec::new());
    for name in required {
        if is_received && is(name, "writeOnly") {
            written.push(name.clone());
        } else if !(is_sent && is(name, "readOnly")) {
            kept.push(name.clone());
        }
    }
    if kept.len() == required.len() {
        return;
    }
    if is_sent && !written.is_empty() {
        // A request has them with each of the sets of which it has one.
        match it.get_mut("x-onkernel-sets").and_then(|sets| sets["sets"].as_array_mut()) {
            Some(sets) => {
                for set in sets.iter_mut().filter_map(Value::as_array_mut) {
                    set.extend(written.iter().cloned());
                }
            }
            None => {
                let sets = json!({ "exactly": false, "sets": [written] });
                it.insert("x-onkernel-sets".to_owned(), sets);
            }
        }
    }
    it.insert("required".to_owned(), json!(kept));
}
