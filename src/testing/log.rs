//! What was asked of the server and what came of it, for tests to look at.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// One request, in the order in which they were decided.
///
/// No plaintext is ever kept here: no header, no body, no value of a query parameter, and a path
/// segment that looks like a key is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// The `x-request-id` of the response.
    pub request_id: String,
    /// When it was decided, by the server's clock.
    pub at: DateTime<Utc>,
    /// The method; empty when the connection was refused before a request was read.
    pub method: String,
    /// The path; empty when the connection was refused before a request was read.
    pub path: String,
    /// The names of the query parameters, in their order.
    pub query: Vec<String>,
    /// The status that was sent; none when the caller got no response.
    pub status: Option<u16>,
    /// The id of the key that asked, when it authenticated.
    pub caller: Option<String>,
    /// What changed, whether or not the caller was told.
    pub effect: Option<Effect>,
    /// The fault that was applied, in words, such as `drop after the effect`.
    pub fault: Option<String>,
    /// Whether this is the late landing of a request whose caller had given up.
    pub late: bool,
}

/// What a request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// A key came into being.
    Created {
        /// The new key.
        id: String,
    },
    /// A key was given a name.
    Renamed {
        /// The key.
        id: String,
    },
    /// A key was deleted.
    Deleted {
        /// The key.
        id: String,
    },
    /// A key was replaced by the server's own rotation.
    Rotated {
        /// The key whose end was set.
        old: String,
        /// Its replacement.
        new: String,
    },
}

/// A request that kept to the document: see [`Server::received`](crate::testing::Server::received).
#[derive(Clone)]
#[non_exhaustive]
pub struct Received {
    /// The id of the operation, such as `browsers.create`.
    pub operation: String,
    /// The parameters of path, query and headers, by name.
    pub parameters: Map<String, Value>,
    /// The body as JSON, that of a form as well; null where there is none, and text where it is bytes.
    /// Of a file it is the first 64 KiB.
    pub body: Value,
    /// How many bytes the body had.
    pub size: u64,
}

/// Without what was sent, which may be secret.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// A path without anything that looks like a plaintext.
pub(super) fn scrub(path: &str) -> String {
    let clean = |segment: &str| match segment.contains("sk_") {
        true => "sk_...".to_owned(),
        false => segment.to_owned(),
    };
    path.split('/').map(clean).collect::<Vec<_>>().join("/")
}
