//! Names every place that no rule knows how to lower, all at once, before anything is generated:
//! an operation is never dropped in silence and a type never becomes less than it was.

use serde_json::Value;

use super::{Finding, walk};

const LEAVE_OUT: &str = "leave the operation out with `x-onkernel-omit` in an overlay";

pub(super) fn check(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk::schemas(document, &mut |at, it| schema(at, it, &mut findings));
    walk::operations(document, &mut |at, path, method, it| {
        operation(at, path, method, it, &mut findings);
    });
    findings
}

fn schema(at: &str, it: &Value, findings: &mut Vec<Finding>) {
    let mut report = |message: String| findings.push(Finding::new(at, message, LEAVE_OUT));
    match it {
        Value::Object(_) => {}
        Value::Bool(false) => return report("a schema that allows nothing".to_owned()),
        other => return report(format!("{} where a schema is expected", kind(other))),
    }
    if it["type"].is_array() {
        report("a value of more than one type".to_owned());
    }
    for key in ["oneOf", "anyOf", "not", "if", "patternProperties", "prefixItems", "$dynamicRef"] {
        if it.get(key).is_some() {
            report(format!("a schema with `{key}`"));
        }
    }
    if let Some(values) = it.get("enum") {
        let strings = values
            .as_array()
            .is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_string));
        if !strings {
            report("an `enum` of anything but strings".to_owned());
        }
    }
    if it["type"] == "array" && it.get("items").is_none() {
        report("an array that does not say of what".to_owned());
    }
    let extended = it.get("additionalProperties").is_some_and(|inner| inner.is_object());
    if extended && it["properties"].as_object().is_some_and(|properties| !properties.is_empty()) {
        report("`properties` beside a schema for further properties".to_owned());
    }
}

fn operation(at: &str, path: &str, method: &str, it: &Value, findings: &mut Vec<Finding>) {
    let mut report = |at: String, message: String| {
        findings.push(Finding::new(
            at,
            format!("{message} ({method} {path})", method = method.to_uppercase()),
            LEAVE_OUT,
        ));
    };
    for (index, parameter) in it["parameters"].as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}/parameters/{index}");
        if !matches!(parameter["in"].as_str(), Some("path" | "query" | "header")) {
            report(at.clone(), format!("a parameter in {}", parameter["in"]));
        }
        if parameter.get("schema").is_none() {
            report(at.clone(), "a parameter without a schema".to_owned());
        }
        if parameter["style"] == "deepObject" {
            report(at.clone(), "a query parameter in the style `deepObject`".to_owned());
        }
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["in"] == "path" && !path.contains(&format!("{{{name}}}")) {
            report(at, format!("a path parameter `{name}` that the path does not name"));
        }
    }
    for name in placeholders(path) {
        let declared = it["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["in"] == "path" && parameter["name"] == name);
        if !declared {
            report(at.to_owned(), format!("no parameter declares `{{{name}}}`"));
        }
    }
    if let Some(content) = it["requestBody"]["content"].as_object() {
        only_json(&format!("{at}/requestBody/content"), content, "a request body", &mut report);
    }
    let responses = it["responses"].as_object();
    let mut bodies = Vec::new();
    for (status, response) in responses.into_iter().flatten() {
        if !status.starts_with('2') {
            continue;
        }
        let at = format!("{at}/responses/{status}");
        let content = response["content"].as_object();
        if let Some(content) = content {
            only_json(&format!("{at}/content"), content, "an answer", &mut report);
        }
        bodies.push(content.and_then(|content| content.values().next()).map(|it| &it["schema"]));
    }
    bodies.dedup();
    match bodies.len() {
        0 => report(format!("{at}/responses"), "no successful response".to_owned()),
        1 => {}
        _ => report(format!("{at}/responses"), "successful answers of different shapes".to_owned()),
    }
}

/// The names in braces of a path.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn only_json(
    at: &str,
    content: &serde_json::Map<String, Value>,
    what: &str,
    report: &mut dyn FnMut(String, String),
) {
    for name in content.keys() {
        if !is_json(name) {
            report(format!("{at}/{}", walk::escape(name)), format!("{what} of type {name}"));
        }
    }
    if content.len() > 1 {
        report(at.to_owned(), format!("{what} of more than one type"));
    }
}

fn is_json(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default().trim();
    name == "application/json" || name.ends_with("+json")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(operation: Value) -> Vec<String> {
        let mut document = json!({ "paths": { "/a/{id}": { "post": operation } } });
        check(&mut document)
            .into_iter()
            .map(|it| format!("{} at {}", it.message, it.pointer))
            .collect()
    }

    #[test]
    fn every_place_is_named_at_once() {
        assert_eq!(
            messages(json!({
                "parameters": [
                    { "name": "id", "in": "path", "schema": { "not": {} } },
                    { "name": "c", "in": "cookie", "schema": { "type": "string" } }
                ],
                "requestBody": { "content": { "multipart/form-data": { "schema": {} } } },
                "responses": {
                    "200": { "content": { "application/json": { "schema": { "enum": [1] } } } },
                    "204": { "description": "" }
                }
            })),
            [
                "a schema with `not` at #/paths/~1a~1{id}/post/parameters/0/schema",
                "an `enum` of anything but strings at \
                 #/paths/~1a~1{id}/post/responses/200/content/application~1json/schema",
                "a parameter in \"cookie\" (POST /a/{id}) at #/paths/~1a~1{id}/post/parameters/1",
                "a request body of type multipart/form-data (POST /a/{id}) at \
                 #/paths/~1a~1{id}/post/requestBody/content/multipart~1form-data",
                "successful answers of different shapes (POST /a/{id}) at \
                 #/paths/~1a~1{id}/post/responses",
            ]
        );
    }

    #[test]
    fn a_placeholder_needs_a_parameter() {
        assert_eq!(
            messages(json!({ "responses": { "204": { "description": "" } } })),
            ["no parameter declares `{id}` (POST /a/{id}) at #/paths/~1a~1{id}/post"]
        );
    }
}
