//! The server's wish to be left alone for a while, shared by all the rotations that ask it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;

/// Until when nobody sends: one for each rotation by itself, one for a whole fleet.
pub(crate) struct Pace {
    pub(crate) clock: Arc<dyn Clock>,
    until: Mutex<Duration>,
}

impl Pace {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, until: Mutex::default() }
    }

    /// Nobody sends for this long, in whole milliseconds: a clock may know no smaller ones.
    pub(crate) fn hold_back(&self, time: Duration) {
        let time = Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let until = self.clock.elapsed().saturating_add(time);
        let mut held = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = until.max(*held);
    }

    /// How long it is still to be left alone.
    pub(crate) fn left(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_sub(self.clock.elapsed())
    }
}
