//! What a form says of its parts is written on the properties, and files are kept where only a form
//! of parts can carry them.
//!
//! ```yaml
//! # before                                    # after
//! multipart/form-data:                        Deployment:
//!   schema: { $ref: Deployment }                properties:
//!   encoding:                                     source: { …, x-onkernel-part: application/json }
//!     source: { contentType: application/json }
//! application/json: { schema: Letter }         Letter:
//! # of { file: { format: binary } }               properties: { file: { type: string } }
//! application/x-www-form-urlencoded:          Search:
//!   schema: { $ref: Search }                    properties:
//!   encoding: { tags: { style: deepObject } }     tags: { …, x-onkernel-encoding: { style: … } }
//! ```

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::lower::checks::unused::references;
use crate::lower::finding::Finding;
use crate::openapi::{Content, Holders, is_json, reference, walk};

pub(super) fn apply(document: &mut Value) -> Vec<Finding> {
    strings(document);
    let files = Holders::of(document, "binary");
    let mut findings = Vec::new();
    let mut parts = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        let content = operation["requestBody"]["content"].as_object();
        for (name, media) in content.into_iter().flatten() {
            let at = format!("{at}/requestBody/content/{}", walk::escape(name));
            let component = reference(&media["schema"]);
            let content = Content::of_request(name, media);
            let is_form = matches!(content, Some(Content::Multipart | Content::UrlEncoded));
            match component {
                Some(component) if is_form => {
                    parts.push((component.to_owned(), media["encoding"].clone()));
                }
                None if is_form => findings.push(Finding::new(
                    &at,
                    "a form that is not an object with properties",
                    "describe its parts as properties, in an overlay",
                )),
                _ => {}
            }
            let (text, help) = match content {
                Some(Content::Json) => (
                    "JSON, which a form of parts has too",
                    "describe the JSON by a schema of its own, without `format: binary`",
                ),
                Some(Content::UrlEncoded) => (
                    "a form of names and strings",
                    "send it as `multipart/form-data`, or say `contentEncoding` instead of \
                     `format: binary`",
                ),
                _ => continue,
            };
            if files.hold(&media["schema"]) {
                findings.push(Finding::new(at, format!("a file in {text}"), help));
            }
        }
    });
    for (component, encoding) in parts {
        let properties = &mut document["components"]["schemas"][component]["properties"];
        for (name, encoding) in encoding.as_object().into_iter().flatten() {
            let Some(property) = properties.get_mut(name) else { continue };
            if let Some(media_type) = encoding["contentType"].as_str().filter(|it| is_json(it)) {
                property["x-onkernel-part"] = json!(media_type);
            }
            if encoding.get("style").is_some() || encoding.get("explode").is_some() {
                property["x-onkernel-encoding"] = encoding.clone();
            }
        }
    }
    findings
}

/// Where nothing but JSON can carry a file it is a string, whatever its encoding. A schema that a form
/// carries as well cannot be both, and is reported.
fn strings(document: &mut Value) {
    let source = document.clone();
    let (mut as_json, mut in_forms) = (BTreeSet::new(), BTreeSet::new());
    let mut media = |content: &mut Value, read: fn(&str, &Value) -> Option<Content>| {
        for (name, media) in content.as_object_mut().into_iter().flatten() {
            match read(name, media) {
                Some(Content::Json | Content::Events) => {
                    references(&source, media, &mut as_json);
                    if let Some(schema) = media.get_mut("schema") {
                        walk::schema("", schema, &mut |_, it| string(it));
                    }
                }
                Some(_) => references(&source, media, &mut in_forms),
                None => {}
            }
        }
    };
    walk::operations(document, &mut |_, _, _, operation| {
        if let Some(content) = operation.pointer_mut("/requestBody/content") {
            media(content, Content::of_request);
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (_, response) in responses.into_iter().flatten() {
            if let Some(content) = response.get_mut("content") {
                media(content, Content::of_response);
            }
        }
    });
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        if as_json.contains(name) && !in_forms.contains(name) {
            walk::schema("", schema, &mut |_, it| string(it));
        }
    }
}

fn string(schema: &mut Value) {
    if schema["format"] == "binary"
        && let Some(it) = schema.as_object_mut()
    {
        it.remove("format");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(media_type: &str, media: Value) -> Value {
        json!({
            "paths": { "/a": { "post": { "requestBody": { "content": { media_type: media } } } } },
            "components": { "schemas": {
                "Upload": { "properties": {
                    "file": { "type": "string", "format": "binary" },
                    "source": { "$ref": "#/components/schemas/Source" }
                } },
                "Source": {}
            } }
        })
    }

    #[test]
    fn the_encoding_of_a_part_is_said_by_its_property() {
        let schema = json!({ "$ref": "#/components/schemas/Upload" });
        let encoding = json!({ "source": { "contentType": "application/json" } });
        let mut document =
            document("multipart/form-data", json!({ "schema": schema, "encoding": encoding }));
        assert!(apply(&mut document).is_empty());
        let properties = &document["components"]["schemas"]["Upload"]["properties"];
        assert_eq!(properties["source"]["x-onkernel-part"], "application/json");
    }

    #[test]
    fn a_file_in_json_is_a_string_unless_a_form_carries_it_too() {
        let schema = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Upload" } });
        let mut alone = document("application/json", json!({ "schema": schema }));
        let mut both = alone.clone();
        assert!(apply(&mut alone).is_empty());
        let file = alone.pointer("/components/schemas/Upload/properties/file").unwrap();
        assert_eq!(*file, json!({ "type": "string" }));
        let form = json!({ "schema": { "$ref": "#/components/schemas/Upload" } });
        both["paths"]["/b"]["post"]["requestBody"]["content"]["multipart/form-data"] = form;
        assert_eq!(apply(&mut both)[0].message, "a file in JSON, which a form of parts has too");
    }
}
