//! Enums that stay readable when the server learns a new value: unknown ones are kept as they came
//! and go out again as they came; what a caller writes as a string is held to the document. What
//! they all do is here, so that each generated one is checked once and not eight times.

use serde::Deserialize;

use super::validate::{Bounded, Checked, Checks, Rule, ValidationError};

/// An enum of the document's strings, and of any other that a server sends.
pub(crate) trait OpenEnum: AsRef<str> + Clone + 'static {
    /// The values that the document names, each as it travels.
    const KNOWN: &'static [(&'static str, Self)];
    /// Any other.
    const OTHER: fn(String) -> Self;

    /// The value as it travels.
    fn text(&self) -> &str {
        self.as_ref()
    }

    /// The string, if the document does not name it.
    fn unknown(&self) -> Option<&str> {
        Some(self.text()).filter(|text| Self::KNOWN.iter().all(|(known, _)| known != text))
    }

    /// The value of a string that a server sent, which is always read.
    fn read(text: String) -> Self {
        match Self::KNOWN.iter().find(|(known, _)| *known == text) {
            Some((_, value)) => value.clone(),
            None => (Self::OTHER)(text),
        }
    }
}

/// What every such enum implements.
macro_rules! open_enum {
    ($name:ident, $error:path) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::std::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl ::std::str::FromStr for $name {
            type Err = $error;
            // A value may be called `Err`, and would be taken for the error.
            fn from_str(value: &str) -> ::std::result::Result<Self, $error> {
                ::std::result::Result::Ok($crate::model::open_enum::parse(value)?)
            }
        }
        impl $crate::model::validate::Validate for $name {
            fn validate(
                &self,
                checks: $crate::model::validate::Checks,
            ) -> $crate::model::validate::Checked {
                $crate::model::open_enum::validate(self, checks)
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::model::open_enum::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use open_enum;

/// What a caller writes as a string is held to the document.
pub(crate) fn parse<T: OpenEnum>(text: &str) -> Result<T, String> {
    let value = T::read(text.to_owned());
    match value.unknown() {
        None => Ok(value),
        Some(unknown) => Err(unexpected::<T>(unknown)),
    }
}

pub(crate) fn deserialize<'de, T: OpenEnum, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer).map(T::read)
}

fn unexpected<T: OpenEnum>(unknown: &str) -> String {
    let known: Vec<_> = T::KNOWN.iter().map(|(known, _)| format!("`{known}`")).collect();
    let of = if known.len() == 1 { "" } else { "one of " };
    format!("must be {of}{}, not `{unknown}`", known.join(", "))
}

/// Whether a value may be sent.
pub(crate) fn validate<T: OpenEnum>(value: &T, checks: Checks) -> Checked {
    match value.unknown() {
        Some(unknown) if !checks.allow_unknown => {
            Err(ValidationError::unknown(unexpected::<T>(unknown)))
        }
        _ => Ok(()),
    }
}

impl<T: OpenEnum> Bounded for T {
    fn check(&self, _: &Rule) -> Checked {
        validate(self, Checks::default())
    }
}
