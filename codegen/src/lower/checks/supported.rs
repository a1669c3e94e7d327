//! Names every place that no rule knows how to lower, all at once, before anything is generated:
//! an operation is never dropped in silence and a type never becomes less than it was. What is no
//! schema and no operation at all is replaced by an empty one, so that later rules can go on.

use serde_json::{Value, json};

use crate::lower::finding::Finding;
use crate::openapi::{Content, walk};

const LEAVE_OUT: &str = "leave the operation out with `x-onkernel-omit` in an overlay";

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

pub(in crate::lower) fn check(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk::schemas(document, &mut |at, it| {
        schema(at, it, &mut findings);
        if !it.is_object() {
            *it = json!({});
        }
    });
    walk::operations(document, &mut |at, path, _, it| {
        if it.is_object() {
            return operation(at, path, it, &mut findings);
        }
        let message = format!("{} where an operation is expected", kind(it));
        findings.push(Finding::new(at, message, "describe it, or remove it in an overlay"));
        *it = json!({});
    });
    for key in ["/components", "/components/schemas"] {
        if let Some(it) = document.pointer_mut(key).filter(|it| !it.is_object()) {
            let message = format!("{} where `{}` are expected", kind(it), &key[1..]);
            findings.push(Finding::new(format!("#{key}"), message, "name them, or remove it"));
            *it = json!({});
        }
    }
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
    if let Some(name) = it["type"].as_str().filter(|name| !TYPES.contains(name)) {
        let message = format!("`{name}`, which is no type");
        let help = format!("say one of {}", TYPES.join(", "));
        findings.push(Finding::new(at, message, help));
    }
    let mut report = |message: String| findings.push(Finding::new(at, message, LEAVE_OUT));
    for key in ["not", "if", "$dynamicRef"] {
        if it.get(key).is_some() {
            report(format!("a schema with `{key}`"));
        }
    }
    for key in ["oneOf", "anyOf"] {
        match it.get(key).map(|members| members.as_array().map(Vec::as_slice)) {
            None => {}
            Some(None | Some([])) => report(format!("`{key}` without members")),
            Some(_) if it.get("properties").is_some() || it.get("allOf").is_some() => {
                report(format!("`{key}` beside `properties` or `allOf`, among other choices"));
            }
            Some(_) => {}
        }
    }
    if it.get("oneOf").is_some() && it.get("anyOf").is_some() {
        report("`oneOf` beside `anyOf`".to_owned());
    }
    let Some(values) = it.get("enum") else { return };
    let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
        return report("an `enum` without values".to_owned());
    };
    // The rules have read every value as one of the type that can be.
    let fits = |value: &&Value| match it["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer" | "number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(_) => false,
        None => value.is_string() || values.iter().all(Value::is_number) || value.is_boolean(),
    };
    if let Some(odd) = values.iter().find(|value| !fits(value)) {
        let message = format!("an `enum` with {odd}, which is not {}", wanted(&it["type"]));
        let help = match odd {
            Value::Number(_) | Value::Bool(_) => "write the value in quotes",
            _ => LEAVE_OUT,
        };
        findings.push(Finding::new(at, message, help));
    }
}

fn wanted(name: &Value) -> String {
    match name.as_str() {
        Some(name) => format!("of the type `{name}`"),
        None => "a string, a number or a boolean".to_owned(),
    }
}

