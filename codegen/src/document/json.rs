//! JSON to a value in which no key stood twice.

use super::fault::{Fault, FaultKind, Path};
use super::limits::too_deep;
use super::source::Source;
use crate::error::{Error, Position, Problem};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;

/// `Err` when the text is not JSON, `Ok(Err(_))` when it is and says something that we reject.
pub(super) fn read(source: &Source) -> Result<Result<Value, Error>, Error> {
    let fault = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_str(&source.text);
    let value = Node { fault: &fault, path: Path::Root }.deserialize(&mut json);
    match fault.into_inner() {
        Some(fault) => Ok(Err(Fault::locate(fault, source).into())),
        None => match value.and_then(|value| json.end().map(|()| value)) {
            Ok(value) => Ok(Ok(value)),
            Err(error) => Err(problem(source, &error).into()),
        },
    }
}

fn problem(source: &Source, error: &serde_json::Error) -> Problem {
    let at = Position { line: error.line(), column: error.column() };
    let message = error.to_string();
    if message.starts_with("recursion limit exceeded") {
        return too_deep(source, at);
    }
    // Without the position that we show in front of it.
    let place = format!(" at line {} column {}", at.line, at.column);
    let message = format!("this is not JSON: {}", message.replacen(&place, "", 1));
    Problem::new(&source.name, message, "correct it here").at(at)
}

/// One value. What we reject travels beside serde's error, which would make it a string.
struct Node<'a> {
    fault: &'a RefCell<Option<Fault>>,
    path: Path<'a>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Node {
            fault: self.fault,
            path: Path::Item(&self.path, items.len()),
        })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = Path::Key(&self.path, &key);
            if members.contains_key(&key) {
                *self.fault.borrow_mut() = Some(Fault::new(&path, FaultKind::Duplicate));
                return Err(serde::de::Error::custom("rejected"));
            }
            let value = access.next_value_seed(Node { fault: self.fault, path })?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}
