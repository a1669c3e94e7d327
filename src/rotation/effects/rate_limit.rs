//! The server's rate limit: a wait that it asked of one rotation is kept by all that share this.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;

/// Until when nobody sends: one for each rotation by itself, one for a whole fleet.
pub(crate) struct RateLimit {
    pub(crate) clock: Arc<dyn Clock>,
    until: Mutex<Duration>,
}

impl RateLimit {
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

    /// Until when, by the clock, nobody is to send.
    pub(crate) fn until(&self) -> Duration {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long nobody is to send.
    pub(crate) fn left(&self) -> Duration {
        self.until().saturating_sub(self.clock.elapsed())
    }
}
