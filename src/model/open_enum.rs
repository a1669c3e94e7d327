//! Enums that stay readable when the server learns a new value. What they all do is here, so that
//! each generated one is checked once and not eight times.

use serde::Deserialize;

use super::validate::{Checked, Rule, Validate, ValidationError};

/// An enum of the document's texts, and of any other that a server sends.
pub(crate) trait OpenEnum: Sized {
    /// What a caller may write.
    const EXPECTED: &'static str;

    /// The value as it travels.
    fn text(&self) -> &str;

    /// The text, if the document does not name it.
    fn unknown(&self) -> Option<&str>;

    /// The value of a text that a server sent, which is never refused.
    fn read(text: String) -> Self;
}

/// What a caller writes as text is held to the document.
pub(crate) fn parse<T: OpenEnum>(text: &str) -> Result<T, String> {
    let value = T::read(text.to_owned());
    match value.unknown() {
        None => Ok(value),
        Some(unknown) => Err(refused::<T>(unknown)),
    }
}

pub(crate) fn deserialize<'de, T: OpenEnum, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer).map(T::read)
}

pub(crate) fn validate<T: OpenEnum>(value: &T) -> Result<(), ValidationError> {
    match value.unknown() {
        None => Ok(()),
        Some(unknown) => Err(ValidationError::new(refused::<T>(unknown))),
    }
}

fn refused<T: OpenEnum>(unknown: &str) -> String {
    format!("{}, not `{unknown}`", T::EXPECTED)
}

impl<T: OpenEnum + Validate> Checked for T {
    fn check(&self, _: &Rule) -> Result<(), ValidationError> {
        self.validate()
    }
}
