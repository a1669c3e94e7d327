//! What is checked before a request is sent: bounds, fields that exclude or need each other.

pub(super) mod bounds;
pub(super) mod relations;
pub(super) mod validate;
