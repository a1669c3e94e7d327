//! An operation that can succeed in more than one way returns an enum that says which.
//!
//! ```yaml
//! # before                                  # after
//! responses:                                x-onkernel-success: AcquireBrowserResponse
//!   200: { content: { …: Browser } }        # and a component of that name, with
//!   204: { description: none is free }      x-onkernel-successes: [{ status: 200, name: Value, … }, …]
//! ```

use heck::{ToSnakeCase, ToUpperCamelCase};
use serde_json::{Value, json};

use crate::lower::finding::Finding;
use crate::openapi::{self, Content, walk};

pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        let responses = operation["responses"].as_object().into_iter().flatten();
        let successes = responses.filter(|(status, _)| status.starts_with('2'));
        let successes: Vec<Value> =
            successes.map(|(status, response)| success(status, response)).collect();
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
        for success in successes.iter().filter(|success| success["content"] == "json") {
            let variant = success["name"].as_str().unwrap_or_default().to_snake_case();
            properties[variant] = success["schema"].clone();
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

fn success(status: &str, response: &Value) -> Value {
    let media = response["content"].as_object().and_then(|content| content.iter().next());
    let content = media.and_then(|(name, media)| Content::of_response(name, media));
    json!({
        "status": status,
        "name": openapi::success(status, content),
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
        assert_eq!(success["properties"], json!({ "value": browser }));
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
