//! A clock for the demo: where a rotation waits, time passes at once, on the server as well.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use onkernel::rotation::Clock;
use onkernel::testing::Server;

/// Skips every wait.
pub(super) struct FastClock {
    server: Server,
    began: Instant,
    skipped: Mutex<Duration>,
}

impl FastClock {
    pub(super) fn new(server: &Server) -> Self {
        Self { server: server.clone(), began: Instant::now(), skipped: Mutex::default() }
    }
}

impl Clock for FastClock {
    fn elapsed(&self) -> Duration {
        self.began.elapsed() + *self.skipped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        self.server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        *self.skipped.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.server.advance(TimeDelta::from_std(time).unwrap_or_default());
        Box::pin(tokio::task::yield_now())
    }
}
