//! An operation that can succeed in more than one way answers an enum that says which.
//!
//! ```yaml
//! # before                                  # after
//! responses:                                x-onkernel-answer: AcquireBrowserAnswer
//!   200: { content: { …: Browser } }        # and a component of that name, with
//!   204: { description: none is free }      x-onkernel-answers: [{ status: 200, name: Ok, … }, …]
//! ```

use heck::{ToSnakeCase, ToUpperCamelCase};
use serde_json::{Value, json};

use super::content::Content;
use super::{Finding, walk};

pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        let responses = operation["responses"].as_object().into_iter().flatten();
        let successes = responses.filter(|(status, _)| status.starts_with('2'));
        let answers: Vec<Value> =
            successes.map(|(status, response)| answer(status, response)).collect();
        if answers.len() < 2 {
            return;
        }
        let id = operation["operationId"].as_str().unwrap_or_default().to_upper_camel_case();
        let name = format!("{id}Answer");
        operation["x-onkernel-answer"] = json!(name);
        found.push((at.to_owned(), name, answers));
    });
    for (at, name, answers) in found {
        let mut properties = json!({});
        for answer in answers.iter().filter(|answer| answer["content"] == "json") {
            let variant = answer["name"].as_str().unwrap_or_default().to_snake_case();
            properties[variant] = answer["schema"].clone();
        }
        let schema = json!({
            "type": "object",
            "description": "What a successful call answers.",
            "properties": properties,
            "x-onkernel-answers": answers,
        });
        let schemas = &mut document["components"]["schemas"];
        if schemas.get(&name).is_some() {
            findings.push(Finding::new(
                format!("{at}/responses"),
                format!("the type of the answers would be called `{name}`, as a schema already is"),
                "rename the operation with `x-onkernel-name` in an overlay",
            ));
        } else {
            schemas[name] = schema;
        }
    }
    findings
}

fn answer(status: &str, response: &Value) -> Value {
    let media = response["content"].as_object().and_then(|content| content.iter().next());
    let content = media.and_then(|(name, media)| Content::of_answer(name, media));
    json!({
        "status": status,
        "name": reason(status),
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

/// A status in a word.
pub(crate) fn reason(status: &str) -> String {
    match status {
        "200" => "Ok",
        "201" => "Created",
        "202" => "Accepted",
        "203" => "NonAuthoritative",
        "204" => "NoContent",
        "205" => "ResetContent",
        "206" => "PartialContent",
        "400" => "BadRequest",
        "401" => "Unauthorized",
        "402" => "PaymentRequired",
        "403" => "Forbidden",
        "404" => "NotFound",
        "405" => "MethodNotAllowed",
        "408" => "RequestTimeout",
        "409" => "Conflict",
        "410" => "Gone",
        "412" => "PreconditionFailed",
        "413" => "PayloadTooLarge",
        "415" => "UnsupportedMediaType",
        "422" => "UnprocessableEntity",
        "423" => "Locked",
        "429" => "TooManyRequests",
        "500" => "InternalServerError",
        "501" => "NotImplemented",
        "502" => "BadGateway",
        "503" => "ServiceUnavailable",
        "504" => "GatewayTimeout",
        other => return format!("Status{}", other.to_upper_camel_case()),
    }
    .to_owned()
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
        assert_eq!(document["paths"]["/a"]["post"]["x-onkernel-answer"], "AcquireBrowserAnswer");
        let answer = &document["components"]["schemas"]["AcquireBrowserAnswer"];
        assert_eq!(answer["properties"], json!({ "ok": browser }));
        let names: Vec<_> =
            answer["x-onkernel-answers"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["Ok", "NoContent"]);
    }

    #[test]
    fn a_taken_name_is_reported() {
        let responses = json!({ "200": {}, "204": {} });
        let mut document = json!({
            "paths": { "/a": { "post": { "operationId": "x", "responses": responses } } },
            "components": { "schemas": { "XAnswer": {} } }
        });
        assert_eq!(apply(&mut document).len(), 1);
    }
}
