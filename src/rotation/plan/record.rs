//! What a rotation is going to do: the first line of its journal.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::Place;
use crate::rotation::evidence::fingerprint::Fingerprint;
use crate::types::ApiKeyPolicy;

/// How long the replacement is to live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// As long as the old key was made to live. Rejected where that cannot be told or kept.
    #[default]
    AsOld,
    /// So many days from its creation, 1 to 3650.
    Days(i64),
    /// Until this moment, which must be in the future and, when the key that is rotated makes its
    /// own replacement, no later than that key's end.
    Until(DateTime<Utc>),
    /// For ever.
    Never,
}

/// What is done with the old key when the new one is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retirement {
    /// It is deleted, after the overlap.
    Delete,
    /// It stays as it is.
    Keep,
    /// The server's own rotation makes the new key and ends the old one after so many days, 1 to
    /// 3650. This cannot be undone: the old key's end has moved whatever comes of the rotation.
    Grace {
        /// The days for which the old key goes on working.
        days: i64,
    },
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete => f.write_str("delete"),
            Self::Keep => f.write_str("keep"),
            Self::Grace { days } => write!(f, "expire after {days} days"),
        }
    }
}

/// The lifetime to ask for: nothing is left to be told later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    Never,
    Days(i64),
    /// This long from the moment of asking.
    For {
        milliseconds: i64,
    },
    Until(DateTime<Utc>),
    /// The server's own rotation keeps the lifetime when it is left out.
    AsServerKnows,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never expires"),
            Self::Days(1) => f.write_str("1 day"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::For { milliseconds } => {
                write!(f, "{} minutes, as the old key's", milliseconds / 60_000)
            }
            Self::Until(end) => {
                write!(f, "until {}", end.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            Self::AsServerKnows => f.write_str("as the old key's"),
        }
    }
}

/// The end of a key before the server's own rotation moved it; `None` in it: it never ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndBefore {
    pub(crate) at: Option<DateTime<Utc>>,
}

/// What resuming needs to know of a rotation: the first line of its journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) rotation: String,
    pub(crate) old_id: String,
    /// The real name, which the new key gets in the end.
    pub(crate) name: String,
    pub(crate) project_id: Option<String>,
    /// The old key's end as it was.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The one before that, where an earlier rotation has had the server move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_before: Option<EndBefore>,
    pub(crate) ask: Ask,
    /// The longest that the new key may live, in milliseconds.
    pub(crate) longest_ms: Option<i64>,
    pub(crate) retirement: Retirement,
    /// Where and for whom it goes on.
    #[serde(default)]
    pub(crate) place: Place,
    /// What the store calls itself.
    pub(crate) store: String,
    pub(crate) store_is_new: bool,
    /// Which key the store held.
    pub(crate) old: Option<Fingerprint>,
    /// The key that is replaced makes its own replacement.
    pub(crate) own: bool,
    pub(crate) allowed: Vec<String>,
    /// The old key's policy, in the form that creating takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<ApiKeyPolicy>,
    /// The caller's own note: hooks as a command line gave them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) note: Value,
}
