//! Why a journal cannot be used.

use std::io;

use crate::rotation::report::{Decision, RotationError};

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) struct JournalError {
    problem: String,
    in_use: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl JournalError {
    /// What the journal of this name is, or has.
    pub(super) fn new(journal: &str, problem: impl std::fmt::Display) -> Self {
        Self { problem: format!("the journal {journal} {problem}"), in_use: false, source: None }
    }

    pub(super) fn io(journal: &str, problem: &str, error: io::Error) -> Self {
        let new = Self::new(journal, format_args!("{problem}: {error}"));
        Self { source: Some(error.into()), ..new }
    }

    pub(super) fn in_use(journal: &str) -> Self {
        let problem = "is in use by a rotation that is under way";
        Self { in_use: true, ..Self::new(journal, problem) }
    }
}

impl std::fmt::Display for JournalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<JournalError> for RotationError {
    fn from(error: JournalError) -> Self {
        match error.in_use {
            true => Self::undecided(Decision::UnderWay, error.to_string()),
            false => Self::caused_by(error.to_string(), Box::new(error)),
        }
    }
}
