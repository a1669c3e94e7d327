//! Forms of parts: `multipart/form-data`.

use serde_json::{Map, Value};

use super::text::{json, typed};
use crate::testing::contract::document::{Contract, Kind, Schema};
use crate::testing::request::Request;

/// The most items that a list of a form may have: an index is not to be believed.
const ITEMS: usize = 10_000;

/// One part.
struct Part<'a> {
    name: String,
    is_file: bool,
    is_json: bool,
    content: &'a [u8],
}

/// The value that a form means; a file stands as text.
///
/// # Errors
/// What is wrong with it, which may be no more than its first fault.
pub(super) fn read(
    contract: &Contract,
    schema: &Schema,
    request: &Request,
) -> Result<Value, String> {
    let boundary = request.header("content-type").unwrap_or_default();
    let boundary = boundary.split("boundary=").nth(1).unwrap_or_default();
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    if boundary.is_empty() {
        return Err("the form names no boundary".to_owned());
    }
    let mut whole = Value::Object(Map::new());
    for part in parts(&request.body, boundary)? {
        put(contract, schema, &mut whole, &part)?;
    }
    Ok(whole)
}

fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, String> {
    let malformed = || "the form has a malformed part".to_owned();
    let delimiter = format!("\r\n--{boundary}");
    // The first one may stand at the very beginning.
    let mut rest = match body.strip_prefix(&delimiter.as_bytes()[2..]) {
        Some(rest) => rest,
        None => split(body, delimiter.as_bytes()).ok_or_else(malformed)?.1,
    };
    let mut all = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, after) =
            split(rest, delimiter.as_bytes()).ok_or("the form does not end as it should")?;
        let part = part.strip_prefix(b"\r\n").ok_or_else(malformed)?;
        let (head, content) = split(part, b"\r\n\r\n").ok_or_else(malformed)?;
        let head = String::from_utf8_lossy(head);
        let name = head.split(" name=\"").nth(1).and_then(|it| it.split('"').next());
        let lower = head.to_ascii_lowercase();
        all.push(Part {
            name: name.ok_or_else(malformed)?.replace("%22", "\""),
            is_file: lower.contains("filename="),
            is_json: lower.contains("content-type: application/json"),
            content,
        });
        rest = after;
    }
    Ok(all)
}

/// What is before and behind the first place where `at` stands.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|it| it == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

/// Puts a part in its place, such as `files[0][path]`.
fn put(
    contract: &Contract,
    schema: &Schema,
    whole: &mut Value,
    part: &Part<'_>,
) -> Result<(), String> {
    let steps: Vec<&str> = part.name.split('[').map(|it| it.trim_end_matches(']')).collect();
    let mut schema = Some(schema);
    let mut place = whole;
    for step in &steps {
        let target = schema.map(|it| contract.resolve(it));
        let items = target.filter(|it| it.kind == Some(Kind::Array)).map(|it| &it.items);
        place = match items {
            Some(items) => {
                schema = items.as_deref();
                item(place, step, steps.last().copied().unwrap_or_default(), &part.name)?
            }
            None => {
                schema = target.and_then(|it| it.member(step));
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                &mut place[*step]
            }
        };
    }
    let target = schema.map(|it| contract.resolve(it));
    let text = String::from_utf8_lossy(part.content);
    let value = match schema {
        _ if part.is_json => json(&text),
        Some(schema) => typed(contract, schema, &text),
        None => Value::from(&*text),
    };
    let is_file = target.is_some_and(|it| it.format.as_deref() == Some("binary"));
    match (is_file, part.is_file) {
        (true, false) => return Err(format!("{} must be sent as a file", part.name)),
        (false, true) if target.is_some() => {
            return Err(format!("{} must not be sent as a file", part.name));
        }
        _ => *place = value,
    }
    Ok(())
}

/// The item of a list that a step names: `[2]`, or in `files[]` the one that lacks the last step.
fn item<'a>(
    place: &'a mut Value,
    step: &str,
    last: &str,
    name: &str,
) -> Result<&'a mut Value, String> {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let Value::Array(list) = place else { return Err(format!("{name} is no list")) };
    let index = match step.parse::<usize>() {
        Ok(index) if index < ITEMS => index,
        Ok(_) => return Err(format!("{name} has an index that is too large")),
        Err(_) => match list.last() {
            Some(Value::Object(it)) if !it.contains_key(last) => list.len() - 1,
            _ => list.len(),
        },
    };
    while list.len() <= index {
        list.push(Value::Object(Map::new()));
    }
    Ok(&mut list[index])
}
