//! A successful response whose body is still to be read.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Limits, request_id};
use crate::error::{Cause, Error, ErrorKind, Result, Scrubber};
use crate::model::target::Target;

/// A response that reports success and whose body is still to be read.
pub(crate) struct StreamingResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) target: Target,
    pub(crate) scrubber: Scrubber,
    pub(crate) body: reqwest::Response,
    pub(crate) limits: Limits,
    pub(crate) reopen: Reopen,
}

/// How a stream that broke off is asked for again.
#[derive(Clone)]
pub(crate) struct Reopen {
    /// Sends the call again, with the id of the last event.
    pub(crate) send: Arc<dyn Fn(HeaderValue) -> Reopening + Send + Sync>,
    /// From where on, if no event has had an id.
    pub(crate) last_event: Option<HeaderValue>,
    /// How often in a row.
    pub(crate) retries: u32,
    /// The least wait before it.
    pub(crate) wait: Duration,
}

/// A stream that is being asked for again.
pub(crate) type Reopening = Pin<Box<dyn Future<Output = Result<StreamingResponse>> + Send>>;

impl StreamingResponse {
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers, &self.scrubber)
    }

    /// An error of this response.
    pub(crate) fn error(&self, kind: ErrorKind, problem: impl Into<String>) -> Error {
        Error::new(kind, problem).of(&self.target).with_response(self.status, self.request_id())
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let idle = self.limits.idle_timeout;
        match timeout(idle, self.body.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                let cause = Cause::of(&error.without_url(), &self.scrubber);
                let problem = format!("the response broke off: {}", cause.root());
                Err(self.error(ErrorKind::ConnectionLost, problem).caused_by(cause))
            }
            Err(_) => {
                let problem = format!("nothing arrived for {idle:?} while reading the response");
                Err(self.error(ErrorKind::Timeout, problem))
            }
        }
    }
}

/// What operations with several successful responses need: the bundled document has none.
#[allow(dead_code)]
impl StreamingResponse {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What a response's value is wrapped with.
    pub(crate) fn parts(&self) -> (StatusCode, HeaderMap, Target) {
        (self.status, self.headers.clone(), self.target.clone())
    }

    /// The body as JSON, which has the time and the size of every response that is no stream.
    pub(crate) async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        let limit = self.limits.timeout;
        let body = match timeout(limit, self.whole()).await {
            Ok(body) => body?,
            Err(_) => {
                let problem = format!("the timeout of {limit:?} passed while reading the response");
                return Err(self.error(ErrorKind::Timeout, problem));
            }
        };
        serde_json::from_slice(&body).map_err(|error| {
            let cause = Cause::of_json(&error, &body);
            let problem =
                format!("{}, but the response is not as documented: {cause}", self.status);
            self.error(ErrorKind::Decode, problem).caused_by(cause)
        })
    }

    async fn whole(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let mut body = Zeroizing::new(Vec::new());
        let most = self.limits.max_bytes;
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > most {
                let problem = format!("the response is larger than {most} bytes");
                return Err(self.error(ErrorKind::TooLarge, problem));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
