//! The server's own time: tests move it, so that nobody has to wait.

use std::time::Instant;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Where "now" comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// The machine's time, moved by what tests have added.
    Running(TimeDelta),
    /// Stands still until it is moved.
    Stopped(DateTime<Utc>),
}

/// A moment, by everything that a lag can be counted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// By the server's clock.
    pub(super) time: DateTime<Utc>,
    /// In real time.
    pub(super) real: Instant,
    /// How many requests to the API there have been.
    pub(super) requests: u64,
}

impl Clock {
    /// The present moment, in whole milliseconds as the API writes them.
    pub(super) fn now(self) -> DateTime<Utc> {
        let now = match self {
            Clock::Running(ahead) => later(Utc::now(), ahead),
            Clock::Stopped(at) => at,
        };
        // Rounding fails only outside the years 1677 to 2262; such a time is kept as it is.
        now.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(now)
    }

    pub(super) fn advance(&mut self, by: TimeDelta) {
        match self {
            Clock::Running(ahead) => *ahead = ahead.checked_add(&by).unwrap_or(*ahead),
            Clock::Stopped(at) => *at = later(*at, by),
        }
    }

    pub(super) fn set(&mut self, to: DateTime<Utc>) {
        match self {
            Clock::Running(ahead) => *ahead = to - Utc::now(),
            Clock::Stopped(at) => *at = to,
        }
    }
}

/// `by` after `from`, or the end of time where that cannot be written.
pub(super) fn later(from: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    from.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A time as HTTP headers write it.
pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
