//! Says of every finding where it is in the document and which operations cannot be had for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::unused::{SCHEMAS, references};
use crate::lower::finding::Finding;
use crate::openapi::walk;

/// How many operations are named.
const NAMED: usize = 3;

/// Adds the operations to what is found, once for each place. `origins` says where the types stand
/// that got their names here.
pub(in crate::lower) fn located(
    document: &Value,
    origins: &BTreeMap<String, String>,
    findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for mut finding in findings {
        if let Some((name, rest)) = component(&finding.pointer)
            && let Some(origin) = origins.get(&name)
        {
            finding.pointer = format!("{origin}{rest}");
        }
        let operations = match component(&finding.pointer) {
            Some((name, _)) => users(document, &name),
            None => operation(&finding.pointer).into_iter().collect(),
        };
        let named = operations.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match operations.len().saturating_sub(NAMED) {
            0 if operations.is_empty() => {}
            0 => finding.message.push_str(&format!(" ({named})")),
            more => finding.message.push_str(&format!(" ({named} and {more} more)")),
        }
        if !all.contains(&finding) {
            all.push(finding);
        }
    }
    all
}

/// The component that a pointer leads into, and what follows its name.
fn component(pointer: &str) -> Option<(String, &str)> {
    let rest = pointer.strip_prefix(SCHEMAS)?;
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((name.replace("~1", "/").replace("~0", "~"), rest))
}

/// The operation that a pointer leads into.
fn operation(pointer: &str) -> Option<String> {
    let mut steps = pointer.strip_prefix("#/paths/")?.split('/');
    let path = steps.next()?.replace("~1", "/").replace("~0", "~");
    let method = steps.next().filter(|it| walk::METHODS.contains(it))?;
    Some(format!("{} {path}", method.to_uppercase()))
}

/// The operations that need a component.
fn users(document: &Value, name: &str) -> Vec<String> {
    let mut users = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in walk::METHODS {
            let mut needed = std::collections::BTreeSet::new();
            references(document, &item[method], &mut needed);
            if needed.contains(name) {
                users.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    users
}
