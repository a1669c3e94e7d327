//! What a rotation would do, and what stands in its way.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::decision::Decision;
use super::error::RotationError;
use crate::rotation::store::StoreProfile;
use crate::rotation::store::profile::seconds;

/// The plan of a rotation that was only looked at: see [`Rotation::plan`](super::super::Rotation::plan).
/// It holds no secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RotationPlan {
    /// The key that would be replaced, as far as it was found.
    pub key: Option<PlannedKey>,
    /// How long the new key would live, in a few words.
    pub lifetime: Option<String>,
    /// Where the workload reads its key.
    pub store: StoreProfile,
    /// Whether the store holds a key. `None` where that cannot be told.
    pub store_holds_key: Option<bool>,
    /// Whether a hook deploys the workload.
    pub deploy: bool,
    /// Whether a hook verifies that the workload has the new key.
    pub verify: bool,
    /// How long both keys would work at least, from the store's write on; in JSON, seconds.
    #[serde(serialize_with = "seconds")]
    pub overlap: Duration,
    /// What would be done with the old key, if that is decided: `delete`, `keep`, or `expire after N
    /// days`.
    pub retirement: Option<String>,
    /// Names under which keys of earlier rotations would be looked for, and deleted.
    pub leftovers: Vec<String>,
    /// What is worth knowing before, a sentence each.
    pub notes: Vec<String>,
    /// Why it would be rejected, each reason by itself. Empty when it would begin.
    pub rejected: Vec<Rejection>,
}

/// A key that would be replaced.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlannedKey {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its project; none for the whole organization.
    pub project_id: Option<String>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it is the key that asks: it makes its own replacement.
    pub own: bool,
}

/// One reason why a rotation would not begin.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Rejection {
    /// It, in a sentence.
    pub why: String,
    /// What a person has to decide, where that is the reason.
    pub decision: Option<Decision>,
}

impl From<&RotationError> for Rejection {
    fn from(error: &RotationError) -> Self {
        Self { why: error.to_string(), decision: error.decision() }
    }
}
