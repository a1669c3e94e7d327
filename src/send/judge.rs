//! What an attempt came to: a success, or an error with what is known of its outcome.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};

use super::attempt::{Failure, SoFar, Stage, Success, Trouble};
use super::retry::{self, Outcome};
use super::run::Run;
use crate::connection::http::is_untrusted;
use crate::connection::origin;
use crate::error::{Cause, Created, Error, ErrorKind, ServerError, server_error};
use crate::model::operation::Idempotency;
use crate::model::target::Target;
use crate::response::{BufferedResponse, request_id};

impl Run {
    /// What an attempt came to, however far it got.
    pub(super) fn judge(
        &self,
        so_far: SoFar,
        result: Result<(), Trouble>,
    ) -> Result<Success, Failure> {
        let SoFar { stage, status, headers, body, stream, .. } = so_far;
        let Some(status) = status else {
            // Without a status there was trouble: a sound exchange has read one.
            let trouble = result.err().unwrap_or(Trouble::Elsewhere);
            return Err(self.trouble(trouble, stage));
        };
        let id = || request_id(&headers, &self.call.scrubber);
        if !self.span.is_disabled() {
            self.span.record("status", status.as_u16());
            self.span.record("request_id", id());
        }
        if status.is_success() {
            return match result {
                Ok(()) => Ok(Success { status, headers, body, stream }),
                Err(Trouble::Transport(_) | Trouble::TooLarge(_) | Trouble::OutOfTime(_))
                    if self.call.ignores_body =>
                {
                    Ok(Success { status, headers, body, stream })
                }
                Err(trouble) => {
                    let mut failure = self.trouble(trouble, Stage::Response);
                    failure.error =
                        failure.error.with_response(status, id()).with_created(self.salvage(&body));
                    Err(failure)
                }
            };
        }
        let number = status.as_u16();
        if self.call.no_content
            && retry::already_deleted(self.method.as_str(), self.maybe_done, number)
        {
            return Ok(Success { status, headers, body, stream });
        }
        let scrubber = &self.call.scrubber;
        let location = headers.get(LOCATION).filter(|_| status.is_redirection());
        let (kind, problem) = match location {
            Some(location) => {
                let location = String::from_utf8_lossy(location.as_bytes());
                let to = self.call_url().map(|from| origin::place(&from, &location));
                let to = scrubber.line(&to.unwrap_or_default(), 256);
                (ErrorKind::Redirect, format!("{status}: the server points to {to}"))
            }
            None => (ErrorKind::Status, String::new()),
        };
        let mut failure = self.failure(kind, problem, Outcome::Status(number));
        let (server, excerpt) = server_error::parse(&body, scrubber);
        failure.error = failure
            .error
            .with_response(status, id())
            .asks_to_wait(retry::asked_wait(&headers, SystemTime::now()))
            .said(server, excerpt);
        failure.should_retry = retry::should_retry(&headers);
        Err(failure)
    }

