//! The single point through which every call passes: the key, the limits, the repetitions, the
//! trace.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, Span, field};

use crate::answer;
use crate::call::{Call, Ready, Target};
use crate::credentials::Key;
use crate::error::{Cause, Created, Error, ErrorKind, Result, ServerError};
use crate::opened::Opened;
use crate::received::Received;
use crate::response::{ResponseValue, request_id};
use crate::retry::{self, Attempt, Decision, Outcome};
use crate::upload::Progress;
use crate::{Repeat, origin};

/// The most that is read of the body of an error.
const ERROR_BODY: usize = 64 * 1024;
/// The most that is set aside for a body before it arrives.
const FIRST_BUFFER: usize = 64 * 1024;

/// An answer that reports success, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Received,
    /// What is still to be read, if the call leaves that to others.
    response: Option<Box<Response>>,
}

#[allow(dead_code)] // for operations with several successful answers
impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Runs a call until an answer that reports success begins.
pub(crate) async fn open(mut call: Call) -> Result<Opened> {
    call.left_open = true;
    let again = call.clone();
    let mut run = Run::new(call)?;
    run.begin();
    loop {
        let failure = match run.attempt().await {
            Ok(Answer { status, headers, response: Some(response), .. }) => {
                run.finished("begun");
                return Ok(Opened {
                    status,
                    headers,
                    target: run.call.target.clone(),
                    scrubber: run.call.scrubber.clone(),
                    response: *response,
                    options: run.call.client.options,
                    call: again,
                });
            }
            // A success without a response to read is none: see `exchange`.
            Ok(answer) => run.failure(
                ErrorKind::Decode,
                format!("{} without an answer", answer.status),
                Outcome::Final,
            ),
            Err(failure) => failure,
        };
        Box::pin(run.recover(failure)).await?;
    }
}

/// Runs a call to its end. Only what depends on the answer's type is here.
// Whoever has many calls under way moves and allocates their futures, as large as they may become.
// So this is no `async fn`, whose future would hold the call twice; the run has a box of its own,
// and so has what is seldom awaited.
pub(crate) fn run<T>(
    call: Call,
    read: impl Fn(&mut Answer) -> Result<T, serde_json::Error>,
) -> impl Future<Output = Result<ResponseValue<T>>> {
    let run = Run::new(call);
    async move {
        let mut run = run?;
        run.begin();
        loop {
            let failure = match run.attempt().await {
                Ok(mut answer) => match read(&mut answer) {
                    Ok(value) => {
                        run.finished("done");
                        let Answer { status, headers, .. } = answer;
                        let target = run.call.target.clone();
                        return Ok(ResponseValue::new(value, status, headers, target));
                    }
                    Err(error) => run.not_as_documented(&answer, &error),
                },
                Err(failure) => failure,
            };
            Box::pin(run.recover(failure)).await?;
        }
    }
}

/// A call under way.
struct Run {
    call: Call,
    method: Method,
    url: Url,
    time: Time,
    attempts: u32,
    so_far: SoFar,
    /// The key of the last attempt.
    key: Option<Arc<Key>>,
    /// The one attempt with a new key after a 401 has been made.
    rekeyed: bool,
    /// An attempt may have done what was asked.
    maybe_done: bool,
    /// The last failure that was waited out.
    previous: Option<String>,
    span: Span,
}

/// An attempt that failed.
struct Failure {
    error: Error,
    outcome: Outcome,
}

/// The time that a call has.
#[derive(Clone, Copy)]
struct Time {
    /// When it was first awaited.
    began: Option<Instant>,
    timeout: Duration,
    deadline: Option<Duration>,
}

impl Time {
    fn elapsed(&self) -> Duration {
        self.began.map(|began| began.elapsed()).unwrap_or_default()
    }

    /// The time for the next step, and what has passed when it is over.
    fn next(&self) -> (Duration, ErrorKind) {
        match self.deadline.map(|all| all.saturating_sub(self.elapsed())) {
            Some(left) if left < self.timeout => (left, ErrorKind::Deadline),
            _ => (self.timeout, ErrorKind::Timeout),
        }
    }
}

/// How far an attempt has come; kept outside of it, so that a timeout leaves it behind.
#[derive(Default)]
struct SoFar {
    key: Option<Arc<Key>>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Received,
    response: Option<Box<Response>>,
}

impl SoFar {
    fn nothing(call: &Call) -> Self {
        Self { body: Received::new(call.target.secret_answer()), ..Self::default() }
    }
}

