//! Responses that a test wants instead of those that are made from the document.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde_json::Value;

use super::contract::{Contract, Resume, events};
use super::merge::merge;
use super::response::{Content, Response, coded_body};

/// A response of your own: see [`Server::respond`](crate::testing::Server::respond).
///
/// ```
/// use onkernel::serde_json::json;
/// use onkernel::testing::Stub;
///
/// // As it would be, but for these fields.
/// Stub::merge(json!({ "status": "running" }));
/// // An error, in the form of all errors.
/// Stub::error(402, "payment_required", "the trial is over");
/// // Three events; the connection breaks after the second, and a client that resumes gets the third.
/// Stub::events([json!({ "n": 1 }), json!({ "n": 2 }), json!({ "n": 3 })]).cut_after(2);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Stub {
    body: Body,
    status: Option<u16>,
    headers: Vec<(String, String)>,
}

#[derive(Clone)]
enum Body {
    Merge(Value),
    Json(Value),
    Bytes { media_type: String, bytes: Vec<u8> },
    Events { all: Vec<Value>, cut: Option<usize> },
}

impl Stub {
    fn new(body: Body) -> Self {
        Self { body, status: None, headers: Vec::new() }
    }

    /// The response that the document asks for, with this merged into its JSON as RFC 7396 says: `null`
    /// removes a field. In a list it is merged into each item.
    pub fn merge(patch: Value) -> Self {
        Self::new(Body::Merge(patch))
    }

    /// This JSON, whatever the document says.
    pub fn json(body: Value) -> Self {
        Self::new(Body::Json(body))
    }

    /// These bytes.
    pub fn bytes(media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Body::Bytes { media_type: media_type.into(), bytes: bytes.into() })
    }

    /// A stream of these events, which then ends. They have the ids 1, 2, 3 and so on; a request with
    /// `Last-Event-ID` gets those that follow, and one with `since` those whose `timestamp` is not older.
    pub fn events(all: impl IntoIterator<Item = Value>) -> Self {
        Self::new(Body::Events { all: all.into_iter().collect(), cut: None })
    }

    /// An error with this status, in the documented form.
    pub fn error(status: u16, code: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self::json(coded_body(code.as_ref(), message.as_ref())).status(status)
    }

    /// With this status instead of the documented one. One outside of 200 to 599 is sent as 500.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With this header, in place of what it had. One that HTTP does not allow is left out.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Breaks the connection after so many events, wherever that is not the end. Says something about
    /// [`events`](Self::events) alone.
    pub fn cut_after(mut self, events: usize) -> Self {
        if let Body::Events { cut, .. } = &mut self.body {
            *cut = Some(events);
        }
        self
    }

    /// What becomes of the response that the document asks for.
    pub(super) fn apply(self, mut made: Response, resume: &Resume) -> Response {
        made.content = match self.body {
            Body::Merge(patch) => {
                if let Some(body) = made.content.json() {
                    merge(body, &patch);
                }
                made.content
            }
            Body::Json(body) => Content::Json(body),
            Body::Bytes { media_type, bytes } => Content::bytes(media_type, bytes),
            Body::Events { all, cut } => events(&all, resume, cut),
        };
        if let Some(status) = self.status {
            made.status = if (200..=599).contains(&status) { status } else { 500 };
        }
        for (name, value) in self.headers {
            made.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            made.headers.push((name, value));
        }
        made
    }
}

/// Without what a test put into it.
impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stub").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The stubs by operation. Each is given once, in their order; the last one from then on.
#[derive(Clone, Default)]
pub(super) struct Stubs(BTreeMap<String, Queue>);

#[derive(Clone, Default)]
struct Queue {
    stubs: VecDeque<Stub>,
    /// Whether the first one has been given.
    is_given: bool,
}

impl Stubs {
    pub(super) fn add(&mut self, operation: &str, stub: Stub) -> Result<(), UnknownOperation> {
        match Contract::get().operation(operation) {
            Some(it) if !it.is_on_keys() => {
                self.0.entry(operation.to_owned()).or_default().stubs.push_back(stub);
                Ok(())
            }
            found => {
                Err(UnknownOperation { id: operation.to_owned(), is_on_keys: found.is_some() })
            }
        }
    }

    pub(super) fn next(&mut self, operation: &str) -> Option<Stub> {
        let queue = self.0.get_mut(operation)?;
        if queue.is_given && queue.stubs.len() > 1 {
            queue.stubs.pop_front();
        }
        queue.is_given = true;
        queue.stubs.front().cloned()
    }
}

/// There is no such operation to respond to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperation {
    id: String,
    is_on_keys: bool,
}

impl fmt::Display for UnknownOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.id;
        match self.is_on_keys {
            true => {
                write!(f, "`{id}` has state, so that its responses follow; use a fault instead")
            }
            false => write!(
                f,
                "no operation is called `{id}`; ids are such as `browsers.create`, resource and \
                 method, and `onkernel::operations::ALL` lists them"
            ),
        }
    }
}

impl std::error::Error for UnknownOperation {}
