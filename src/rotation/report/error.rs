//! Why a rotation did not do what was asked.

use std::fmt;

use super::decision::Decision;
use super::outcome::{Outcome, RotationReport};
use super::resolution::Resolution;
use crate::rotation::store::StoreError;

/// Why a rotation was not begun, or how it ended otherwise than rotated.
///
/// Without a [`report`](Self::report) nothing was changed, unless the journal was
/// [lost to others](Self::is_lost).
pub struct RotationError(Box<Inner>);

struct Inner {
    problem: String,
    report: Option<RotationReport>,
    stopped: bool,
    /// It is not known here how far it has come.
    lost: bool,
    /// For a rotation that was found unfinished and left alone.
    resolutions: Vec<Resolution>,
    decision: Option<Decision>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RotationError {
    pub(crate) fn unchanged(problem: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            problem: problem.into(),
            report: None,
            stopped: false,
            lost: false,
            resolutions: Vec::new(),
            decision: None,
            source: None,
        }))
    }

    /// Nothing was changed, for lack of a decision.
    pub(crate) fn undecided(decision: Decision, problem: impl Into<String>) -> Self {
        let Self(inner) = Self::unchanged(problem);
        Self(Box::new(Inner { decision: Some(decision), ..*inner }))
    }

    /// Nothing was changed, and these would end it.
    pub(crate) fn unresolved(problem: impl Into<String>, resolutions: &[Resolution]) -> Self {
        let Self(inner) = Self::unchanged(problem);
        Self(Box::new(Inner { resolutions: resolutions.to_vec(), ..*inner }))
    }

    pub(crate) fn caused_by(
        problem: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Self {
        let Self(inner) = Self::unchanged(problem);
        Self(Box::new(Inner { source: Some(source), ..*inner }))
    }

    /// It was stopped on request before anything was touched.
    pub(crate) fn stopped(problem: impl Into<String>) -> Self {
        let Self(inner) = Self::unchanged(problem);
        Self(Box::new(Inner { stopped: true, ..*inner }))
    }

    /// The journal was lost to others while it was under way.
    pub(crate) fn lost(why: &str) -> Self {
        let Self(inner) = Self::unresolved(
            format!(
                "the journal is not this process's any more: {why}; nothing more was begun, and whoever takes the rotation over goes on from the journal: resume it"
            ),
            &[Resolution::Retry],
        );
        Self(Box::new(Inner { lost: true, ..*inner }))
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
            Outcome::GivenUp => {
                format!(
                    "the rotation of {} was given up: {}",
                    report.old_id,
                    report.todo.join("; ")
                )
            }
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
        let resolutions = report.resolutions.clone();
        let decision = report.decision;
        let (report, source) = (Some(report), None);
        let lost = false;
        Self(Box::new(Inner { problem, report, stopped, lost, resolutions, decision, source }))
    }

    /// What was done and what is left to do; `None` when nothing was touched, or the journal was lost
    /// to others.
    pub fn report(&self) -> Option<&RotationReport> {
        self.0.report.as_ref()
    }

    /// Whether it was not begun, or left alone: nothing was changed.
    pub fn changed_nothing(&self) -> bool {
        self.0.report.is_none() && !self.0.lost
    }

    /// The ways out, when it needs attention: each is an option of
    /// [`Resume`](crate::rotation::Resume).
    pub fn resolutions(&self) -> &[Resolution] {
        &self.0.resolutions
    }

    /// What a person has to decide before it can be done.
    pub fn decision(&self) -> Option<Decision> {
        self.0.decision
    }

    /// Whether something is left to do: the report, and the resolutions, say what.
    pub fn needs_attention(&self) -> bool {
        !self.0.resolutions.is_empty()
            || self.report().is_some_and(|report| {
                matches!(report.outcome, Outcome::NeedsAttention | Outcome::Stopped)
                    || !report.is_settled()
            })
    }

    /// Whether it ended because its journal is not this process's any more: its lease was not renewed
    /// in time, or another has taken it over. How far the rotation has come is in the journal.
    pub fn is_lost(&self) -> bool {
        self.0.lost
    }

    /// Whether it ended because it was [stopped on request](crate::rotation::Stop).
    pub fn is_stopped(&self) -> bool {
        self.0.stopped
    }
}

impl From<crate::Error> for RotationError {
    fn from(error: crate::Error) -> Self {
        Self::caused_by(error.to_string(), Box::new(error))
    }
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        let decision = error.is_only_in_place().then_some(Decision::InPlace);
        let Self(inner) = Self::caused_by(error.to_string(), Box::new(error));
        Self(Box::new(Inner { decision, ..*inner }))
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
