//! Why a rotation did not do what was asked.

use std::fmt;

use super::journal::JournalError;
use super::report::{Outcome, RotationReport};
use super::store::StoreError;

/// Why a rotation was refused, or how it ended otherwise than rotated.
///
/// Without a [`report`](Self::report) it was refused before anything was touched.
pub struct RotationError(Box<Inner>);

struct Inner {
    problem: String,
    report: Option<RotationReport>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RotationError {
    pub(crate) fn refused(problem: impl Into<String>) -> Self {
        Self(Box::new(Inner { problem: problem.into(), report: None, source: None }))
    }

    pub(crate) fn ended(report: RotationReport) -> Self {
        let why = report.why.clone().unwrap_or_else(|| "it is not finished".to_owned());
        let problem = match report.outcome {
            Outcome::NeedsAttention => format!(
                "the rotation of {} needs attention: {why}; {}",
                report.old_id,
                report.todo.join("; ")
            ),
            _ if report.todo.is_empty() => {
                format!("the rotation of {} was undone: {why}", report.old_id)
            }
            _ => format!(
                "the rotation of {} was undone: {why}; {}",
                report.old_id,
                report.todo.join("; ")
            ),
        };
        Self(Box::new(Inner { problem, report: Some(report), source: None }))
    }

    /// What was done and what is left to do; `None` when nothing was touched.
    pub fn report(&self) -> Option<&RotationReport> {
        self.0.report.as_ref()
    }

    /// Whether it was refused before anything was touched.
    pub fn is_refused(&self) -> bool {
        self.0.report.is_none()
    }

    /// Whether a person has to look: the report says what to do.
    pub fn needs_attention(&self) -> bool {
        self.report()
            .is_some_and(|report| report.outcome == Outcome::NeedsAttention || !report.is_settled())
    }
}

impl From<crate::Error> for RotationError {
    fn from(error: crate::Error) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            source: Some(Box::new(error)),
        }))
    }
}

impl From<JournalError> for RotationError {
    fn from(error: JournalError) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            source: Some(Box::new(error)),
        }))
    }
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            source: Some(Box::new(error)),
        }))
    }
}

impl fmt::Display for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.problem)
    }
}

impl fmt::Debug for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationError")
            .field("problem", &self.0.problem)
            .field("report", &self.0.report)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for RotationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Its own text is already in ours.
        self.0.source.as_ref().and_then(|source| source.source())
    }
}
