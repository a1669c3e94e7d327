//! What a call may set for itself.

use std::time::Duration;

use crate::send::Options;

/// Options of a client's calls: see [`Client::with`](crate::Client::with). What is not set stays as it is.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct CallOptions {
    timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    deadline: Option<Duration>,
    retries: Option<u32>,
    backoff: Option<(Duration, Duration)>,
    max_retry_after: Option<Duration>,
    max_response_bytes: Option<usize>,
}

impl CallOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time for one attempt, the reading of the response included. Default: 60 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The longest silence while a download or a stream of events is read, which have no other
    /// limit of time. Default: 5 minutes.
    pub fn idle_timeout(mut self, silence: Duration) -> Self {
        self.idle_timeout = Some(silence);
        self
    }

    /// The time for a call in all: attempts, waits between them, and the fetching of a key.
    /// Default: no bound but that of the attempts. Each page of a stream is a call.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How often a failed call is retried where that is safe. Default: 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The wait before the first retry, and the longest: each is twice as long as the one
    /// before, less up to a quarter by chance. Default: 0.5 and 8 seconds.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Some((first, longest));
        self
    }

    /// The longest wait that the server may ask for with `Retry-After`; if it asks for more, the
    /// call fails, and the error says for how much. Default: 60 seconds.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = Some(longest);
        self
    }

    /// The most bytes that a response may have. Default: 16 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = Some(bytes);
        self
    }

    pub(crate) fn apply(self, options: &mut Options) {
        fn set<T>(value: Option<T>, place: &mut T) {
            if let Some(value) = value {
                *place = value;
            }
        }
        let limits = &mut options.limits;
        set(self.timeout, &mut limits.timeout);
        set(self.idle_timeout, &mut limits.idle_timeout);
        set(self.max_response_bytes, &mut limits.max_bytes);
        let retry = &mut options.retry;
        set(self.deadline.map(Some), &mut retry.deadline);
        set(self.retries, &mut retry.retries);
        set(self.max_retry_after, &mut retry.longest_asked);
        if let Some((first, longest)) = self.backoff {
            (retry.first, retry.longest) = (first, longest);
        }
    }
}
