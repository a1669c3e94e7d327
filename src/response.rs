//! A successful answer: its value, and what came with it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::call::Target;
use crate::scrub::Scrubber;

/// What the server answered. Derefs to the value.
#[derive(Clone)]
pub struct ResponseValue<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
    target: Target,
}

impl<T> ResponseValue<T> {
    pub(crate) fn new(value: T, status: StatusCode, headers: HeaderMap, target: Target) -> Self {
        Self { value, status, headers, target }
    }

    /// The value by itself.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The status. It is 404 where a repeated deletion found nothing left to delete.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The server's name for the call, to quote to its support.
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers, &Scrubber::default())
    }

    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ResponseValue<U> {
        let Self { value, status, headers, target } = self;
        ResponseValue { value: change(value), status, headers, target }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

/// The request id: the API's own header first, then the one of the network before it.
pub(crate) fn request_id(headers: &HeaderMap, scrubber: &Scrubber) -> Option<String> {
    ["x-request-id", "request-id", "cf-ray"].into_iter().find_map(|name| {
        let id = headers.get(name)?.to_str().ok()?;
        Some(scrubber.line(id, 128)).filter(|id| !id.is_empty())
    })
}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for ResponseValue<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for ResponseValue<T> {
    /// Without the headers, which may hold cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseValue")
            .field("status", &self.status.as_u16())
            .field("request_id", &self.request_id())
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
