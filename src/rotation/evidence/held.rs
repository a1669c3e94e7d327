//! What the store holds, as far as it is proven.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Which {
    Old,
    New,
    /// Emptied, as a new store was.
    Nothing,
}

/// What a store shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holds {
    /// What it held before: the old key, or nothing in a new store.
    Old,
    New,
    /// Something that is neither key and works: somebody else put it there.
    Foreign,
    /// Something that is neither key and does not work, or nothing at all.
    Debris,
}

/// What is known of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum StoreState {
    /// Nothing was written to it by this rotation.
    #[default]
    Untouched,
    /// Something was written to it, and it has not shown that it holds it.
    Unconfirmed {
        since: Duration,
        wrote: Which,
        /// The store reported success, so that the write does not land later still.
        acknowledged: bool,
        /// An earlier write of something else was not confirmed either.
        mixed: bool,
        /// All of this was so long ago that none of it can land any more.
        settled: bool,
    },
    /// It was read back.
    Confirmed(Holds),
}

/// How long after a write a store may still show something else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// One that it acknowledged.
    pub(crate) propagation: Duration,
    /// One of which it is not known whether it will happen.
    pub(crate) settle: Duration,
}

impl StoreState {
    /// A write begins.
    pub(crate) fn writing(self, wrote: Which, since: Duration) -> Self {
        let mixed = match self {
            Self::Unconfirmed { wrote: before, mixed, .. } => mixed || before != wrote,
            Self::Untouched | Self::Confirmed(_) => false,
        };
        Self::Unconfirmed { since, wrote, acknowledged: false, mixed, settled: false }
    }

    /// The store reported that the write is done, at this moment.
    pub(crate) fn acknowledge(self, now: Duration) -> Self {
        match self {
            Self::Unconfirmed { wrote, mixed, settled, .. } => {
                Self::Unconfirmed { since: now, wrote, acknowledged: true, mixed, settled }
            }
            state => state,
        }
    }

    /// Whatever was written has landed by now, or never will.
    pub(crate) fn settle(self) -> Self {
        match self {
            Self::Unconfirmed { since, wrote, acknowledged, mixed, .. } => {
                Self::Unconfirmed { since, wrote, acknowledged, mixed, settled: true }
            }
            state => state,
        }
    }

    /// From when on whatever the store shows is so.
    pub(crate) fn proven_at(self, times: Times) -> Duration {
        match self {
            Self::Unconfirmed { since, acknowledged, mixed, settled: false, .. } => {
                let unknown = !acknowledged || mixed;
                let wait = if unknown { times.settle } else { Duration::ZERO };
                since.saturating_add(wait.max(times.propagation))
            }
            Self::Unconfirmed { .. } | Self::Untouched | Self::Confirmed(_) => Duration::ZERO,
        }
    }

    /// What is known after the store has shown this.
    pub(crate) fn shown(self, shows: Holds, now: Duration, times: Times) -> Self {
        match self {
            Self::Untouched if shows == Holds::Old => self,
            Self::Untouched | Self::Confirmed(_) => Self::Confirmed(shows),
            Self::Unconfirmed { wrote, mixed, .. } => {
                let wanted = if wrote == Which::New { Holds::New } else { Holds::Old };
                match (shows == wanted && !mixed) || now >= self.proven_at(times) {
                    true => Self::Confirmed(shows),
                    false => self,
                }
            }
        }
    }

    /// Whether it is known to hold what it held before.
    pub(crate) fn is_as_before(self) -> bool {
        matches!(self, Self::Untouched | Self::Confirmed(Holds::Old))
    }

    pub(crate) fn is_unconfirmed(self) -> bool {
        matches!(self, Self::Unconfirmed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { propagation: Duration::from_secs(30), settle: Duration::from_secs(120) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_write_is_confirmed_by_reading_it_back() {
        let state = StoreState::Untouched.writing(Which::New, at(5)).acknowledge(at(6));
        assert_eq!(state.shown(Holds::New, at(6), TIMES), StoreState::Confirmed(Holds::New));
        // What it shows instead proves nothing until it must have shown.
        assert!(state.shown(Holds::Old, at(35), TIMES).is_unconfirmed());
        assert_eq!(state.shown(Holds::Old, at(36), TIMES), StoreState::Confirmed(Holds::Old));
    }

    #[test]
    fn after_two_writes_only_time_tells() {
        let state = StoreState::Untouched.writing(Which::New, at(5)).writing(Which::Old, at(9));
        let state = state.acknowledge(at(10));
        assert!(state.shown(Holds::Old, at(10), TIMES).is_unconfirmed());
        assert_eq!(state.proven_at(TIMES), at(130));
        assert_eq!(state.shown(Holds::New, at(130), TIMES), StoreState::Confirmed(Holds::New));
    }
}
