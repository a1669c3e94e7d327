//! The text of a file to a JSON value, or a problem that says where and why not.
//!
//! Reading is stricter than the formats: a key may stand once, what JSON cannot say is rejected (tags,
//! infinities), and so are merge keys, which YAML 1.2 does not have. Aliases are read, but only as far
//! as they do not blow up the document.

use super::source::Source;
use super::{json, yaml};
use crate::error::{Error, Problem};
use serde_json::Value;

/// Reads a whole file as one value.
pub(crate) fn read(source: &Source) -> Result<Value, Error> {
    let text = source.text.as_str();
    if text.trim().is_empty() {
        return Err(Problem::new(&source.name, "the file is empty", "give an OpenAPI file").into());
    }
    // JSON is nearly YAML, but for what it writes as two escapes (`\ud83d\ude00`). So what looks
    // like JSON is tried as such, and what then is not may still be YAML.
    let is_json = source.name.ends_with(".json");
    if is_json || text.trim_start().starts_with('{') {
        match json::read(source) {
            Ok(value) => return value,
            Err(error) if is_json => return Err(error),
            Err(_) => {}
        }
    }
    let value = yaml::read(source)?;
    reject_merge_keys(source).map(|()| value)
}

fn reject_merge_keys(source: &Source) -> Result<(), Error> {
    // Scanning for positions is the slow path; nearly no document holds these characters.
    // Without an alias to merge, `<<` is a name, which some programs write without quotes.
    if !source.text.contains("<<") || !source.places().aliased {
        return Ok(());
    }
    let problems = source.places().merges.iter().map(|(pointer, at)| Problem {
        pointer: Some(pointer.clone()),
        ..Problem::new(
            &source.name,
            "merge keys (`<<`) are not part of YAML 1.2",
            "write the fields out, or use `$ref` or `allOf`; quote the key if it is a name",
        )
        .at(*at)
    });
    Error::unless_empty(problems.collect())
}
