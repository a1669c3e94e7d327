//! Every key of ours that a document or an overlay holds is one that we know: a misspelt one would
//! change nothing and say nothing.

use serde_json::Value;

use super::Document;
use super::pointer::join;
use super::references::{DATA, NAMED};
use crate::error::Error;

const OURS: &str = "x-onkernel-";

/// What can stand in a document, as `spec/README.md` describes it.
pub(crate) const KNOWN: [&str; 8] = [
    "x-onkernel-exclusive",
    "x-onkernel-items",
    "x-onkernel-max-bytes",
    "x-onkernel-method",
    "x-onkernel-repeat",
    "x-onkernel-requires",
    "x-onkernel-resource",
    "x-onkernel-type",
];

impl Document {
    /// Whether every `x-onkernel-` key of the document, with what overlays brought, is one that we
    /// know.
    ///
    /// # Errors
    /// All that are not.
    pub fn check_keys(&self) -> Result<(), Error> {
        let mut unknown = Vec::new();
        find(self.root(), "", false, &mut unknown);
        let problems =
            unknown.into_iter().map(|(pointer, message)| self.problem(&pointer, message, help()));
        Error::unless_empty(problems.collect())
    }
}

/// What to do about a key that is not known.
pub(crate) fn help() -> String {
    format!("correct it; the known ones are {}", KNOWN.join(", "))
}

/// The keys of ours in a value that we do not know, each with its pointer and what is wrong. `names`
/// says that the keys of the value itself are names.
pub(crate) fn find(value: &Value, at: &str, names: bool, unknown: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find(item, &join(at, index), false, unknown);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let at = join(at, key);
                if names {
                    find(member, &at, false, unknown);
                } else if key.starts_with(OURS) && !KNOWN.contains(&key.as_str()) {
                    unknown.push((at, format!("the key `{key}` is unknown")));
                } else if !key.starts_with("x-") && !DATA.contains(&key.as_str()) {
                    find(member, &at, NAMED.contains(&key.as_str()), unknown);
                }
            }
        }
        _ => {}
    }
}
