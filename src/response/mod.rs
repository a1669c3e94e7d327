//! A successful response: its value, and what came with it.

mod body;
pub(crate) mod download;
pub(crate) mod sse;
mod streaming;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

pub(crate) use self::body::ResponseBody;
pub(crate) use self::streaming::{Reopen, StreamingResponse};
use crate::error::Scrubber;
use crate::model::target::Target;

/// What the reading of a response is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For one attempt, the reading of the response included.
    pub(crate) timeout: Duration,
    /// The longest silence while a stream is read.
    pub(crate) idle_timeout: Duration,
    /// The most that a response may have that is no stream.
    pub(crate) max_bytes: usize,
}

/// A success that was read to its end.
pub(crate) struct BufferedResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ResponseBody,
}

impl BufferedResponse {
    /// Whether this is a page for a browser, which no API sends.
    pub(crate) fn is_page(&self) -> bool {
        let media_type = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_html = |text: &[u8]| {
            ["text/html", "application/xhtml"].iter().any(|html| {
                text.get(..html.len()).is_some_and(|t| t.eq_ignore_ascii_case(html.as_bytes()))
            })
        };
        let body = self.body.trim_ascii_start();
        !body.is_empty() && (media_type.is_some_and(is_html) || body.starts_with(b"<"))
    }
}

#[allow(dead_code)] // for operations with several successful responses
impl BufferedResponse {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// A value with the status and the headers that came with it. Derefs to the value.
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
    target: Target,
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, status: StatusCode, headers: HeaderMap, target: Target) -> Self {
        Self { value, status, headers, target }
    }

    /// The value by itself.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The status. It is 404 where a retried deletion found nothing left to delete.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The server's name for the call, to quote to its support.
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers, &Scrubber::default())
    }

    /// The same response with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { value, status, headers, target } = self;
        Response { value: change(value), status, headers, target }
    }
}

/// The request id: the API's own header first, then the one of the network before it.
pub(crate) fn request_id(headers: &HeaderMap, scrubber: &Scrubber) -> Option<String> {
    ["x-request-id", "request-id", "cf-ray"].into_iter().find_map(|name| {
        let id = headers.get(name)?.to_str().ok()?;
        Some(scrubber.line(id, 128)).filter(|id| !id.is_empty())
    })
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Response<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    /// Without the headers, which may hold cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("request_id", &self.request_id())
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
