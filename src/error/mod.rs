//! The one error type: what was asked, what came of it, and what to do.
//!
//! Every text in it has been scrubbed when it was put in, and foreign errors are kept as the texts
//! of their chain: so neither `Debug` nor `source()` can show what `Display` would not.

mod advice;
mod cause;
mod display;
mod kind;
mod place;
mod scrub;
pub(crate) mod server_error;

use std::time::Duration;

use reqwest::StatusCode;

pub(crate) use self::cause::Cause;
pub use self::kind::ErrorKind;
pub(crate) use self::scrub::Scrubber;
pub use self::server_error::Detail;
pub(crate) use self::server_error::{Created, ServerError};
use crate::model::operation::Operation;
use crate::model::secret::Secret;
use crate::model::target::Target;

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
/// match client.api_keys().get("key_123").send().await {
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
    pub(crate) fn with_response(mut self, status: StatusCode, request_id: Option<String>) -> Self {
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

    /// The status of the response, if one began to arrive.
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

    /// The beginning of the response's body, at most 512 characters in one line, with secrets
    /// removed. `None` if the body is empty or came with success from an operation that responds
    /// with a secret.
    pub fn body_excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// The id and the plaintext of a key that was made although the response is not the documented
    /// one: store the plaintext, it is not shown again, or delete the key.
    pub fn created(&self) -> Option<(&str, &Secret)> {
        self.0.created.as_ref().map(|created| (created.id.as_str(), &created.key))
    }

    /// Whether the server may have done what was asked, though the call must not be sent again
    /// without looking: a key may have been created whose plaintext was lost.
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// 400: the server rejects the request as it stands.
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

    /// The call is invalid: no request was completed.
    pub fn is_invalid_request(&self) -> bool {
        self.0.kind == ErrorKind::InvalidRequest
    }

    /// A successful response is not the documented one.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.0.status == Some(status)
    }
}
