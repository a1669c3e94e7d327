//! The kinds of failure.

/// What kind of failure an [`Error`](crate::Error) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client could not be built: a setting is missing or malformed.
    Configuration,
    /// The call is invalid: a value is out of the document's bounds, and nothing was sent; or what was
    /// to be sent could not be read to its end, and the request was not completed.
    InvalidRequest,
    /// There was no API key to send: its source failed.
    Credentials,
    /// Nothing was sent: the rotation to which the call belongs was asked to stop.
    Stopped,
    /// No connection was made; nothing was sent.
    Connect,
    /// The connection was lost after the request, or a part of it, had been sent.
    ConnectionLost,
    /// An attempt took longer than its timeout.
    Timeout,
    /// The call, with its retries and waits, took longer than its deadline.
    Deadline,
    /// The server responded with an error status.
    Status,
    /// The server responded with a redirect, which is never followed.
    Redirect,
    /// The response is larger than the limit.
    TooLarge,
    /// The server reported success, but its response is not the documented one.
    Decode,
    /// The headers that lead from page to page make no sense.
    Paging,
    /// The file to which a response was to be written could not be.
    File,
}
