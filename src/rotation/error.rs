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
    stopped: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RotationError {
    pub(crate) fn refused(problem: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            problem: problem.into(),
            report: None,
            stopped: false,
            source: None,
        }))
    }

    /// It was asked to stop before anything was touched.
    pub(crate) fn stopped(problem: impl Into<String>) -> Self {
        let Self(inner) = Self::refused(problem);
        Self(Box::new(Inner { stopped: true, ..*inner }))
    }

    pub(crate) fn ended(report: RotationReport) -> Self {
        let why = report.why.clone().unwrap_or_else(|| "it is not finished".to_owned());
        let problem = match report.outcome {
            Outcome::NeedsAttention => format!(
                "the rotation of {} needs attention: {why}; {}",
                report.old_id,
                report.todo.join("; ")
            ),
            Outcome::Stopped => format!(
                "the rotation of {} was stopped: {why}; {}",
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
        let stopped = report.outcome == Outcome::Stopped;
        Self(Box::new(Inner { problem, report: Some(report), stopped, source: None }))
    }

    /// What was done and what is left to do; `None` when nothing was touched.
    pub fn report(&self) -> Option<&RotationReport> {
        self.0.report.as_ref()
    }

    /// Whether it was refused before anything was touched.
    pub fn is_refused(&self) -> bool {
        self.0.report.is_none()
    }

    /// Whether something is left to do: the report says what.
    pub fn needs_attention(&self) -> bool {
        self.report().is_some_and(|report| {
            matches!(report.outcome, Outcome::NeedsAttention | Outcome::Stopped)
                || !report.is_settled()
        })
    }

    /// Whether it ended because it was [asked to stop](super::Stop).
    pub fn is_stopped(&self) -> bool {
        self.0.stopped
    }
}

impl From<crate::Error> for RotationError {
    fn from(error: crate::Error) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            stopped: false,
            source: Some(Box::new(error)),
        }))
    }
}

impl From<JournalError> for RotationError {
    fn from(error: JournalError) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            stopped: false,
            source: Some(Box::new(error)),
        }))
    }
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(Inner {
            problem: error.to_string(),
            report: None,
            stopped: false,
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
