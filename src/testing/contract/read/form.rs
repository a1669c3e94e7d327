//! Forms of parts: `multipart/form-data`.

use serde_json::{Map, Value};

use super::text::{json, typed};
use crate::testing::contract::document::{Contract, Kind, Schema};
use crate::testing::request::Request;

/// The most items that a list of a form may have: an index is not to be believed.
const ITEMS: usize = 10_000;

/// One part.
pub(in crate::testing) struct Part<'a> {
    pub(in crate::testing) name: String,
    /// The name of the file that it is.
    pub(in crate::testing) file_name: Option<String>,
    pub(in crate::testing) media_type: Option<String>,
    pub(in crate::testing) content: &'a [u8],
}

/// The parts of a form, one after the other.
///
/// # Errors
/// What is wrong with the first that is wrong.
pub(in crate::testing) fn parts(request: &Request) -> Result<Vec<Part<'_>>, String> {
    let boundary = request.boundary().ok_or("the form names no boundary")?;
    split_up(&request.body, &boundary)
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
    let mut whole = Value::Object(Map::new());
    for part in parts(request)? {
        put(contract, schema, &mut whole, &part)?;
    }
    Ok(whole)
}

fn split_up<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, String> {
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
        let quoted = |key: &str| {
            let text = head.split_once(&format!(" {key}=\""))?.1.split('"').next()?;
            Some(text.replace("%22", "\""))
        };
        let media_type = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        let name = quoted("name").ok_or_else(malformed)?;
        all.push(Part { name, file_name: quoted("filename"), media_type, content });
        rest = after;
    }
    Ok(all)
}

impl Part<'_> {
    fn is_json(&self) -> bool {
        self.media_type.as_ref().is_some_and(|it| it.starts_with("application/json"))
    }
}

/// What is before and behind the first place where `at` stands.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = memchr::memmem::find(bytes, at)?;
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
        _ if part.is_json() => json(&text),
        Some(schema) => typed(contract, schema, &text),
        None => Value::from(&*text),
    };
    let is_file = target.is_some_and(|it| it.format.as_deref() == Some("binary"));
    match (is_file, part.file_name.is_some()) {
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
