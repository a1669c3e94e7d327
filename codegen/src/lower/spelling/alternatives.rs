//! An operation that takes or returns values of more than one media type is one method for each.
//!
//! ```yaml
//! # before                              # after
//! /scans:                               /scans:
//!   post:                                 post:
//!     requestBody: { content: {             requestBody: { content: { application/json: … } }
//!       application/json: …,            /scans#form:
//!       multipart/form-data: … } }        post:
//!                                           requestBody: { content: { multipart/form-data: … } }
//!                                           x-onkernel-variant: form
//! ```
//!
//! The one of JSON has the plain name. A type that no rule knows is left out where another says the
//! same, and so is JSON of the same schema under another name.

use serde_json::{Map, Value, json};

use heck::ToSnakeCase;

use crate::openapi::{Content, walk};

pub(in crate::lower) fn apply(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    let mut more: Vec<(String, Value)> = Vec::new();
    for (path, item) in paths.iter_mut() {
        for method in walk::METHODS {
            let Some(operation) = item.get_mut(method).filter(|it| it.is_object()) else {
                continue;
            };
            let mut all = variants(operation).into_iter();
            let Some((_, first)) = all.next() else { continue };
            *operation = first;
            for (suffix, mut variant) in all {
                variant["x-onkernel-variant"] = json!(suffix);
                let key = format!("{path}#{suffix}");
                match more.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, item)) => item[method] = variant,
                    None => more.push((key, json!({ method: variant }))),
                }
            }
        }
    }
    paths.extend(more);
}

/// The operation with one media type each way, once for each choice; the plain one first.
fn variants(operation: &Value) -> Vec<(String, Value)> {
    let body = operation["requestBody"]["content"].as_object();
    let bodies = body.map(|content| choices(content, Content::of_request)).unwrap_or_default();
    let statuses: Vec<String> = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .map(|(status, _)| status.clone())
        .collect();
    let content = |status: &String| operation["responses"][status]["content"].as_object();
    let of = |status: &String| content(status).map(|it| choices(it, Content::of_response));
    // What some of the successes can be, each as far as it can.
    let mut words: Vec<String> = vec![String::new()];
    for (word, _) in statuses.iter().filter_map(of).flatten() {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let mut all = Vec::new();
    let plain = vec![(String::new(), String::new())];
    for (of_body, media) in if bodies.is_empty() { &plain } else { &bodies } {
        for of_response in &words {
            let mut variant = operation.clone();
            keep(&mut variant["requestBody"], media);
            for status in &statuses {
                let choices = of(status).unwrap_or_default();
                let chosen =
                    choices.iter().find(|(word, _)| word == of_response).or(choices.first());
                if let Some((_, media)) = chosen {
                    keep(&mut variant["responses"][status.as_str()], media);
                }
            }
            if operation.get("requestBody").is_none()
                && let Some(variant) = variant.as_object_mut()
            {
                variant.remove("requestBody");
            }
            let words = [of_body.as_str(), of_response.as_str()];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            all.push((words.join("_"), variant));
        }
    }
    all
}

/// Leaves one media type.
fn keep(holder: &mut Value, media: &str) {
    let content = holder.get_mut("content").and_then(Value::as_object_mut);
    if let Some(content) = content.filter(|content| content.contains_key(media)) {
        content.retain(|name, _| name == media);
    }
}

/// The media types to choose between, each with the word that tells it from the first, which needs
/// none. Nothing where there is no choice.
fn choices(
    content: &Map<String, Value>,
    read: fn(&str, &Value) -> Option<Content>,
) -> Vec<(String, String)> {
    if content.len() < 2 {
        return Vec::new();
    }
    let known = content.iter().filter_map(|(name, media)| Some((name, media, read(name, media)?)));
    let mut kept: Vec<(&String, &Value, Content)> = Vec::new();
    for (name, media, kind) in known {
        let same = |it: &(&String, &Value, Content)| {
            it.2 == kind && (kind == Content::Bytes || it.1.get("schema") == media.get("schema"))
        };
        if !kept.iter().any(same) {
            kept.push((name, media, kind));
        }
    }
    kept.sort_by_key(|(name, _, kind)| (*kind != Content::Json, *name != "application/json"));
    let mut words: Vec<(String, String)> = Vec::new();
    for (name, _, kind) in &kept {
        let alone = kept.iter().filter(|it| it.2 == *kind).count() == 1;
        let word = match kind {
            _ if words.is_empty() => String::new(),
            Content::Multipart => "form".to_owned(),
            Content::UrlEncoded => "url_encoded".to_owned(),
            Content::Events => "events".to_owned(),
            Content::Bytes if alone => "bytes".to_owned(),
            Content::Json | Content::Bytes => name.to_snake_case(),
        };
        words.push((word, (*name).clone()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(name: &str) -> Value {
        json!({ "schema": { "type": "object", "title": name } })
    }

    fn after(operation: Value) -> Vec<(String, Value)> {
        let mut document = json!({ "paths": { "/a": { "post": operation } } });
        apply(&mut document);
        let paths = document["paths"].as_object().unwrap();
        paths.iter().map(|(path, item)| (path.clone(), item["post"].clone())).collect()
    }

    fn keys(value: &Value) -> Vec<&String> {
        value["content"].as_object().unwrap().keys().collect()
    }

    #[test]
    fn each_media_type_is_a_method_and_json_the_plain_one() {
        let bodies = json!({ "multipart/form-data": json_of("f"), "application/xml": json_of("x"), "application/json": json_of("j") });
        let all =
            after(json!({ "requestBody": { "content": bodies }, "responses": { "204": {} } }));
        let found: Vec<_> =
            all.iter().map(|(path, it)| (path.as_str(), keys(&it["requestBody"]))).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], ("/a", vec![&"application/json".to_owned()]));
        assert_eq!(found[1], ("/a#form", vec![&"multipart/form-data".to_owned()]));
        assert_eq!(all[1].1["x-onkernel-variant"], "form");
    }

    #[test]
    fn a_response_of_json_or_events_is_two_methods() {
        let content = json!({ "text/event-stream": json_of("e"), "application/json": json_of("j"), "application/problem+json": json_of("j") });
        let all = after(json!({ "responses": {
            "200": { "content": content }, "202": { "content": { "application/json": json_of("k") } }, "204": {}
        } }));
        let found: Vec<_> =
            all.iter().map(|(path, it)| (path.as_str(), keys(&it["responses"]["200"]))).collect();
        assert_eq!(found[0], ("/a", vec![&"application/json".to_owned()]));
        assert_eq!(found[1], ("/a#events", vec![&"text/event-stream".to_owned()]));
        assert_eq!(found.len(), 2);
        assert!(all[0].1.get("requestBody").is_none());
        assert_eq!(keys(&all[1].1["responses"]["202"]), ["application/json"]);
    }

    #[test]
    fn one_media_type_and_unknown_ones_stay() {
        for content in [
            json!({ "application/json": {} }),
            json!({ "application/xml": json_of("a"), "application/yaml": json_of("b") }),
        ] {
            let operation = json!({ "requestBody": { "content": content }, "responses": {} });
            assert_eq!(after(operation.clone()), [("/a".to_owned(), operation)]);
        }
    }
}
