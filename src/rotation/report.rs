//! What a rotation tells: each step as it happens, and at the end what became of what.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A step of a rotation, forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Everything is looked at, and nothing touched.
    Plan,
    /// The new key is made, exactly once.
    Create,
    /// The new key is compared with the old one.
    Compare,
    /// The new key is written to the store.
    Store,
    /// The workload is deployed.
    Deploy,
    /// The new key is seen to work.
    Verify,
    /// Both keys work for a while.
    Overlap,
    /// The new key gets the real name.
    Rename,
    /// The old key is retired.
    Retire,
    /// Late writes to the store are waited for.
    SettleStore,
    /// Going back: the store is looked at.
    Look,
    /// Going back: the old key is written to the store.
    Restore,
    /// Going back: the workload is deployed with the old key.
    Redeploy,
    /// Going back: the new key is deleted.
    Remove,
    /// Keys that may have been made unseen are looked for, and deleted.
    Settle,
    /// The old key gets its name back, after the server's own rotation.
    Unmark,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Create => "create the new key",
            Self::Compare => "compare it with the old one",
            Self::Store => "store the new key",
            Self::Deploy => "deploy",
            Self::Verify => "verify the new key",
            Self::Overlap => "let both keys work",
            Self::Rename => "give the new key its name",
            Self::Retire => "retire the old key",
            Self::SettleStore => "wait for late writes",
            Self::Look => "look at the store",
            Self::Restore => "put the old key back",
            Self::Redeploy => "deploy the old key again",
            Self::Remove => "delete the new key",
            Self::Settle => "look for keys made unseen",
            Self::Unmark => "give the old key its name back",
        })
    }
}

/// Something that happens in a rotation. No event holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        step: Step,
    },
    /// A step is done.
    Done {
        /// Which.
        step: Step,
        /// How long it took.
        took: Duration,
    },
    /// A step failed. What that leads to shows in the steps that follow.
    Failed {
        /// Which.
        step: Step,
        /// How long it took.
        took: Duration,
        /// Why, in a sentence.
        why: String,
    },
    /// Something worth knowing, such as what a plan costs or that a call is tried again.
    Note {
        /// It, in a sentence.
        text: String,
    },
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The store holds the new key.
    Rotated,
    /// The store holds what it held, and the new key is gone.
    AsBefore,
    /// Neither, for now: both keys are there, and a person has to look.
    NeedsAttention,
    /// Neither, for now: it was [asked to stop](super::Stop), and `resume` goes on from here.
    Stopped,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// It does not exist: it was never made.
    NeverMade,
    /// It is the one in use.
    InUse,
    /// It works on beside the one in use.
    Kept,
    /// It works until the end of the grace period.
    Expires,
    /// It was deleted.
    Deleted,
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
    /// What became of the old key.
    pub old: Fate,
    /// The new key's id, if one was made and taken into use.
    pub new_id: Option<String>,
    /// What became of the new key.
    pub new: Fate,
    /// Every step that was taken.
    pub steps: Vec<StepReport>,
    /// Names under which a key that nobody holds may still appear: `sweep` looks again.
    pub unsettled: Vec<String>,
    /// What a person must do, a sentence each. Empty when all is well.
    pub todo: Vec<String>,
    /// Why it did not go on, when it did not.
    pub why: Option<String>,
}

impl RotationReport {
    /// Whether nothing is left to do: no marker to look for, nothing for a person.
    pub fn is_settled(&self) -> bool {
        self.unsettled.is_empty() && self.todo.is_empty()
    }
}
