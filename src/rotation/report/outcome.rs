//! What is reported in the end: where each key stands, and what is left to do.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::decision::Decision;
use super::event::Step;
use super::resolution::Resolution;

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The store holds the new key.
    Rotated,
    /// The store holds what it held, and the new key is gone.
    AsBefore,
    /// Neither, for now: both keys are there, and a person has to choose one of the report's
    /// [`resolutions`](RotationReport::resolutions).
    NeedsAttention,
    /// Neither, for now: it was [stopped on request](super::super::Stop), and `resume` goes on from here.
    Stopped,
    /// A person [gave it up](super::super::Resume::give_up): everything stays as it was found.
    GivenUp,
}

/// Where a key stands in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Disposition {
    /// It does not exist: it was never made.
    NeverMade,
    /// It is the one in use.
    InUse,
    /// It works on beside the one in use.
    Kept,
    /// It works until the end of the grace period.
    Expires,
    /// It has expired.
    Expired,
    /// It was deleted.
    Deleted,
    /// Nobody has looked: the rotation was given up.
    Unknown,
}

/// One step that was taken.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// What a rotation did and what is left to do. It holds no secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RotationReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The name of the key, old and new.
    pub name: String,
    /// What the store calls itself.
    pub store: String,
    /// The old key's id.
    pub old_id: String,
    /// Where the old key stands.
    pub old: Disposition,
    /// When the old key ends, where the server's own rotation has moved that and it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_ends: Option<DateTime<Utc>>,
    /// The new key's id, if one was made and taken into use.
    pub new_id: Option<String>,
    /// Where the new key stands.
    pub new: Disposition,
    /// Every step that was taken.
    pub steps: Vec<StepReport>,
    /// Names under which a key that nobody holds may still appear: `sweep` looks again.
    pub unsettled: Vec<String>,
    /// What a person must do, a sentence each. Empty when all is well.
    pub todo: Vec<String>,
    /// The ways out, when it needs attention: each is an option of [`Resume`](super::super::Resume). Empty
    /// otherwise.
    pub resolutions: Vec<Resolution>,
    /// Why it did not go on, when it did not.
    pub why: Option<String>,
    /// What a person has to decide before it can, where that is why.
    pub decision: Option<Decision>,
}

impl RotationReport {
    /// Whether nothing is left to do: no marker to look for, nothing for a person.
    pub fn is_settled(&self) -> bool {
        self.unsettled.is_empty() && self.todo.is_empty()
    }
}
