//! What setters were given, converted. Here and not in each of them, since a whole document has
//! more than a thousand, and every closure in them would be checked by itself.

use std::fmt::Display;

/// What a parameter or a body was given, or why it cannot be.
pub(crate) fn value<T, V>(value: V) -> Result<T, String>
where
    V: TryInto<T>,
    V::Error: Display,
{
    value.try_into().map_err(|error| error.to_string())
}

/// As [`value`], where nothing may have been given.
pub(crate) fn some<T, V>(given: V) -> Result<Option<T>, String>
where
    V: TryInto<T>,
    V::Error: Display,
{
    value(given).map(Some)
}

/// A field of a type, which a reason names.
pub(crate) fn field<T, V>(name: &str, given: V) -> Result<T, String>
where
    V: TryInto<T>,
    V::Error: Display,
{
    value(given).map_err(|reason| format!("`{name}`: {reason}"))
}

/// As [`field`], where nothing may have been given.
pub(crate) fn some_field<T, V>(name: &str, given: V) -> Result<Option<T>, String>
where
    V: TryInto<T>,
    V::Error: Display,
{
    field(name, given).map(Some)
}

/// What a builder makes.
pub(crate) fn built<T, B>(builder: Result<B, String>) -> Result<T, String>
where
    B: TryInto<T>,
    B::Error: Display,
{
    builder.and_then(value)
}

/// As [`built`], where there may be no builder.
pub(crate) fn some_built<T, B>(builder: Result<Option<B>, String>) -> Result<Option<T>, String>
where
    B: TryInto<T>,
    B::Error: Display,
{
    builder.and_then(|builder| builder.map(value).transpose())
}