    /// The failure of an attempt that did not end with an response.
    fn trouble(&self, trouble: Trouble, stage: Stage) -> Failure {
        match trouble {
            Trouble::NoKey(error) => {
                let error = error.of(&self.call.target).after(self.attempts);
                Failure { error, outcome: Outcome::Invalid, should_retry: None }
            }
            Trouble::OutOfTime(kind) => {
                let (doing, outcome) = match stage {
                    Stage::Key => ("getting the API key", Outcome::NotSent),
                    Stage::Connecting => ("connecting", Outcome::NotSent),
                    Stage::Sent => ("waiting for the response", Outcome::Lost),
                    Stage::Response => ("reading the response", Outcome::Lost),
                };
                // What was left of the deadline says nothing to whoever set it.
                let deadline = self.options.retry.deadline;
                let (what, limit) = match deadline.filter(|_| kind == ErrorKind::Deadline) {
                    Some(deadline) => ("deadline", deadline),
                    None => ("timeout", self.options.limits.timeout),
                };
                let mut failure = self.failure(
                    kind,
                    format!("the {what} of {limit:?} passed while {doing}"),
                    outcome,
                );
                if let Some(previous) = &self.previous {
                    let cause = Cause::text(format!("the attempt before: {previous}"));
                    failure.error = failure.error.caused_by(cause);
                }
                failure
            }
            Trouble::Rejected(error, status) => {
                // What it could not do it may yet; what it forbids it goes on to forbid.
                let outcome = match status.is_some_and(|status| status.is_server_error()) {
                    true => Outcome::NotSent,
                    false => Outcome::Invalid,
                };
                let problem = match (&self.connection.proxy, status) {
                    (Some(proxy), status) => proxy.problem(status),
                    (None, Some(status)) => {
                        format!("the proxy of the HTTP client refused to connect with {status}")
                    }
                    (None, None) => "the proxy of the HTTP client refused to connect".to_owned(),
                };
                let mut failure = self.failure(ErrorKind::Connect, problem, outcome);
                let cause = Cause::of(&error.without_url(), &self.call.scrubber);
                failure.error = failure.error.caused_by(cause);
                failure
            }
            Trouble::Transport(error) => {
                let (kind, problem, outcome) = match stage {
                    Stage::Response => {
                        (ErrorKind::ConnectionLost, "the response broke off", Outcome::Unreadable)
                    }
                    _ if is_untrusted(&error) => (
                        ErrorKind::Connect,
                        "the certificate of the server is not trusted",
                        Outcome::Invalid,
                    ),
                    _ if error.is_connect() => {
                        (ErrorKind::Connect, "could not connect", Outcome::NotSent)
                    }
                    _ if error.is_builder() => (
                        ErrorKind::InvalidRequest,
                        "the request cannot be sent as it stands",
                        Outcome::Invalid,
                    ),
                    Stage::Key | Stage::Connecting if error.is_timeout() => (
                        ErrorKind::Timeout,
                        "the HTTP client's own timeout passed while connecting",
                        Outcome::NotSent,
                    ),
                    Stage::Key | Stage::Connecting => (
                        ErrorKind::Connect,
                        "the connection was closed before anything was sent",
                        Outcome::NotSent,
                    ),
                    _ if was_refused(&error) => (
                        ErrorKind::ConnectionLost,
                        "the server closed the stream without processing the request",
                        Outcome::NotProcessed,
                    ),
                    _ if error.is_timeout() => {
                        (ErrorKind::Timeout, "the HTTP client's own timeout passed", Outcome::Lost)
                    }
                    _ => (
                        ErrorKind::ConnectionLost,
                        "the connection was lost after the request was sent",
                        Outcome::Lost,
                    ),
                };
                let cause = Cause::of(&error.without_url(), &self.call.scrubber);
                let by = match &self.connection.proxy {
                    Some(proxy) if kind == ErrorKind::Connect => {
                        format!(" (through the proxy `{proxy}`)")
                    }
                    _ => String::new(),
                };
                let mut failure =
                    self.failure(kind, format!("{problem}{by}: {}", cause.root()), outcome);
                failure.error = failure.error.caused_by(cause);
                failure
            }
            Trouble::Body(problem) => {
                self.failure(ErrorKind::InvalidRequest, problem, Outcome::Invalid)
            }
            Trouble::Elsewhere => self.failure(
                ErrorKind::Redirect,
                "the HTTP client given to this client has followed a redirect",
                Outcome::Final,
            ),
            Trouble::Encoded(coding) => self.failure(
                ErrorKind::Decode,
                format!(
                    "the response is encoded with `{coding}`, which was not requested: have the proxy or gateway before the API send it as it is"
                ),
                Outcome::Final,
            ),
            Trouble::TooLarge(most) => self.failure(
                ErrorKind::TooLarge,
                format!("the response is larger than {most} bytes"),
                Outcome::Final,
            ),
        }
    }

    /// A response that reports success and is not what the document says.
    pub(super) fn not_as_documented(
        &mut self,
        response: &BufferedResponse,
        error: &serde_json::Error,
    ) -> Failure {
        use serde_json::error::Category;

        self.scrub_key();
        // What is not JSON may be from something between us and the server, and so may pass. JSON
        // of another shape is what the server sends.
        let outcome = match error.classify() {
            Category::Data => Outcome::Final,
            _ => Outcome::Unreadable,
        };
        let scrubber = &self.call.scrubber;
        let cause = Cause::of_json(error, &response.body);
        let media_type = response
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| format!(" ({})", scrubber.line(value, 64)))
            .unwrap_or_default();
        let problem = format!(
            "{}, but the response{media_type} is not as documented: {cause}",
            response.status
        );
        let excerpt = match self.call.target.secret_response() {
            true => None,
            false => scrubber.excerpt(&response.body, 512),
        };
        let mut failure = self.failure(ErrorKind::Decode, problem, outcome);
        failure.error = failure
            .error
            .with_response(response.status, request_id(&response.headers, scrubber))
            .said(ServerError::default(), excerpt)
            .with_created(self.salvage(&response.body))
            .caused_by(cause);
        failure
    }

    /// The key in a response that could not be read as documented, where one is promised.
    fn salvage(&self, body: &[u8]) -> Option<Created> {
        let operation = matches!(&self.call.target, Target::Operation(op) if op.secret_response);
        if operation { server_error::created(body) } else { None }
    }

    /// A success without a body to stream.
    pub(super) fn nothing_to_read(&self, status: StatusCode) -> Failure {
        self.failure(ErrorKind::Decode, format!("{status} without a response"), Outcome::Final)
    }

    pub(super) fn failure(
        &self,
        kind: ErrorKind,
        problem: impl Into<String>,
        outcome: Outcome,
    ) -> Failure {
        let unknown = self.idempotency() == Idempotency::NotIdempotent && outcome.maybe_done();
        let error = Error::new(kind, problem)
            .of(&self.call.target)
            .after(self.attempts)
            .maybe_done(unknown);
        Failure { error, outcome, should_retry: None }
    }
}

/// Whether the server says, by the rules of HTTP/2, that it has done nothing with the request: it
/// refused the stream, or went away after one with a lower number.
#[cfg(feature = "http2")]
fn was_refused(error: &reqwest::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.filter_map(|error| error.downcast_ref::<h2::Error>()).any(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        // Streams that the server may have seen end with the connection, not with this.
        error.is_remote() && (is_refused || error.is_go_away())
    })
}

#[cfg(not(feature = "http2"))]
fn was_refused(_: &reqwest::Error) -> bool {
    false
}
