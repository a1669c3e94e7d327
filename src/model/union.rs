//! How a value is told to be one of several types: by its tag, by the field beside it, or by its
//! shape; never by the accident that it fits.

use serde::de::{DeserializeOwned, Error};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::nullable::Nullable;
use super::validate::{Checked, ValidationError};

/// What a value must look like to be of a type.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) kind: JsonKind,
    /// The properties that it has.
    pub(crate) required: &'static [&'static str],
    /// The properties that it may have.
    pub(crate) known: &'static [&'static str],
    /// The strings that a property may be.
    pub(crate) values: &'static [(&'static str, &'static [&'static str])],
    /// The strings that it may be itself; any, if there are none.
    pub(crate) strings: &'static [&'static str],
}

/// A type in JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JsonKind {
    Any,
    Boolean,
    Integer,
    Number,
    String,
    List,
    Object,
}

impl Shape {
    /// How well a value fits, if it does.
    fn fit(&self, value: &Value) -> Option<usize> {
        match (self.kind, value) {
            (JsonKind::Object, Value::Object(members)) => {
                let complete = self.required.iter().all(|name| members.contains_key(*name));
                let constant = self.values.iter().all(|(name, values)| {
                    let text = members.get(*name).and_then(Value::as_str);
                    text.is_none_or(|text| values.contains(&text))
                });
                let known = self.known.iter().filter(|name| members.contains_key(**name)).count();
                // An object of which nothing is known could be of any type whose properties may
                // all be left out.
                let evident = known > 0 || self.known.is_empty();
                (complete && constant && evident).then_some(2 + known)
            }
            (JsonKind::String, Value::String(text)) => match self.strings {
                [] => Some(2),
                strings => strings.contains(&text.as_str()).then_some(3),
            },
            (JsonKind::Boolean, Value::Bool(_)) | (JsonKind::List, Value::Array(_)) => Some(2),
            (JsonKind::Integer, Value::Number(number)) if !number.is_f64() => Some(3),
            (JsonKind::Number, Value::Number(_)) => Some(2),
            (JsonKind::Any, _) => Some(1),
            _ => None,
        }
    }
}

/// The one shape that a value fits best. Between two that it fits equally well there is no guess.
pub(crate) fn tell(value: &Value, shapes: &[Shape]) -> Option<usize> {
    let fits = shapes.iter().enumerate().filter_map(|(at, it)| Some((it.fit(value)?, at)));
    let (best, at) = fits.clone().max()?;
    (fits.filter(|(fit, _)| *fit == best).count() == 1).then_some(at)
}

/// What the tag of a value says.
pub(crate) fn tag<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Reads a value as the type that it was told to be.
pub(crate) fn read<T: DeserializeOwned, E: Error>(value: Value) -> Result<T, E> {
    serde_json::from_value(value).map_err(E::custom)
}

/// Writes a value with the tag that its type may do without.
pub(crate) fn tagged<T: Serialize, S: Serializer>(
    tag: &'static str,
    name: &'static str,
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(value).map_err(serde::ser::Error::custom)?;
    if let Value::Object(members) = &mut value {
        members.entry(tag).or_insert_with(|| name.into());
    }
    value.serialize(serializer)
}

/// A value whose type the field beside it tells.
pub(crate) trait Told: Sized {
    /// Reads the value as the type of this tag.
    fn told<E: Error>(self, tag: &str) -> Result<Self, E>;
    /// Whether the value is of the type of this tag.
    fn is(&self, tag: &str) -> bool;
}

impl<T: Told> Told for Option<T> {
    fn told<E: Error>(self, tag: &str) -> Result<Self, E> {
        self.map(|value| value.told(tag)).transpose()
    }

    fn is(&self, tag: &str) -> bool {
        self.as_ref().is_none_or(|value| value.is(tag))
    }
}

impl<T: Told> Told for Nullable<T> {
    fn told<E: Error>(self, tag: &str) -> Result<Self, E> {
        Ok(match self {
            Self::Null => Self::Null,
            Self::Value(value) => Self::Value(value.told(tag)?),
        })
    }

    fn is(&self, tag: &str) -> bool {
        self.as_option().is_none_or(|value| value.is(tag))
    }
}

/// Rejects a value of another type than the field beside it says.
pub(crate) fn agrees(name: &str, value: &impl Told, tag_name: &str, tag: Option<&str>) -> Checked {
    match tag {
        Some(tag) if !value.is(tag) => {
            let reason = format!("must be of the kind that `{tag_name}` says, which is `{tag}`");
            Err(ValidationError::new(reason).within(name))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const fn object(required: &'static [&'static str], known: &'static [&'static str]) -> Shape {
        Shape { kind: JsonKind::Object, required, known, values: &[], strings: &[] }
    }

    #[test]
    fn the_best_fit_is_taken_and_a_tie_is_not() {
        let shapes = [
            object(&[], &["country"]),
            object(&[], &["country", "city"]),
            object(&["host"], &["host"]),
        ];
        assert_eq!(tell(&json!({ "country": "US", "city": "X" }), &shapes), Some(1));
        assert_eq!(tell(&json!({ "country": "US" }), &shapes), None);
        assert_eq!(tell(&json!({ "host": "h" }), &shapes), Some(2));
        assert_eq!(tell(&json!({}), &shapes), None, "all of nothing fits everything");
        assert_eq!(tell(&json!("text"), &shapes), None);
    }

    #[test]
    fn a_required_property_or_a_constant_rules_a_type_out() {
        let shape = |values| Shape {
            kind: JsonKind::Object,
            required: &["kind"],
            known: &["kind"],
            values,
            strings: &[],
        };
        let shapes = [shape(&[("kind", &["a"])]), shape(&[("kind", &["b"])])];
        assert_eq!(tell(&json!({ "kind": "b" }), &shapes), Some(1));
        assert_eq!(tell(&json!({ "kind": "c" }), &shapes), None);
        assert_eq!(tell(&json!({ "other": 1 }), &shapes), None);
    }

    #[test]
    fn plain_types_are_told_apart() {
        let plain = |kind| Shape { kind, required: &[], known: &[], values: &[], strings: &[] };
        let shapes = [
            plain(JsonKind::Number),
            plain(JsonKind::Integer),
            Shape { strings: &["auto"], ..plain(JsonKind::String) },
            plain(JsonKind::String),
        ];
        assert_eq!(tell(&json!(1.5), &shapes), Some(0));
        assert_eq!(tell(&json!(1), &shapes), Some(1));
        assert_eq!(tell(&json!("auto"), &shapes), Some(2));
        assert_eq!(tell(&json!("other"), &shapes), Some(3));
        assert_eq!(tell(&json!(true), &shapes), None);
    }

    #[test]
    fn a_tag_is_written_unless_it_is_there() {
        let written = |value: Value| tagged("type", "isp", &value, serde_json::value::Serializer);
        assert_eq!(written(json!({ "a": 1 })).unwrap(), json!({ "type": "isp", "a": 1 }));
        assert_eq!(written(json!({ "type": "isp2" })).unwrap(), json!({ "type": "isp2" }));
    }
}
