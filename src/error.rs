//! The one error type: what was asked, what came of it, and what to do.
//!
//! Every text in it has been scrubbed when it was put in, and foreign errors are kept as the texts
//! of their chain: so neither `Debug` nor `source()` can show what `Display` would not.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

use crate::advice;
use crate::call::Target;
use crate::scrub::Scrubber;
use crate::{Operation, Secret};

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, or a client could not be built.
///
/// `Display` is one line for people, [`advice`](Error::advice) says what to do about it. Programs
/// ask the predicates, such as [`is_not_found`](Error::is_not_found), or the
/// [`kind`](Error::kind). Nothing in an error shows an API key.
///
/// ```no_run
/// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
/// match client.get_api_key().id("key_123").send().await {
///     Ok(key) => println!("{} expires at {:?}", key.name, key.expires_at),
///     Err(error) if error.is_not_found() => println!("no such key"),
///     Err(error) => {
///         eprintln!("{error}");
///         if let Some(advice) = error.advice() {
///             eprintln!("{advice}");
///         }
///         return Err(error);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    /// What happened, for all kinds but [`ErrorKind::Status`].
    problem: String,
    target: Option<Target>,
    attempts: u32,
    outcome_unknown: bool,
    status: Option<StatusCode>,
    server: ServerError,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    excerpt: Option<String>,
    created: Option<Created>,
    source: Option<Cause>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client could not be built: a setting is missing or malformed.
    Configuration,
    /// The call was refused before anything was sent: a value is out of the document's bounds.
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
    /// The call, with its repetitions and waits, took longer than its deadline.
    Deadline,
    /// The server answered with an error status.
    Status,
    /// The server answered with a redirect, which is never followed.
    Redirect,
    /// The answer is larger than the limit.
    TooLarge,
    /// The server reported success, but its answer is not the documented one.
    Decode,
    /// The headers that lead from page to page make no sense.
    Paging,
    /// The file to which an answer was to be written could not be.
    File,
}

/// One entry of an error's details, as the server sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// The code for programs, if there is one.
    pub code: Option<String>,
    /// The text for people, if there is one.
    pub message: Option<String>,
}

/// The error that the API documents, read with tolerance.
#[derive(Debug, Default)]
pub(crate) struct ServerError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) details: Vec<Detail>,
    pub(crate) inner: Option<Detail>,
    /// The whole body, if it is JSON.
    pub(crate) body: Option<serde_json::Value>,
}

/// A type of the document that an error's body is read as: see [`Error::body`].
///
/// Implemented for the bodies of errors that say more than the common one.
pub trait ErrorBody: sealed::ErrorBody + serde::de::DeserializeOwned {}

pub(crate) mod sealed {
    /// The errors that have a body of a type: ids of operations, and statuses.
    pub trait ErrorBody {
        const OF: &'static [(&'static str, u16)];
    }
}

