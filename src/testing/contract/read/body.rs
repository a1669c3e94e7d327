//! The body, by its media type.

use serde_json::{Map, Value};

use super::form;
use super::text::{json, named, typed};
use crate::testing::contract::check::check;
use crate::testing::contract::document::{self, Contract, Style};
use crate::testing::request::{Request, pairs, text_of};
use crate::testing::response::Rejection;

pub(super) fn read(
    contract: &Contract,
    body: &document::Body,
    request: &Request,
    wrong: &mut Vec<String>,
) -> Result<Option<Value>, Rejection> {
    let sent = request.media_type();
    if sent.is_none() && request.body.is_empty() {
        if body.required {
            wrong.push("the body is missing".to_owned());
        }
        return Ok(None);
    }
    let wanted = essence(&body.media_type);
    if !sent.is_some_and(|sent| sent.eq_ignore_ascii_case(wanted)) {
        return Err(Rejection::media_type(wanted));
    }
    let value = match wanted {
        "multipart/form-data" => match form::read(contract, &body.schema, request) {
            Ok(value) => value,
            Err(problem) => {
                wrong.push(problem);
                return Ok(None);
            }
        },
        "application/x-www-form-urlencoded" => url_encoded(contract, body, request, wrong),
        it if it == "application/json" || it.ends_with("+json") => {
            match serde_json::from_slice(&request.body) {
                Ok(value) => value,
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    wrong.push(format!("the body is not JSON (line {line}, column {column})"));
                    return Ok(None);
                }
            }
        }
        // Bytes, which mean nothing here.
        _ => return Ok(Some(Value::from(String::from_utf8_lossy(&request.body)))),
    };
    wrong.extend(check(contract, &body.schema, &value, ""));
    Ok(Some(value))
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The value that a form of names and texts means.
fn url_encoded(
    contract: &Contract,
    body: &document::Body,
    request: &Request,
    wrong: &mut Vec<String>,
) -> Value {
    let pairs = pairs(&String::from_utf8_lossy(&request.body));
    let schema = contract.resolve(&body.schema);
    let plain = Style::default();
    let mut whole = Map::new();
    let mut known = Vec::new();
    for (name, property) in &schema.properties {
        let target = contract.resolve(property);
        let deep = format!("{name}[");
        known.extend(pairs.iter().filter(|(it, _)| it == name || it.starts_with(&deep)));
        let value = match &property.encoding {
            // Without a word on it, an object is one JSON text.
            None if target.is_object() => {
                Ok(pairs.iter().find(|(it, _)| it == name).map(|(_, text)| json(&text_of(text))))
            }
            style => named(contract, name, property, style.as_ref().unwrap_or(&plain), &pairs),
        };
        match value {
            Ok(value) => whole.extend(value.map(|value| (name.clone(), value))),
            Err(problem) => wrong.push(problem),
        }
    }
    for (name, text) in pairs.iter().filter(|pair| !known.contains(pair)) {
        let text = text_of(text);
        let value = schema.rest.as_deref().map(|it| typed(contract, it, &text));
        whole.insert(name.clone(), value.unwrap_or_else(|| Value::from(text)));
    }
    Value::Object(whole)
}
