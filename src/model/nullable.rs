//! The third state of an optional request field: left out, null, or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value or an explicit `null`.
///
/// A request field that is both optional and nullable is an `Option<Nullable<T>>`: `None` leaves
/// it out, `Some(Nullable::Null)` sends `null`. The two may differ: when a key is rotated, a
/// lifetime left out keeps the old one, and `null` means that the key never expires.
///
/// ```
/// use onkernel::{Null, serde_json, types::RotateApiKeyRequest};
///
/// let keep = RotateApiKeyRequest::new();
/// assert_eq!(serde_json::to_string(&keep)?, "{}");
///
/// let never = RotateApiKeyRequest::new().days_to_expire(Null);
/// assert_eq!(serde_json::to_string(&never)?, r#"{"days_to_expire":null}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nullable<T> {
    /// `null` on the wire.
    #[default]
    Null,
    /// A value.
    Value(T),
}

impl<T> Nullable<T> {
    /// The value, if it is not null.
    pub fn as_option(&self) -> Option<&T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The value by itself, if it is not null.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Nullable<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_option().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value: Option<T> = Option::deserialize(deserializer)?;
        Ok(value.map_or(Self::Null, Self::Value))
    }
}
