//! What has changed and when, so that a reader can be shown what was so before.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use super::record::KeyRecord;
use crate::testing::clock::Moment;

/// How long a change takes to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
#[non_exhaustive]
pub enum Lag {
    /// So long by the server's own clock, which tests move: nobody has to wait.
    Time(Duration),
    /// So long in real time.
    Real(Duration),
    /// Until so many further requests to the API have been made, by whomever.
    Requests(u64),
}

/// A lag as a file writes it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Ms(u64),
    RealMs(u64),
    Requests(u64),
}

impl From<Written> for Lag {
    fn from(written: Written) -> Self {
        match written {
            Written::Ms(ms) => Lag::Time(Duration::from_millis(ms)),
            Written::RealMs(ms) => Lag::Real(Duration::from_millis(ms)),
            Written::Requests(count) => Lag::Requests(count),
        }
    }
}

impl Lag {
    fn hides(self, change: Moment, now: Moment) -> bool {
        match self {
            Lag::Time(lag) => {
                now.time - change.time < TimeDelta::from_std(lag).unwrap_or(TimeDelta::MAX)
            }
            Lag::Real(lag) => now.real.duration_since(change.real) < lag,
            Lag::Requests(count) => now.requests - change.requests <= count,
        }
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lag::Time(lag) => write!(f, "{} ms", lag.as_millis()),
            Lag::Real(lag) => write!(f, "{} ms of real time", lag.as_millis()),
            Lag::Requests(count) => write!(f, "{count} requests"),
        }
    }
}

/// What can happen to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// It came into being.
    Created,
    /// It was given another name, end or policy.
    Updated,
    /// It was deleted.
    Deleted,
}

/// Which changes are not seen yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::testing) struct Stale {
    pub(in crate::testing) lag: Lag,
    /// Of these kinds only; none for all.
    #[serde(default)]
    pub(in crate::testing) changes: Vec<Change>,
}

impl Stale {
    pub(super) fn hides(&self, version: &Version, now: Moment) -> bool {
        let concerned = self.changes.is_empty() || self.changes.contains(&version.change);
        concerned && version.at.is_some_and(|at| self.lag.hides(at, now))
    }
}

/// A key after a change.
#[derive(Clone)]
pub(super) struct Version {
    /// None for what has always been so.
    pub(super) at: Option<Moment>,
    pub(super) change: Change,
    pub(super) record: KeyRecord,
}
