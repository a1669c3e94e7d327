//! One attempt: how far it came, and what can go wrong in it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use super::retry::Outcome;
use crate::connection::credentials::Key;
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

    /// The time for the next step, and what has passed when it is over.
    pub(super) fn next(&self) -> (Duration, ErrorKind) {
        match self.deadline.map(|all| all.saturating_sub(self.elapsed())) {
            Some(left) if left < self.timeout => (left, ErrorKind::Deadline),
            _ => (self.timeout, ErrorKind::Timeout),
        }
    }
}

/// How far an attempt has come; kept outside of it, so that a timeout leaves it behind.
#[derive(Default)]
pub(super) struct SoFar {
    pub(super) key: Option<Arc<Key>>,
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
    OutOfTime(ErrorKind, Duration),
    Transport(reqwest::Error),
    /// What is to be sent cannot be read.
    Body(String),
    /// The caller's own HTTP client followed a redirect.
    Elsewhere,
    TooLarge(usize),
}

/// How far an attempt came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Key,
    Sent,
    Response,
}
