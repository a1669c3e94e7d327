//! What the client knows of an operation before it is called: generated facts, read by the runtime.

/// One operation of the document: a method on a path, and how it may be treated.
///
/// The generated ones are in [`operations`](crate::operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Operation {
    /// Resource and method, such as `api_keys.create`.
    pub id: &'static str,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path with its parameters in braces, such as `/org/api_keys/{id}`.
    pub path: &'static str,
    /// Whether the call may be sent again after a failure.
    pub idempotency: Idempotency,
    /// Whether a successful response holds a secret, so that no part of it may be quoted in an error.
    pub secret_response: bool,
}

/// Whether a call that failed may be sent again.
///
/// Written per operation by the generator, from the method and the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idempotency {
    /// Sending it twice does no more than sending it once.
    Idempotent,
    /// It is sent again only where the server provably did nothing: not connected, not processed by
    /// the rules of HTTP/2, rate limited with 429, or an error of the request to which the server
    /// says `x-should-retry`.
    NotIdempotent,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
