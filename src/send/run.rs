//! A call under way: one attempt after another, until one succeeds or no further one would help.

use std::sync::Arc;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, USER_AGENT,
};
use reqwest::{Method, Request, Url};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, Span, field};

use super::attempt::{Failure, SoFar, Stage, Success, Time, Trouble};
use super::options::Options;
use super::retry::{self, Attempt, Decision, Outcome};
use crate::connection::Connection;
use crate::connection::credentials::{Key, Lease};
use crate::connection::machines::{Machine, Straight};
use crate::connection::proxy::{Proxy, Rejection, rejection};
use crate::error::{Error, ErrorKind, Result};
use crate::model::operation::Idempotency;
use crate::request::Call;
use crate::request::body::Ready;
use crate::request::progress::Progress;

/// The most that is read of the body of an error.
const ERROR_BODY: usize = 64 * 1024;
/// The most that is set aside for a body before it arrives.
const FIRST_BUFFER: usize = 64 * 1024;

/// What a machine is told of the client.
const TOLD: [&HeaderName; 3] = [&ACCEPT, &ACCEPT_ENCODING, &USER_AGENT];

/// A call under way.
pub(super) struct Run {
    pub(super) connection: Arc<Connection>,
    pub(super) options: Arc<Options>,
    pub(super) call: Call,
    pub(super) method: Method,
    /// Made to see that it can be, and taken by the first attempt.
    url: Option<Url>,
    /// The way past the API, for as long as the call takes it.
    straight: Option<Straight>,
    /// The machine that did not find what the API may yet.
    doubted: Option<Arc<Machine>>,
    time: Time,
    pub(super) attempts: u32,
    so_far: SoFar,
    /// The key of the last attempt.
    pub(super) key: Option<Lease>,
    /// The one attempt with a new key after a 401 has been made.
    rekeyed: bool,
    /// The call went to a machine first, and by the API then.
    rerouted: bool,
    /// An attempt may have done what was asked.
    pub(super) maybe_done: bool,
    /// The last failure that was waited out.
    pub(super) previous: Option<String>,
    pub(super) span: Span,
}

impl Run {
    pub(super) fn new(
        connection: Arc<Connection>,
        options: Arc<Options>,
        mut call: Call,
    ) -> Result<Box<Self>> {
        let invalid = |problem: &str| Err(Error::invalid(&call.target, problem));
        if let Some(problem) = call.invalid() {
            return invalid(problem);
        }
        if let Some(Err(problem)) = options.project.as_deref() {
            return invalid(problem);
        }
        let Ok(method) = Method::from_bytes(call.target.method().as_bytes()) else {
            return invalid("the method is not one of HTTP");
        };
        let url = match connection.base.join(&call.path, call.query.as_str()) {
            Ok(url) => url,
            Err(problem) => return invalid(&problem),
        };
        let straight = connection.machines.as_ref().and_then(|it| it.of(&call.path));
        if let Some(Straight { machine, .. }) = &straight {
            call.scrubber.knows(&machine.token);
        }
        let time =
            Time { began: None, timeout: options.limits.timeout, deadline: options.retry.deadline };
        Ok(Box::new(Self {
            so_far: SoFar::nothing(&call),
            connection,
            options,
            call,
            method,
            url: Some(url).filter(|_| straight.is_none()),
            straight,
            doubted: None,
            time,
            attempts: 0,
            key: None,
            rekeyed: false,
            rerouted: false,
            maybe_done: false,
            previous: None,
            span: Span::none(),
        }))
    }

