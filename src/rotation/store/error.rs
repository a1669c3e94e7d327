//! Why a store failed, and whether it may have done it all the same.

use std::fmt;
use std::io;

/// Why a store could not be read or written.
#[derive(Debug)]
pub struct StoreError {
    problem: String,
    outcome_unknown: bool,
    in_place: bool,
    source: Option<io::Error>,
}

impl StoreError {
    /// Nothing was changed, and nothing will be. The text must not hold a secret.
    pub fn failed(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), outcome_unknown: false, in_place: false, source: None }
    }

    /// The write may have happened, or may happen later. The text must not hold a secret.
    pub fn unknown(problem: impl Into<String>) -> Self {
        Self { outcome_unknown: true, ..Self::failed(problem) }
    }

    /// A file that cannot be replaced, and could be written over.
    pub(crate) fn only_in_place(problem: impl Into<String>) -> Self {
        Self { in_place: true, ..Self::failed(problem) }
    }

    /// Whether the file would have to be written in place.
    pub(crate) fn is_only_in_place(&self) -> bool {
        self.in_place
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether the store may hold the secret all the same, now or later.
    pub fn outcome_unknown(&self) -> bool {
        self.outcome_unknown
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if self.outcome_unknown {
            f.write_str("; it may have been written all the same")?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