/// What can go wrong in an attempt besides an error status.
enum Trouble {
    NoKey(Error),
    OutOfTime(ErrorKind, Duration),
    Transport(reqwest::Error),
    /// What is to be sent cannot be read.
    Body(String),
    /// The caller's own HTTP client followed a redirect.
    Elsewhere,
    TooLarge(usize),
}

impl Run {
    fn new(call: Call) -> Result<Box<Self>> {
        let refused = |problem: &str| Err(Error::invalid(&call.target, problem));
        if let Some(problem) = call.refused() {
            return refused(problem);
        }
        let Ok(method) = Method::from_bytes(call.target.method().as_bytes()) else {
            return refused("the method is not one of HTTP");
        };
        let shared = &call.client.shared;
        let url = match shared.base.join(&call.path, call.query.as_str()) {
            Ok(url) => url,
            Err(problem) => return refused(&problem),
        };
        let options = &call.client.options;
        let time = Time { began: None, timeout: options.timeout, deadline: options.retry.deadline };
        Ok(Box::new(Self {
            so_far: SoFar::nothing(&call),
            call,
            method,
            url,
            time,
            attempts: 0,
            key: None,
            rekeyed: false,
            maybe_done: false,
            previous: None,
            span: Span::none(),
        }))
    }

    /// The call is awaited: its time runs, within the caller's span.
    fn begin(&mut self) {
        self.time.began = Some(Instant::now());
        self.span = tracing::debug_span!(
            "call",
            operation = self.call.target.id(),
            method = self.method.as_str(),
            path = self.call.target.path(),
            attempt = field::Empty,
            status = field::Empty,
            request_id = field::Empty,
            elapsed_ms = field::Empty,
        );
    }

    /// One attempt, within its time.
    async fn attempt(&mut self) -> Result<Answer, Failure> {
        self.attempts += 1;
        self.span.record("attempt", self.attempts);
        let time = self.time;
        let (mut limit, mut kind) = time.next();
        let uploaded = Progress::default();
        let result = {
            let span = self.span.clone();
            let mut exchange = std::pin::pin!(self.exchange(&uploaded).instrument(span));
            loop {
                match timeout(limit, exchange.as_mut()).await {
                    Ok(result) => break result,
                    // A long upload is not late while it makes progress; the deadline is for all.
                    Err(_) if kind == ErrorKind::Timeout && uploaded.made() => {
                        (limit, kind) = time.next();
                    }
                    Err(_) => break Err(Trouble::OutOfTime(kind, limit)),
                }
            }
        };
        let so_far = std::mem::replace(&mut self.so_far, SoFar::nothing(&self.call));
        if let Some(key) = &so_far.key {
            self.key = Some(Arc::clone(key));
        }
        // Only what is shown is scrubbed, and of a whole and sound answer nothing is.
        if result.is_err()
            || self.call.left_open
            || !so_far.status.is_some_and(|it| it.is_success())
        {
            self.scrub_key();
        }
        self.judge(so_far, result)
    }

    /// Has the key of this attempt removed from whatever is shown.
    fn scrub_key(&mut self) {
        if let Some(key) = &self.key {
            self.call.scrubber.knows(&key.secret);
        }
    }

    /// Sends the request and reads the answer.
    async fn exchange(&mut self, uploaded: &Progress) -> Result<(), Trouble> {
        let shared = &self.call.client.shared;
        let key = shared.credentials.current().await.map_err(Trouble::NoKey)?;
        let body = self.call.body.open(uploaded).await.map_err(Trouble::Body)?;
        let sent = shared.http.execute(self.request(&key, body));
        let so_far = &mut self.so_far;
        so_far.key = Some(key);

        let mut response = sent.await.map_err(Trouble::Transport)?;
        if *response.url() != self.url {
            return Err(Trouble::Elsewhere);
        }
        let status = response.status();
        so_far.status = Some(status);
        so_far.headers = std::mem::take(response.headers_mut());

        if self.call.left_open && status.is_success() {
            so_far.response = Some(Box::new(response));
            return Ok(());
        }
        let most = self.call.client.options.max_response_bytes;
        let most = if status.is_success() { most } else { most.min(ERROR_BODY) };
        let announced = response.content_length().and_then(|n| usize::try_from(n).ok());
        if status.is_success() && announced.is_some_and(|length| length > most) {
            return Err(Trouble::TooLarge(most));
        }
        let expected = announced.unwrap_or(0).min(FIRST_BUFFER);
        while let Some(mut chunk) = response.chunk().await.map_err(Trouble::Transport)? {
            let room = most - so_far.body.len();
            let too_large = chunk.len() > room;
            chunk.truncate(room);
            so_far.body.push(chunk, expected);
            if too_large {
                return Err(Trouble::TooLarge(most));
            }
        }
        Ok(())
    }

