//! What stands in the way of a document: a place in it, what is there, and what to do.

/// A place in the document that no rule knows how to lower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place, as a JSON pointer from `#`.
    pub pointer: String,
    /// What is there.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Finding {
    pub(crate) fn new(
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), message: message.into(), help: help.into() }
    }
}
