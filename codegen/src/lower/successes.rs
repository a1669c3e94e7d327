//! An operation that can succeed in more than one way returns an enum that says which.
//!
//! ```yaml
//! # before                                  # after
//! responses:                                x-onkernel-success: AcquireBrowserResponse
//!   200: { content: { …: Browser } }        # and a component of that name, with
//!   204: { description: none is free }      x-onkernel-successes: [{ status: 200, name: Value, … }, …]
//! ```

use heck::ToUpperCamelCase;
use serde_json::{Value, json};

use crate::lower::finding::Finding;
use crate::lower::naming::members::NAME;
use crate::lower::naming::spell;
use crate::openapi::{self, Content, walk};

pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        let successes = responses.into_iter().flatten().filter(|(it, _)| it.starts_with('2'));
        let mut successes: Vec<(&String, &mut Value)> = successes.collect();
        let names: Vec<String> = successes.iter().map(|(status, it)| name_of(status, it)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let names = spell::distinct(&names, ToOwned::to_owned, &[]);
        for ((_, response), name) in successes.iter_mut().zip(names) {
            response[NAME] = json!(name);
        }
        let successes: Vec<Value> =
            successes.iter().map(|(status, response)| success(status, response)).collect();
        if successes.len() < 2 {
            return;
        }
        let id = operation["operationId"].as_str().unwrap_or_default().to_upper_camel_case();
        let name = format!("{id}Response");
        operation["x-onkernel-success"] = json!(name);
        found.push((at.to_owned(), name, successes));
    });
    for (at, name, successes) in found {
        let mut properties = json!({});
        for (index, success) in successes.iter().enumerate() {
            if success["content"] == "json" || success["content"] == "events" {
                properties[property(index)] = success["schema"].clone();
            }
        }
        let schema = json!({
            "type": "object",
            "description": "What a successful call returns.",
            "properties": properties,
            "x-onkernel-successes": successes,
        });
        let schemas = &mut document["components"]["schemas"];
        if schemas.get(&name).is_some() {
            findings.push(Finding::new(
                format!("{at}/responses"),
                format!(
                    "the type of the responses would be called `{name}`, as a schema already is"
                ),
                "rename the operation with `x-onkernel-method` in an overlay",
            ));
        } else {
            schemas[name] = schema;
        }
    }
    findings
}

/// The property under which the generator is shown the type of a success, by its place among them.
pub(crate) fn property(index: usize) -> String {
    format!("success{index}")
}

/// What a success is called if no other is.
fn name_of(status: &str, response: &Value) -> String {
    openapi::success(status, content(response))
}

fn media(response: &Value) -> Option<(&String, &Value)> {
    response["content"].as_object()?.iter().next()
}

fn content(response: &Value) -> Option<Content> {
    media(response).and_then(|(name, media)| Content::of_response(name, media))
}

fn success(status: &str, response: &Value) -> Value {
    let (media, content) = (media(response), content(response));
    json!({
        "status": status,
        "name": response[NAME],
        "description": response["description"],
        "content": match content {
            None | Some(Content::Multipart | Content::UrlEncoded) => "empty",
            Some(Content::Json) => "json",
            Some(Content::Events) => "events",
            Some(Content::Bytes) => "bytes",
        },
        "schema": media.map(|(_, media)| media["schema"].clone()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_succeed_become_two_variants() {
        let browser = json!({ "$ref": "#/components/schemas/Browser" });
        let mut document = json!({
            "paths": { "/a": { "post": { "operationId": "acquire_browser", "responses": {
                "200": { "content": { "application/json": { "schema": browser } }, "description": "one" },
                "204": { "description": "none" },
                "404": { "description": "no pool" }
            } } } },
            "components": { "schemas": {} }
        });
        assert!(apply(&mut document).is_empty());
        assert_eq!(document["paths"]["/a"]["post"]["x-onkernel-success"], "AcquireBrowserResponse");
        let success = &document["components"]["schemas"]["AcquireBrowserResponse"];
        assert_eq!(success["properties"], json!({ "success0": browser }));
        let names: Vec<_> = success["x-onkernel-successes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["name"])
            .collect();
        assert_eq!(names, ["Value", "NoContent"]);
    }

    #[test]
    fn a_taken_name_is_reported() {
        let responses = json!({ "200": {}, "204": {} });
        let mut document = json!({
            "paths": { "/a": { "post": { "operationId": "x", "responses": responses } } },
            "components": { "schemas": { "XResponse": {} } }
        });
        assert_eq!(apply(&mut document).len(), 1);
    }
}
