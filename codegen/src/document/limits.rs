//! How deep a document may be nested, and how much larger than its text it may be.

use super::source::Source;
use crate::error::{Position, Problem};
use serde_json::Value;

/// How many levels a document may be nested; real ones stay below 40.
pub(crate) const MAX_DEPTH: usize = 128;

/// By how much aliases may enlarge a document: an honest one repeats a few parameters.
pub(super) const MAX_EXPANSION: usize = 10;

/// How many levels of collections `value` has; at most [`MAX_DEPTH`], if it was read.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

pub(super) fn too_deep(source: &Source, at: Position) -> Problem {
    let message = format!("the document is nested more than {MAX_DEPTH} levels deep here");
    let help = "move the inner part to components and refer to it by `$ref`";
    Problem::new(&source.name, message, help).at(at)
}
