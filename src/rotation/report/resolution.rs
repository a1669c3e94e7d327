//! The ways out: what a person can say or replace when a rotation needs attention.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a person found in the store, where the rotation cannot tell or must not guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreHolds {
    /// The key that is being replaced, or nothing in a store that was new.
    Old,
    /// The replacement.
    New,
    /// A key that is neither: it stays, and the replacement is removed.
    Other,
}

impl fmt::Display for StoreHolds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Other => "other",
        })
    }
}

/// One way to end what needs attention: an option of [`Resume`](super::super::Resume).
///
/// It displays as the options that a command line has for it, such as `--store-holds new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Resume it as it is, once what stood in the way is gone.
    Retry,
    /// [`deploy`](super::super::Resume::deploy): another deploy hook, since this one cannot work.
    Deploy,
    /// [`deployed`](super::super::Resume::deployed): the workload has what the store holds.
    Deployed,
    /// [`verify`](super::super::Resume::verify): another verify hook.
    Verify,
    /// [`store_holds`](super::super::Resume::store_holds): what a person found in the store.
    StoreHolds(StoreHolds),
    /// [`adopt`](super::super::Resume::adopt), with the store named again: it is gone on with from
    /// this host, or from the place to which the store has moved.
    Adopt,
    /// Resume it with another key, of the organization that the rotation belongs to.
    Caller,
    /// [`give_up`](super::super::Resume::give_up): nothing more is changed, and what stays is listed.
    GiveUp,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry => Ok(()),
            Self::Deploy => f.write_str("--deploy COMMAND"),
            Self::Deployed => f.write_str("--deployed"),
            Self::Verify => f.write_str("--verify COMMAND"),
            Self::StoreHolds(holds) => write!(f, "--store-holds {holds}"),
            Self::Adopt => f.write_str("--store STORE"),
            Self::Caller => f.write_str("--key-file FILE"),
            Self::GiveUp => f.write_str("--give-up"),
        }
    }
}

impl Resolution {
    /// What it does, in a sentence for a person who has to choose.
    pub fn explain(&self) -> &'static str {
        match self {
            Self::Retry => "try again, once what stood in the way is gone",
            Self::Deploy => "deploy the workload with another command",
            Self::Deployed => "the workload already has the key that the store holds",
            Self::Verify => "verify the new key with another command",
            Self::StoreHolds(StoreHolds::Old) => {
                "the store holds the old key: the new one is removed"
            }
            Self::StoreHolds(StoreHolds::New) => {
                "the store holds the new key: the rotation is finished"
            }
            Self::StoreHolds(StoreHolds::Other) => {
                "the store holds another key, which stays: the new one is removed"
            }
            Self::Adopt => "go on from this host, with the store as it is found here",
            Self::Caller => "use another key, which can see the rotation",
            Self::GiveUp => "change nothing more, and list what stays",
        }
    }
}
