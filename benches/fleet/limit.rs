//! A rate limit as servers have it: a bucket that so many tokens a second drop into.

use std::time::Duration;

use tokio::time::Instant;

pub struct Limit {
    a_second: f64,
    tokens: f64,
    since: Instant,
}

impl Limit {
    /// So many requests a second, and at most as many at once.
    pub fn a_second(requests: u32) -> Self {
        let a_second = f64::from(requests);
        Self { a_second, tokens: a_second, since: Instant::now() }
    }

    pub fn allows(&mut self) -> bool {
        let now = Instant::now();
        let passed = now.duration_since(self.since).max(Duration::ZERO);
        self.since = now;
        self.tokens = (self.tokens + passed.as_secs_f64() * self.a_second).min(self.a_second);
        let allows = self.tokens >= 1.0;
        if allows {
            self.tokens -= 1.0;
        }
        allows
    }
}