    fn request(&self, key: &Key, body: Option<Ready>) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        let (shared, own) = (&self.call.client.shared, &self.call.headers);
        let headers = request.headers_mut();
        headers.reserve(shared.headers.len() + own.len() + 3);
        let mut set = |name: &HeaderName, value: &HeaderValue| {
            headers.insert(name, value.clone());
        };
        if let Some((_, length, content_type)) = &body {
            set(&CONTENT_TYPE, content_type);
            if let Some(length) = *length {
                set(&CONTENT_LENGTH, &length.into());
            }
        }
        for (name, value) in shared.headers.iter().chain(own) {
            set(name, value);
        }
        // `join` has made sure of the origin; the key depends on it, so it is asked once more.
        if shared.base.is_origin_of(&self.url) {
            set(&AUTHORIZATION, &key.header);
        }
        *request.body_mut() = body.map(|(body, ..)| body);
        request
    }

    /// What an attempt came to, however far it got.
    fn judge(&self, so_far: SoFar, result: Result<(), Trouble>) -> Result<Answer, Failure> {
        let SoFar { key, status, headers, body, response } = so_far;
        let Some(status) = status else {
            // Without a status there was trouble: a sound exchange has read one.
            let trouble = result.err().unwrap_or(Trouble::Elsewhere);
            return Err(self.trouble(trouble, if key.is_some() { Stage::Sent } else { Stage::Key }));
        };
        let id = || request_id(&headers, &self.call.scrubber);
        if !self.span.is_disabled() {
            self.span.record("status", status.as_u16());
            self.span.record("request_id", id());
        }
        if status.is_success() {
            return match result {
                Ok(()) => Ok(Answer { status, headers, body, response }),
                Err(trouble) => {
                    let mut failure = self.trouble(trouble, Stage::Answered);
                    failure.error =
                        failure.error.answered(status, id()).with_created(self.salvage(&body));
                    Err(failure)
                }
            };
        }
        let number = status.as_u16();
        if self.call.answerless
            && retry::already_deleted(self.method.as_str(), self.maybe_done, number)
        {
            return Ok(Answer { status, headers, body, response });
        }
        let scrubber = &self.call.scrubber;
        let location = headers.get(LOCATION).filter(|_| status.is_redirection());
        let (kind, problem) = match location {
            Some(location) => {
                let to = origin::place(&self.url, &String::from_utf8_lossy(location.as_bytes()));
                let to = scrubber.line(&to, 256);
                (ErrorKind::Redirect, format!("{status}: the server points to {to}"))
            }
            None => (ErrorKind::Status, String::new()),
        };
        let mut failure = self.failure(kind, problem, Outcome::Status(number));
        let (server, excerpt) = answer::server_error(&body, scrubber);
        failure.error = failure
            .error
            .answered(status, id())
            .asks_to_wait(retry::asked_wait(&headers, SystemTime::now()))
            .said(server, excerpt);
        Err(failure)
    }

    /// The failure of an attempt that did not end with an answer.
    fn trouble(&self, trouble: Trouble, stage: Stage) -> Failure {
        match trouble {
            Trouble::NoKey(error) => {
                let error = error.of(&self.call.target).after(self.attempts);
                Failure { error, outcome: Outcome::Refused }
            }
            Trouble::OutOfTime(kind, limit) => {
                let (doing, outcome) = match stage {
                    Stage::Key => ("getting the API key", Outcome::NotSent),
                    Stage::Sent => ("waiting for the answer", Outcome::Lost),
                    Stage::Answered => ("reading the answer", Outcome::Lost),
                };
                // What was left of the deadline says nothing to whoever set it.
                let deadline = self.call.client.options.retry.deadline;
                let (what, limit) = match deadline.filter(|_| kind == ErrorKind::Deadline) {
                    Some(deadline) => ("deadline", deadline),
                    None => ("timeout", limit),
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
            Trouble::Transport(error) => {
                let (kind, problem, outcome) = match stage {
                    Stage::Answered => {
                        (ErrorKind::ConnectionLost, "the answer broke off", Outcome::Unreadable)
                    }
                    _ if error.is_connect() => {
                        (ErrorKind::Connect, "could not connect", Outcome::NotSent)
                    }
                    _ if error.is_builder() => (
                        ErrorKind::InvalidRequest,
                        "the request cannot be sent as it stands",
                        Outcome::Refused,
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
                let mut failure =
                    self.failure(kind, format!("{problem}: {}", cause.root()), outcome);
                failure.error = failure.error.caused_by(cause);
                failure
            }
            Trouble::Body(problem) => {
                self.failure(ErrorKind::InvalidRequest, problem, Outcome::Refused)
            }
            Trouble::Elsewhere => self.failure(
                ErrorKind::Redirect,
                "the HTTP client given to this client has followed a redirect",
                Outcome::Final,
            ),
            Trouble::TooLarge(most) => self.failure(
                ErrorKind::TooLarge,
                format!("the answer is larger than {most} bytes"),
                Outcome::Final,
            ),
        }
    }

    /// An answer that reports success and is not what the document says.
    fn not_as_documented(&mut self, answer: &Answer, error: &serde_json::Error) -> Failure {
        use serde_json::error::Category;

        self.scrub_key();
        // What is not JSON may be from something between us and the server, and so may pass. JSON
        // of another shape is what the server sends.
        let outcome = match error.classify() {
            Category::Data => Outcome::Final,
            _ => Outcome::Unreadable,
        };
        let scrubber = &self.call.scrubber;
        let cause = Cause::from(error);
        let kind_of_answer = answer
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| format!(" ({})", scrubber.line(value, 64)))
            .unwrap_or_default();
        let problem = format!(
            "{}, but the answer{kind_of_answer} is not as documented: {cause}",
            answer.status
        );
        let excerpt = match self.call.target.secret_answer() {
            true => None,
            false => scrubber.excerpt(&answer.body, 512),
        };
        let mut failure = self.failure(ErrorKind::Decode, problem, outcome);
        failure.error = failure
            .error
            .answered(answer.status, request_id(&answer.headers, scrubber))
            .said(ServerError::default(), excerpt)
            .with_created(self.salvage(&answer.body))
            .caused_by(cause);
        failure
    }

    /// The key in an answer that could not be read as documented, where one is promised.
    fn salvage(&self, body: &[u8]) -> Option<Created> {
        let operation = matches!(&self.call.target, Target::Operation(op) if op.secret_answer);
        if operation { answer::created(body) } else { None }
    }

    fn failure(&self, kind: ErrorKind, problem: impl Into<String>, outcome: Outcome) -> Failure {
        let unknown = self.call.target.repeat() == Repeat::IfUnsent && outcome.maybe_done();
        let error = Error::new(kind, problem)
            .of(&self.call.target)
            .after(self.attempts)
            .maybe_done(unknown);
        Failure { error, outcome }
    }

    /// Waits before the next attempt, or gives up with the failure.
    async fn recover(&mut self, failure: Failure) -> Result<()> {
        let Failure { error, outcome } = failure;
        self.maybe_done |= outcome.maybe_done();
        if !self.call.body.is_replayable() {
            self.finished("what was sent cannot be read again");
            return Err(error);
        }
        if error.is_unauthorized() && !self.rekeyed && self.has_new_key().await {
            self.rekeyed = true;
            return Ok(());
        }
        let options = &self.call.client.options;
        let attempt = Attempt {
            repeat: self.call.target.repeat(),
            // The attempt with a new key is not one of those that a bad network costs.
            number: self.attempts - u32::from(self.rekeyed),
            outcome,
            asked: error.retry_after(),
            elapsed: self.time.elapsed(),
        };
        match retry::decide(&options.retry, &attempt, (self.call.client.shared.random)()) {
            Decision::Wait(wait, reason) => {
                self.span.in_scope(|| {
                    tracing::info!(attempt = self.attempts, reason, ?wait, "trying again");
                });
                self.previous = Some(error.to_string());
                sleep(wait).await;
                Ok(())
            }
            Decision::Stop(reason) => {
                self.finished(reason);
                Err(error)
            }
        }
    }

    /// Whether the source of the key has another one than the one just refused.
    async fn has_new_key(&mut self) -> bool {
        let Some(refused) = self.key.clone() else { return false };
        let renew =
            self.call.client.shared.credentials.renew(&refused).instrument(self.span.clone());
        let new = timeout(self.time.next().0, renew).await.unwrap_or(false);
        if new {
            self.span.in_scope(|| tracing::info!("trying again with the key's new value"));
        }
        new
    }

    fn finished(&self, how: &str) {
        let elapsed = u64::try_from(self.time.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span.record("elapsed_ms", elapsed);
        tracing::debug!(parent: &self.span, how, "finished");
    }
}

/// How far an attempt came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Key,
    Sent,
    Answered,
}
