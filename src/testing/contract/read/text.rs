//! Text of a query, a path, a header or a form as the JSON value that its schema means.

use serde_json::{Map, Value};

use crate::testing::contract::check::check;
use crate::testing::contract::document::{Contract, Kind, Schema, Style};
use crate::testing::request::text_of;

/// One value.
pub(super) fn typed(contract: &Contract, schema: &Schema, text: &str) -> Value {
    let schema = contract.resolve(schema);
    let as_json = || serde_json::from_str::<Value>(text).ok();
    let string = || Value::from(text);
    if let Some(choice) = &schema.choice {
        // A number is more than the text that it is written in.
        let kinds = choice.kinds.iter().map(|it| (&it.schema, typed(contract, &it.schema, text)));
        let mut fitting: Vec<Value> = kinds
            .filter(|(kind, value)| check(contract, kind, value, "").is_empty())
            .map(|(_, value)| value)
            .collect();
        fitting.sort_by_key(Value::is_string);
        return fitting.into_iter().next().unwrap_or_else(string);
    }
    match schema.kind {
        Some(Kind::Integer | Kind::Number) => {
            as_json().filter(Value::is_number).unwrap_or_else(string)
        }
        Some(Kind::Boolean) => as_json().filter(Value::is_boolean).unwrap_or_else(string),
        Some(Kind::Null) => as_json().filter(Value::is_null).unwrap_or_else(string),
        None => as_json().unwrap_or_else(string),
        _ => string(),
    }
}

/// A list, an object or one value in a text whose parts have their escapes.
pub(super) fn joined(
    contract: &Contract,
    schema: &Schema,
    text: &str,
    separator: &str,
    decode: fn(&str) -> String,
) -> Value {
    let target = contract.resolve(schema);
    let parts = || text.split(separator).map(decode);
    if let (Some(Kind::Array), Some(items)) = (target.kind, &target.items) {
        let item = |index| target.item(index).unwrap_or(items);
        return parts().enumerate().map(|(at, part)| typed(contract, item(at), &part)).collect();
    }
    if target.is_object() {
        let parts: Vec<String> = parts().collect();
        let members = parts.chunks(2).map(|pair| {
            let text = pair.get(1).map_or("", String::as_str);
            (pair[0].clone(), member(contract, target, &pair[0], text))
        });
        return Value::Object(members.collect());
    }
    typed(contract, schema, &decode(text))
}

fn member(contract: &Contract, object: &Schema, name: &str, text: &str) -> Value {
    object.member(name).map_or_else(|| Value::from(text), |it| typed(contract, it, text))
}

/// The value of a parameter of a query, or of a field of a form that is written like one. The pairs have
/// their values' escapes.
pub(super) fn named(
    contract: &Contract,
    name: &str,
    schema: &Schema,
    style: &Style,
    pairs: &[(String, String)],
) -> Result<Option<Value>, String> {
    let target = contract.resolve(schema);
    let some =
        |members: Map<String, Value>| (!members.is_empty()).then_some(Value::Object(members));
    if style.name.as_deref() == Some("deepObject") {
        let prefix = format!("{name}[");
        let members = pairs.iter().filter_map(|(key, text)| {
            let inner = key.strip_prefix(&prefix)?.strip_suffix(']')?;
            Some((inner.to_owned(), member(contract, target, inner, &text_of(text))))
        });
        return Ok(some(members.collect()));
    }
    let texts: Vec<&str> =
        pairs.iter().filter(|(key, _)| key == name).map(|(_, text)| text.as_str()).collect();
    if style.name.as_deref() == Some("json") {
        return Ok(one(name, &texts)?.map(|text| json(&text_of(text))));
    }
    if target.is_object() && style.explode != Some(false) {
        let members = target.properties.keys().filter_map(|key| {
            let (_, text) = pairs.iter().find(|(it, _)| it == key)?;
            Some((key.clone(), member(contract, target, key, &text_of(text))))
        });
        return Ok(some(members.collect()));
    }
    let separator = match style.name.as_deref() {
        Some("pipeDelimited") => Some("%7C"),
        Some("spaceDelimited") => Some("%20"),
        _ if style.explode == Some(false) => Some(","),
        _ => None,
    };
    let list = list(contract, target);
    match (separator, list) {
        _ if texts.is_empty() => Ok(None),
        (Some(separator), _) => {
            Ok(one(name, &texts)?.map(|text| joined(contract, schema, text, separator, text_of)))
        }
        (None, Some(items)) if target.choice.is_none() || texts.len() > 1 => {
            Ok(Some(texts.iter().map(|text| typed(contract, items, &text_of(text))).collect()))
        }
        (None, _) => Ok(one(name, &texts)?.map(|text| typed(contract, schema, &text_of(text)))),
    }
}

/// The schema of the items, where a value is a list or may be one.
fn list<'a>(contract: &'a Contract, schema: &'a Schema) -> Option<&'a Schema> {
    let kinds = schema.choice.iter().flat_map(|it| &it.kinds);
    let mut all = [schema].into_iter().chain(kinds.map(|it| contract.resolve(&it.schema)));
    all.find(|it| it.kind == Some(Kind::Array))?.items.as_deref()
}

fn one<'a>(name: &str, texts: &[&'a str]) -> Result<Option<&'a str>, String> {
    match texts {
        [] => Ok(None),
        [text] => Ok(Some(text)),
        _ => Err(format!("{name} is given more than once")),
    }
}

/// A text that is JSON; what is not stays a text, which its schema does not allow.
pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
