//! What a store is like, as a value: for plans, listings and tests of stores.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Store, TakesEffect};
use crate::Secret;

/// What a store can do, and what a rotation makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreProfile {
    /// What it [calls itself](Store::describe).
    pub store: String,
    /// Whether it can be read back. One that cannot is one-way: a failed write needs a person.
    pub readable: bool,
    /// Whether it replaces a value only where it still holds the expected one.
    pub compare_and_swap: bool,
    /// Whether other hosts reach the same place by the same description.
    pub shared: bool,
    /// How long a write that it acknowledged may take to show; in JSON, seconds.
    #[serde(serialize_with = "seconds")]
    pub propagation: Duration,
    /// When a running workload sees a change.
    pub takes_effect: TakesEffect,
}

impl StoreProfile {
    /// Asks a store. Nothing is read or written.
    ///
    /// ```
    /// use onkernel::rotation::{FileStore, StoreProfile, TakesEffect};
    ///
    /// let profile = StoreProfile::of(&FileStore::new("/etc/agent/kernel-key"));
    /// assert!(profile.readable && !profile.shared);
    /// assert_eq!(profile.takes_effect, TakesEffect::Restart);
    /// ```
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        let none = Secret::from("");
        Self {
            store: store.describe(),
            readable: store.readable(),
            // It is made and never polled, so that nothing happens.
            compare_and_swap: store.compare_and_swap(&none, &none).is_some(),
            shared: store.shared(),
            propagation: store.propagation(),
            takes_effect: store.takes_effect(),
        }
    }
}

pub(in crate::rotation) fn seconds<S: Serializer>(
    time: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
