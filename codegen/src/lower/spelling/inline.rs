//! References to parameters, headers, bodies, responses and path items are replaced by what they
//! name, and a path's own parameters move into its operations. References to schemas stay: they
//! become named types.
//!
//! ```yaml
//! # before                                       # after
//! responses: { '404': { $ref: '#/…/NotFound' } }  responses: { '404': { description: … } }
//! ```

use serde_json::Value;

use crate::lower::finding::Finding;
use crate::openapi::walk::{METHODS, escape};

pub(in crate::lower) fn apply(document: &mut Value) -> Vec<Finding> {
    let source = document.clone();
    let mut findings = Vec::new();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return findings;
    };
    for (path, item) in paths {
        let at = format!("#/paths/{}", escape(path));
        resolve(&source, &at, item, &mut findings);
        let mut shared = item.get("parameters").and_then(Value::as_array).cloned();
        for (index, parameter) in shared.iter_mut().flatten().enumerate() {
            resolve(&source, &format!("{at}/parameters/{index}"), parameter, &mut findings);
        }
        if let Some(item) = item.as_object_mut() {
            item.remove("parameters");
        }
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else {
                continue;
            };
            let at = format!("{at}/{method}");
            let mut own = match operation.remove("parameters") {
                Some(Value::Array(own)) => own,
                // Not for this rule to report.
                Some(other) => {
                    operation.insert("parameters".to_owned(), other);
                    continue;
                }
                None => Vec::new(),
            };
            for (index, parameter) in own.iter_mut().enumerate() {
                resolve(&source, &format!("{at}/parameters/{index}"), parameter, &mut findings);
            }
            let key = |it: &Value| (it["name"].clone(), it["in"].clone());
            let mut parameters: Vec<Value> = shared
                .iter()
                .flatten()
                .filter(|it| !own.iter().any(|own| key(own) == key(it)))
                .cloned()
                .collect();
            parameters.append(&mut own);
            if !parameters.is_empty() {
                operation.insert("parameters".to_owned(), Value::Array(parameters));
            }
            if let Some(body) = operation.get_mut("requestBody") {
                resolve(&source, &format!("{at}/requestBody"), body, &mut findings);
            }
            let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                let at = format!("{at}/responses/{}", escape(status));
                resolve(&source, &at, response, &mut findings);
                let headers = response.get_mut("headers").and_then(Value::as_object_mut);
                for (name, header) in headers.into_iter().flatten() {
                    let at = format!("{at}/headers/{}", escape(name));
                    resolve(&source, &at, header, &mut findings);
                }
            }
        }
    }
    findings
}

/// Follows `$ref` until it ends. Loading has made sure that every one of them leads somewhere;
/// this is also reached through overlays, so it says so again instead of trusting it.
fn resolve(source: &Value, at: &str, value: &mut Value, findings: &mut Vec<Finding>) {
    for _ in 0..16 {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return };
        let target = reference.strip_prefix('#').and_then(|pointer| source.pointer(pointer));
        let Some(target) = target.cloned() else {
            findings.push(Finding::new(
                at,
                format!("`$ref: {reference}` leads nowhere"),
                "correct the reference or add what it names",
            ));
            return;
        };
        *value = target;
    }
    findings.push(Finding::new(
        at,
        "a chain of more than 16 references",
        "refer to the thing itself",
    ));
}
