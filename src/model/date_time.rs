//! Times in responses as RFC 3339 writes them. chrono's own reading takes more for a time, such as an
//! offset of `+0000` or a space within.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::nullable::Nullable;

/// A time, or what holds times.
pub(crate) trait Times: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl Times for DateTime<Utc> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl Visitor<'_> for Rfc3339 {
            type Value = DateTime<Utc>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 date and time")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                DateTime::parse_from_rfc3339(text).map(|it| it.to_utc()).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Rfc3339)
    }
}

impl<T: Times> Times for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Strict<T>>::deserialize(deserializer)?.map(|it| it.0))
    }
}

impl<T: Times> Times for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<Strict<T>>::deserialize(deserializer)?;
        Ok(all.into_iter().map(|it| it.0).collect())
    }
}

impl<K: for<'a> Deserialize<'a> + Eq + Hash, T: Times> Times for HashMap<K, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = HashMap::<K, Strict<T>>::deserialize(deserializer)?;
        Ok(all.into_iter().map(|(key, it)| (key, it.0)).collect())
    }
}

impl<T: Times> Times for Nullable<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Strict<T>>::deserialize(deserializer)? {
            None => Self::Null,
            Some(it) => Self::Value(it.0),
        })
    }
}

/// Reads times where serde asks for a type.
pub(super) struct Strict<T>(pub(super) T);

impl<'de, T: Times> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}