/// A key that was made although its answer is not the documented one.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) key: Secret,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, problem: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            problem: problem.into(),
            target: None,
            attempts: 0,
            outcome_unknown: false,
            status: None,
            server: ServerError::default(),
            request_id: None,
            retry_after: None,
            excerpt: None,
            created: None,
            source: None,
        }))
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, problem)
    }

    pub(crate) fn invalid(target: &Target, problem: &str) -> Self {
        // A conversion's own message may quote the value.
        let problem = Scrubber::default().line(problem, 512);
        Self::new(ErrorKind::InvalidRequest, problem).of(target)
    }

    #[must_use]
    pub(crate) fn of(mut self, target: &Target) -> Self {
        self.0.target = Some(target.clone());
        self
    }

    #[must_use]
    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    #[must_use]
    pub(crate) fn maybe_done(mut self, outcome_unknown: bool) -> Self {
        self.0.outcome_unknown = outcome_unknown;
        self
    }

    #[must_use]
    pub(crate) fn answered(mut self, status: StatusCode, request_id: Option<String>) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self
    }

    #[must_use]
    pub(crate) fn asks_to_wait(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    #[must_use]
    pub(crate) fn said(mut self, server: ServerError, excerpt: Option<String>) -> Self {
        self.0.server = server;
        self.0.excerpt = excerpt;
        self
    }

    #[must_use]
    pub(crate) fn with_created(mut self, created: Option<Created>) -> Self {
        self.0.created = created;
        self
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: Cause) -> Self {
        self.0.source = Some(source);
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The status of the answer, if one began to arrive.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The server's code for programs, such as `bad_request`.
    pub fn code(&self) -> Option<&str> {
        self.0.server.code.as_deref()
    }

    /// The server's text for people.
    pub fn message(&self) -> Option<&str> {
        self.0.server.message.as_deref()
    }

    /// The server's details, when it reports several errors.
    pub fn details(&self) -> &[Detail] {
        &self.0.server.details
    }

    /// What the server says lies behind its error.
    pub fn inner_error(&self) -> Option<&Detail> {
        self.0.server.inner.as_ref()
    }

    /// The body of the error as the type that the document has for it, where that is not the
    /// common one: the 409 of a connection that exists already says which one it is.
    ///
    /// `None` for the errors of other operations and statuses, and for a body that is not as
    /// documented. Secrets are removed from its texts.
    pub fn body<T: ErrorBody>(&self) -> Option<T> {
        let (operation, status) = (self.operation()?.id, self.status()?.as_u16());
        if !T::OF.contains(&(operation, status)) {
            return None;
        }
        serde_json::from_value(self.0.server.body.clone()?).ok()
    }

    /// The server's name for the call, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the server asked to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The operation that failed; `None` for raw access and for a client that could not be built.
    pub fn operation(&self) -> Option<&'static Operation> {
        match self.0.target {
            Some(Target::Operation(operation)) => Some(operation),
            _ => None,
        }
    }

    /// The HTTP method of the call.
    pub fn method(&self) -> Option<&str> {
        self.0.target.as_ref().map(Target::method)
    }

    /// The path of the call: with its parameters in braces for an operation, as it was given for
    /// raw access.
    pub fn path(&self) -> Option<&str> {
        self.0.target.as_ref().map(Target::path)
    }

    /// How often the request was sent, or tried to be.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The beginning of the answer's body, at most 512 characters in one line, with secrets
    /// removed. `None` if the body is empty or came with success from an operation that answers
    /// with a secret.
    pub fn body_excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// The id and the plaintext of a key that was made although the answer is not the documented
    /// one: store the plaintext, it is not shown again, or delete the key.
    pub fn created(&self) -> Option<(&str, &Secret)> {
        self.0.created.as_ref().map(|created| (created.id.as_str(), &created.key))
    }

    /// Whether the server may have done what was asked, though the call must not be repeated
    /// without looking: a key may have been created whose plaintext was lost.
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// What to do about it, in a sentence or two.
    pub fn advice(&self) -> Option<&'static str> {
        advice::on(self)
    }

    /// 400: the server refuses the request as it stands.
    pub fn is_bad_request(&self) -> bool {
        self.has_status(StatusCode::BAD_REQUEST)
    }

    /// 401: the API key is not valid.
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// 403: the API key is valid and may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// 404: what was asked for does not exist, or not for this caller.
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
    }

    /// 409: the request conflicts with the present state.
    pub fn is_conflict(&self) -> bool {
        self.has_status(StatusCode::CONFLICT)
    }

    /// 429: too many requests; see [`retry_after`](Self::retry_after).
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// 500 to 599: the server failed.
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }

    /// An attempt passed its timeout, or the call its deadline.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::Deadline)
    }

    /// No connection was made.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// The call was refused before anything was sent.
    pub fn is_invalid_request(&self) -> bool {
        self.0.kind == ErrorKind::InvalidRequest
    }

    /// A successful answer is not the documented one.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.0.status == Some(status)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(target) = &inner.target {
            write!(f, "{target}: ")?;
        }
        match (inner.kind, inner.status) {
            (ErrorKind::Status, Some(status)) => self.fmt_status(status, f)?,
            _ => f.write_str(&inner.problem)?,
        }
        if inner.created.is_some() {
            f.write_str("; the key was created, see `created()`")?;
        } else if inner.outcome_unknown {
            f.write_str("; the server may have done it all the same")?;
        }
        if inner.attempts > 1 {
            write!(f, " (after {} attempts)", inner.attempts)?;
        }
        if let Some(id) = &inner.request_id {
            write!(f, " [request id {id}]")?;
        }
        Ok(())
    }
}

impl Error {
    fn fmt_status(&self, status: StatusCode, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.0.server;
        f.write_str(status.as_str())?;
        if let Some(reason) = status.canonical_reason() {
            write!(f, " {reason}")?;
        }
        // `400 Bad Request: bad_request` and `name is missing (name is missing)` say it twice.
        let reason = status.canonical_reason().unwrap_or_default().to_lowercase().replace(' ', "_");
        let code = server.code.as_ref().filter(|code| **code != reason);
        for text in [code, server.message.as_ref()].into_iter().flatten() {
            write!(f, ": {text}")?;
        }
        let details = server.details.iter().filter_map(|d| d.message.as_ref().or(d.code.as_ref()));
        let mut details = details.filter(|detail| server.message.as_ref() != Some(*detail));
        if let Some(first) = details.next() {
            write!(f, " ({first}")?;
            details.try_for_each(|detail| write!(f, "; {detail}"))?;
            f.write_str(")")?;
        }
        match &self.0.excerpt {
            Some(excerpt) if server.code.is_none() && server.message.is_none() => {
                write!(f, ": {excerpt}")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind).field("message", &self.to_string());
        if let Some(excerpt) = &inner.excerpt {
            out.field("body_excerpt", excerpt);
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// A foreign error as the scrubbed texts of its chain.
pub(crate) struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    pub(crate) fn text(text: String) -> Self {
        Self { text, source: None }
    }

    pub(crate) fn of(error: &dyn std::error::Error, scrubber: &Scrubber) -> Self {
        Self {
            text: scrubber.line(&error.to_string(), 256),
            source: error.source().map(|source| Box::new(Self::of(source, scrubber))),
        }
    }

    /// The innermost reason, such as `connection refused`.
    pub(crate) fn root(&self) -> &str {
        self.source.as_ref().map_or(&self.text, |source| source.root())
    }
}

impl From<&serde_json::Error> for Cause {
    /// The category and the place: serde_json's own messages quote the value.
    fn from(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let category = match error.classify() {
            Category::Io => "it could not be read",
            Category::Syntax => "it is not JSON",
            Category::Data => "a value is missing or has another type than documented",
            Category::Eof => "the JSON ends too early",
        };
        let text = format!("{category} (line {}, column {})", error.line(), error.column());
        Self::text(text)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, " <- {source:?}"))
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
