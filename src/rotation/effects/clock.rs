//! Time, so that tests need not wait for it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_core::future::BoxFuture;
use tokio::time::Instant;

/// Where a rotation's time comes from. Tests put in one of their own; all others need none.
pub trait Clock: Send + Sync {
    /// The time since some fixed moment. It never goes back, whatever happens to the calendar.
    fn elapsed(&self) -> Duration;

    /// This machine's calendar, for journals and for servers that do not say what time it is. Lifetimes
    /// are reckoned by the server's.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    began: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