fn operation(at: &str, path: &str, it: &Value, findings: &mut Vec<Finding>) {
    let mut report = |at: String, message: String| {
        findings.push(Finding::new(at, message, LEAVE_OUT));
    };
    for (index, parameter) in it["parameters"].as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}/parameters/{index}");
        if !matches!(parameter["in"].as_str(), Some("path" | "query" | "header")) {
            report(at.clone(), format!("a parameter in {}", parameter["in"]));
        }
        if parameter.get("schema").is_none() {
            report(at.clone(), "a parameter without a schema".to_owned());
        }
        if let Some(message) = style(parameter) {
            report(at.clone(), message);
        }
        let name = parameter["name"].as_str().unwrap_or_default();
        let mut before = it["parameters"].as_array().into_iter().flatten().take(index);
        if before.any(|it| it["name"] == name && it["in"] == parameter["in"]) {
            report(
                at.clone(),
                format!(
                    "a second {} parameter `{name}`",
                    parameter["in"].as_str().unwrap_or_default()
                ),
            );
        }
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
        let at = format!("{at}/requestBody/content");
        only_known(&at, content, "a request body", Content::of_request, &mut report);
    }
    let is_empty = |content: Option<&serde_json::Map<_, _>>| content.is_none_or(|it| it.is_empty());
    if it.get("requestBody").is_some_and(|body| is_empty(body["content"].as_object())) {
        report(format!("{at}/requestBody"), "a request body without `content`".to_owned());
    }
    let responses = it["responses"].as_object();
    let mut successes = 0;
    for (status, response) in responses.into_iter().flatten() {
        if !status.starts_with('2') {
            continue;
        }
        successes += 1;
        if let Some(content) = response["content"].as_object() {
            let at = format!("{at}/responses/{status}/content");
            only_known(&at, content, "a response", Content::of_response, &mut report);
        }
    }
    if successes == 0 {
        report(format!("{at}/responses"), "no successful response".to_owned());
    }
}

/// What is wrong with how a parameter is written.
fn style(parameter: &Value) -> Option<String> {
    let in_query = parameter["in"] == "query";
    if !in_query && parameter["explode"] == true && parameter["schema"]["type"] == "object" {
        return Some("an exploded object in the path or in a header".to_owned());
    }
    let style = parameter["style"].as_str()?;
    let known = match in_query {
        true => ["form", "spaceDelimited", "pipeDelimited", "deepObject", "json"].contains(&style),
        false => ["simple", "json"].contains(&style),
    };
    (!known).then(|| format!("a parameter in the style `{style}`"))
}

/// The names in braces of a path.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn only_known(
    at: &str,
    content: &serde_json::Map<String, Value>,
    what: &str,
    read: fn(&str, &Value) -> Option<Content>,
    report: &mut dyn FnMut(String, String),
) {
    for (name, media) in content {
        if read(name, media).is_none() {
            report(format!("{at}/{}", walk::escape(name)), format!("{what} of type {name}"));
        }
    }
    if content.len() > 1 {
        report(at.to_owned(), format!("{what} of more than one type"));
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
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
                "requestBody": { "content": { "application/xml": { "schema": { "type": "object" } } } },
                "responses": {
                    "200": { "content": { "application/json": { "schema": { "enum": [{}, "a"] } } } },
                    "204": { "description": "" }
                }
            })),
            [
                "a schema with `not` at #/paths/~1a~1{id}/post/parameters/0/schema",
                "an `enum` with {}, which is not a string, a number or a boolean at \
                 #/paths/~1a~1{id}/post/responses/200/content/application~1json/schema",
                "a parameter in \"cookie\" at #/paths/~1a~1{id}/post/parameters/1",
                "a request body of type application/xml at \
                 #/paths/~1a~1{id}/post/requestBody/content/application~1xml",
            ]
        );
    }

    #[test]
    fn what_is_no_operation_and_no_schema_is_named() {
        let mut document = json!({
            "paths": { "/a": { "get": "operation", "put": {
                "requestBody": { "content": { "application/json": { "schema": 7 } } },
                "responses": { "204": {} }
            } } },
            "components": []
        });
        let findings = check(&mut document).into_iter().map(|it| it.message);
        assert_eq!(
            findings.collect::<Vec<_>>(),
            [
                "a number where a schema is expected",
                "a string where an operation is expected",
                "a list where `components` are expected"
            ]
        );
        // Found by fuzzing: later rules wrote into the string.
        assert!(crate::lower::lower(json!({ "paths": { "/a": { "get": "operation" } } })).is_err());
    }

    #[test]
    fn a_placeholder_needs_a_parameter() {
        assert_eq!(
            messages(json!({ "responses": { "204": { "description": "" } } })),
            ["no parameter declares `{id}` at #/paths/~1a~1{id}/post"]
        );
    }
}
