//! What the stores that are reached over HTTP share: sending, what a missing response means, and
//! how long is tried again.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Request, StatusCode};
use zeroize::Zeroizing;

use super::StoreError;
use crate::connection::http;
use crate::connection::origin::Base;
use crate::error::{Cause, Scrubber};

/// More than any of these stores keeps under one name.
const MOST_BODY: usize = 4 << 20;
/// What is tried again is tried at first after this long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The server of a store.
pub(super) struct Remote {
    pub(super) base: Base,
    pub(super) http: reqwest::Client,
    attempt: Duration,
}

/// What the server sent, whatever its status.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

/// Why there is no response.
pub(super) enum NoResponse {
    /// The server has not seen the request.
    NotSent(String),
    /// It may have done what was requested.
    Lost(String),
}

impl Remote {
    /// The server at this address, whose requests may take a third of this time each.
    pub(super) fn new(
        address: &str,
        plain_http: bool,
        authorities: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, String> {
        if reqwest::Url::parse(address).is_err() {
            return Err("it is not a URL; give one like `https://host:8200`".into());
        }
        let base = Base::parse(address, true)?;
        if !base.is_https() && !base.is_loopback() && !plain_http {
            return Err("plain `http://` would send the secret in the clear; use `https://`".into());
        }
        let attempt = (timeout / 3).max(Duration::from_secs(1));
        let (http, _) =
            http::build_trusting(&base, attempt, authorities).map_err(|error| error.to_string())?;
        Ok(Self { base, http, attempt })
    }

    /// Sends a request once.
    pub(super) async fn send(&self, mut request: Request) -> Result<Reply, NoResponse> {
        *request.timeout_mut() = Some(self.attempt);
        let lost = |error: reqwest::Error| {
            let sent = !error.is_connect() && !error.is_builder();
            let cause = Cause::of(&error.without_url(), &Scrubber::default());
            match sent {
                true => NoResponse::Lost(format!("the response was lost ({})", cause.root())),
                false => NoResponse::NotSent(format!("it cannot be reached ({})", cause.root())),
            }
        };
        let mut response = self.http.execute(request).await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut body = with_room(length.unwrap_or(16 << 10));
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MOST_BODY {
                return Err(NoResponse::Lost("the response is too large".into()));
            }
            if body.len() + chunk.len() > body.capacity() {
                // The smaller one is wiped.
                let mut larger = with_room(2 * (body.len() + chunk.len()));
                larger.extend_from_slice(&body);
                body = larger;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

fn with_room(bytes: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(bytes.min(MOST_BODY)))
}

/// A request body that is wiped when it was sent.
pub(super) fn body(text: Zeroizing<String>) -> Bytes {
    struct Wiped(Zeroizing<String>);
    impl AsRef<[u8]> for Wiped {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }
    Bytes::from_owner(Wiped(text))
}

impl Reply {
    /// The body, which should be text.
    pub(super) fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.body).map_err(|_| "its response is not text".into())
    }

    /// What the server says, in a line without secrets. Not for responses to what held one: an
    /// error may quote the request, and in it values that nobody here knows to be secret.
    pub(super) fn excerpt(&self) -> String {
        match Scrubber::default().excerpt(&self.body, 300) {
            Some(said) => format!("{}: {said}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    /// How long the server says to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get("retry-after")?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}

/// How long something is tried again.
pub(super) struct Patience {
    /// Nothing where it is later than time can hold.
    until: Option<Instant>,
    wait: Duration,
}

impl Patience {
    pub(super) fn new(time: Duration) -> Self {
        Self { until: Instant::now().checked_add(time), wait: FIRST_WAIT }
    }

    /// Waits before the next attempt; `false`, at once, when there is no time for another.
    pub(super) async fn again(&mut self, least: Option<Duration>) -> bool {
        let jitter = self.wait.mul_f64(0.5 * fastrand::f64());
        let wait = (self.wait + jitter).max(least.unwrap_or_default());
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        match Instant::now().checked_add(wait) {
            Some(then) if self.until.is_none_or(|until| then <= until) => {}
            _ => return false,
        }
        tokio::time::sleep(wait).await;
        true
    }
}

/// A value that goes into a path, escaped whatever it holds.
pub(super) fn segment(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing into a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// The first of these variables that is set.
pub(super) fn variable(names: &[&str]) -> Option<String> {
    let value = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    names.iter().find_map(value)
}

/// A small file's text.
pub(super) async fn file(path: &std::path::Path) -> Result<Zeroizing<String>, StoreError> {
    tokio::fs::read_to_string(path).await.map(Zeroizing::new).map_err(|error| {
        StoreError::failed(format!("{} cannot be read: {error}", path.display())).caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn times_that_no_clock_can_hold() {
        for patience in [Duration::ZERO, Duration::from_secs(30), Duration::MAX] {
            let mut patience = Patience::new(patience);
            let again = patience.again(Some(Duration::from_secs(u64::MAX)));
            assert_eq!(again.now_or_never(), Some(false));
        }
    }
}
