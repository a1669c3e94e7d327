//! One attempt: how far it came, and what can go wrong in it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use super::retry::Outcome;
use crate::connection::credentials::Lease;
use crate::error::{Error, ErrorKind};
use crate::request::Call;
use crate::response::{BufferedResponse, ResponseBody};

/// An attempt that succeeded.
pub(super) struct Success {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: ResponseBody,
    /// What is still to be read, if the call streams.
    pub(super) stream: Option<Box<Response>>,
}

impl Success {
    pub(super) fn buffered(self) -> BufferedResponse {
        BufferedResponse { status: self.status, headers: self.headers, body: self.body }
    }
}

/// An attempt that failed.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) outcome: Outcome,
    /// Whether the server says to try again.
    pub(super) should_retry: Option<bool>,
}

/// The time that a call has.
#[derive(Clone, Copy)]
pub(super) struct Time {
    /// When it was first awaited.
    pub(super) began: Option<Instant>,
    pub(super) timeout: Duration,
    pub(super) deadline: Option<Duration>,
}

impl Time {
    pub(super) fn elapsed(&self) -> Duration {
        self.began.map(|began| began.elapsed()).unwrap_or_default()
    }

    /// The time for the next attempt, and what has passed when it is over.
    pub(super) fn next(&self) -> (Duration, ErrorKind) {
        self.within(self.timeout)
    }

    /// So much time, unless the deadline is nearer; and what has passed when it is over.
    pub(super) fn within(&self, limit: Duration) -> (Duration, ErrorKind) {
        match self.deadline.map(|all| all.saturating_sub(self.elapsed())) {
            Some(left) if left < limit => (left, ErrorKind::Deadline),
            _ => (limit, ErrorKind::Timeout),
        }
    }
}

/// How far an attempt has come; kept outside of it, so that a timeout leaves it behind.
#[derive(Default)]
pub(super) struct SoFar {
    pub(super) key: Option<Lease>,
    pub(super) stage: Stage,
    pub(super) status: Option<StatusCode>,
    pub(super) headers: HeaderMap,
    pub(super) body: ResponseBody,
    pub(super) stream: Option<Box<Response>>,
}

impl SoFar {
    pub(super) fn nothing(call: &Call) -> Self {
        Self { body: ResponseBody::new(call.target.secret_response()), ..Self::default() }
    }
}

/// What can go wrong in an attempt besides an error status.
pub(super) enum Trouble {
    NoKey(Error),
    OutOfTime(ErrorKind),
    Transport(reqwest::Error),
    /// A proxy refused to connect, with this status if it is known.
    Rejected(reqwest::Error, Option<StatusCode>),
    /// What is to be sent cannot be read.
    Body(String),
    /// The caller's own HTTP client followed a redirect.
    Elsewhere,
    TooLarge(usize),
    /// The response has an encoding that was not requested.
    Encoded(String),
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is no key yet.
    #[default]
    Key,
    /// There is a key, and nothing has been sent.
    Connecting,
    /// A part of the request at least may have been sent.
    Sent,
    /// The head of a response has come.
    Response,
}