    /// The call is awaited: its time runs, within the caller's span.
    pub(super) fn begin(&mut self) {
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
    pub(super) async fn attempt(&mut self) -> Result<Success, Failure> {
        self.attempts += 1;
        self.span.record("attempt", self.attempts);
        let time = self.time;
        let is_watched = self.call.body.is_watched(&self.method, self.idempotency());
        let progress = is_watched.then(Progress::default);
        let upload = progress.clone().filter(|_| self.call.body.is_streamed());
        let span = self.span.clone();
        let exchange = self.exchange(progress.as_ref()).instrument(span);
        let result = match upload {
            None => {
                let (limit, kind) = time.next();
                timeout(limit, exchange).await.unwrap_or(Err(Trouble::OutOfTime(kind)))
            }
            // Boxed, since few calls are uploads and every future would have room for it.
            Some(upload) => Box::pin(while_it_progresses(exchange, upload, time)).await,
        };
        let mut so_far = std::mem::replace(&mut self.so_far, SoFar::nothing(&self.call));
        let result = match (result, &progress) {
            (Err(trouble), Some(progress)) if so_far.status.is_none() => {
                if so_far.stage == Stage::Sent && progress.abandon() {
                    so_far.stage = Stage::Connecting;
                }
                Err(match (trouble, progress.problem()) {
                    (Trouble::Transport(_), Some(problem)) => {
                        Trouble::Body(self.call.scrubber.line(problem, 256))
                    }
                    (trouble, _) => trouble,
                })
            }
            (result, _) => result,
        };
        if let Some(key) = &so_far.key {
            self.key = Some(key.clone());
        }
        // Only what is shown is scrubbed, and of a whole and sound response nothing is.
        if result.is_err()
            || self.call.streaming
            || !so_far.status.is_some_and(|it| it.is_success())
        {
            self.scrub_key();
        }
        self.judge(so_far, result)
    }

    /// Has the key of this attempt removed from whatever is shown.
    pub(super) fn scrub_key(&mut self) {
        if let Some(key) = &self.key {
            self.call.scrubber.knows(&key.key.secret);
        }
    }

    /// Sends the request and reads the response.
    async fn exchange(&mut self, progress: Option<&Progress>) -> Result<(), Trouble> {
        let shared = &*self.connection;
        let lease = match self.straight {
            Some(_) => None,
            None => Some(shared.credentials.current().await.map_err(Trouble::NoKey)?),
        };
        // Boxed, since few calls have a body that takes time and every future would have room for it.
        let body = match self.call.body.ready(&self.method, progress) {
            Some(ready) => ready,
            None => Box::pin(self.call.body.open(progress)).await.map_err(Trouble::Body)?,
        };
        let url = match self.url.take() {
            Some(url) => url,
            None => self.call_url().map_err(Trouble::Body)?,
        };
        let key = lease.as_ref().map(|lease| &*lease.key);
        let sent = shared.http.execute(self.request(url, key, body));
        let so_far = &mut self.so_far;
        so_far.key = lease;
        so_far.stage = Stage::Sent;

        let mut response = match sent.await {
            Ok(response) => response,
            Err(error) => return Err(Box::pin(unsent(error, shared.proxy.as_deref())).await),
        };
        let query = self.call.query.as_str();
        let is_there = match &self.straight {
            Some(straight) => straight.url(query).is_ok_and(|url| url == *response.url()),
            None => shared.base.has_joined(response.url(), &self.call.path, query),
        };
        if !is_there {
            return Err(Trouble::Elsewhere);
        }
        let status = response.status();
        so_far.status = Some(status);
        so_far.stage = Stage::Response;
        so_far.headers = std::mem::take(response.headers_mut());

        if let Some(coding) = unrequested(&so_far.headers) {
            return match status.is_success() && !self.call.ignores_body {
                true => Err(Trouble::Encoded(self.call.scrubber.line(coding, 64))),
                // The status says enough, and the body nothing.
                false => Ok(()),
            };
        }
        if self.call.streaming && status.is_success() {
            so_far.stream = Some(Box::new(response));
            return Ok(());
        }
        let most = self.options.limits.max_bytes;
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

    /// Where the call goes.
    pub(super) fn call_url(&self) -> Result<Url, String> {
        let query = self.call.query.as_str();
        match &self.straight {
            Some(straight) => straight.url(query),
            None => self.connection.base.join(&self.call.path, query),
        }
    }

    fn request(&self, url: Url, key: Option<&Key>, (body, content_type): Ready) -> Request {
        // `join` has made sure of the origin; the key depends on it, so it is asked once more. A machine
        // is sent nothing that is meant for the API.
        let is_to_api = self.straight.is_none() && self.connection.base.is_origin_of(&url);
        let mut request = Request::new(self.method.clone(), url);
        let (shared, own) = (&self.connection, &self.call.headers);
        let headers = request.headers_mut();
        // With the key and the host; the HTTP client adds the length of a body. A map that is larger
        // than necessary costs more than what is in it.
        let project = self.options.project.as_deref().filter(|_| is_to_api);
        let project = project.and_then(|project| project.as_ref().ok());
        let of_body = if content_type.is_some() { 2 } else { 0 };
        let count = shared.headers.len() + own.len() + usize::from(project.is_some()) + of_body + 2;
        headers.reserve(count);
        let mut set = |name: &HeaderName, value: &HeaderValue| {
            headers.insert(name, value.clone());
        };
        if let Some(content_type) = &content_type {
            set(&CONTENT_TYPE, content_type);
        }
        let project = project.map(|(name, value)| (name, value));
        let of_client = shared.headers.iter().filter(|(name, _)| is_to_api || TOLD.contains(name));
        for (name, value) in of_client.chain(project).chain(own) {
            set(name, value);
        }
        if let Some(key) = key.filter(|_| is_to_api) {
            set(&AUTHORIZATION, &key.header);
        }
        *request.body_mut() = body;
        request
    }

    /// Waits before the next attempt, or gives up with the failure.
    pub(super) async fn recover(&mut self, failure: Failure) -> Result<()> {
        let Failure { error, outcome, should_retry } = failure;
        self.maybe_done |= outcome.maybe_done();
        let machine = self.lost_machine(&error, outcome);
        if !self.call.body.is_replayable() {
            self.finished("what was sent cannot be read again");
            return Err(error);
        }
        if let Some(machine) = machine
            && (self.idempotency() == Idempotency::Idempotent || !outcome.maybe_done())
        {
            self.span.in_scope(|| tracing::info!("trying again by the API, past the machine"));
            self.doubted = Some(machine);
            (self.straight, self.rerouted) = (None, true);
            return Ok(());
        }
        if error.is_unauthorized() && !self.rekeyed && self.has_new_key().await {
            self.rekeyed = true;
            return Ok(());
        }
        let options = &self.options;
        let attempt = Attempt {
            idempotency: self.idempotency(),
            // The attempt with a new key, or past a machine, is not one of those that a bad network costs.
            number: self.attempts - u32::from(self.rekeyed) - u32::from(self.rerouted),
            outcome,
            should_retry,
            asked: error.retry_after(),
            elapsed: self.time.elapsed(),
        };
        match retry::decide(&options.retry, &attempt, (self.connection.random)()) {
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

    /// The machine that the call went to, where it is gone or does not let the call in.
    fn lost_machine(&self, error: &Error, outcome: Outcome) -> Option<Arc<Machine>> {
        let is_unreached = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout)
            && !outcome.maybe_done();
        let is_status = matches!(outcome, Outcome::Status(401 | 403 | 404 | 502 | 503));
        let machine = self.straight.as_ref().filter(|_| is_unreached || is_status)?.machine.clone();
        // It may be there, and lack what was asked for: whether the API has it will tell.
        if outcome != Outcome::Status(404) {
            self.connection.machines.iter().for_each(|it| it.forget(&machine));
        }
        Some(machine)
    }

    /// Learns of machines from a success.
    pub(super) fn learn(&self, body: &[u8]) {
        let Some(machines) = &self.connection.machines else { return };
        self.doubted.iter().for_each(|it| machines.forget(it));
        machines.learn(self.method.as_str(), &self.call.path, body);
    }

    /// Whether the call may be sent twice.
    pub(super) fn idempotency(&self) -> Idempotency {
        self.options.idempotency.unwrap_or_else(|| self.call.target.idempotency())
    }

    /// Whether the source of the key has another one than the one just rejected.
    async fn has_new_key(&mut self) -> bool {
        let Some(rejected) = self.key.clone() else { return false };
        let renew = self.connection.credentials.renew(&rejected).instrument(self.span.clone());
        let new = timeout(self.time.next().0, renew).await.unwrap_or(false);
        if new {
            self.span.in_scope(|| tracing::info!("trying again with the key's new value"));
        }
        new
    }

    pub(super) fn finished(&self, how: &str) {
        let elapsed = u64::try_from(self.time.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span.record("elapsed_ms", elapsed);
        tracing::debug!(parent: &self.span, how, "finished");
    }
}

/// An attempt with a long upload is not late while it makes progress; the deadline is for all.
async fn while_it_progresses(
    exchange: impl Future<Output = Result<(), Trouble>>,
    upload: Progress,
    time: Time,
) -> Result<(), Trouble> {
    let mut exchange = std::pin::pin!(exchange);
    let (mut limit, mut kind) = time.next();
    loop {
        if let Ok(result) = timeout(limit, exchange.as_mut()).await {
            return result;
        }
        let idle = upload.last_byte().map(|last| last.elapsed());
        match idle.and_then(|idle| time.timeout.checked_sub(idle)) {
            Some(left) if kind == ErrorKind::Timeout && !left.is_zero() => {
                (limit, kind) = time.within(left);
            }
            _ => return Err(Trouble::OutOfTime(kind)),
        }
    }
}

/// What kept a request from being sent, or its response from coming.
async fn unsent(error: reqwest::Error, proxy: Option<&Proxy>) -> Trouble {
    match (rejection(&error, proxy), proxy) {
        (Some(Rejection::Status(None)), Some(proxy)) => {
            Trouble::Rejected(error, proxy.status().await)
        }
        (Some(Rejection::Status(status)), _) => Trouble::Rejected(error, status),
        (Some(Rejection::Unknown), _) => Trouble::Rejected(error, None),
        (None, _) => Trouble::Transport(error),
    }
}

/// The encoding of a body, where it has one: none is requested.
fn unrequested(headers: &HeaderMap) -> Option<&str> {
    let coding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or("unknown").trim();
    Some(coding).filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}
