//! JSONPath (RFC 9535): which places of a value a query selects.
//!
//! Of our own because every build of a client applies overlays: the language is small, and a library
//! for it brings a dozen crates, which took longer to compile than all that an overlay does.

mod compare;
mod parse;
mod query;
mod select;

use query::Segment;
pub(super) use query::Step;
use serde_json::Value;
use std::fmt;

/// A query.
#[derive(Debug)]
pub(super) struct JsonPath {
    text: String,
    segments: Vec<Segment>,
}

impl JsonPath {
    /// Reads a query, or says up to which byte the text could be one.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        Ok(Self { segments: parse::parse(text)?, text: text.to_owned() })
    }

    /// The places that it selects, each once, in the order of the value.
    pub(super) fn places(&self, root: &Value) -> Vec<Vec<Step>> {
        let mut places = select::places(&self.segments, root);
        places.sort();
        places.dedup();
        places
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
