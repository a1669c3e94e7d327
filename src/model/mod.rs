//! What generated types and operations are made of: values that can be absent, null, secret, one of
//! several types, or out of bounds. Nothing here knows of requests.

pub(crate) mod convert;
pub(crate) mod date_time;
pub(crate) mod elements;
pub(crate) mod nullable;
pub(crate) mod object;
pub(crate) mod open_enum;
pub(crate) mod operation;
mod plain;
pub(crate) mod secret;
pub(crate) mod target;
pub(crate) mod union;
pub(crate) mod validate;
