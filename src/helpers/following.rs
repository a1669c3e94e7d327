//! Something that goes on at the server, followed to its end whatever the network does.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;
use tokio::time::{Sleep, sleep};

use crate::send::Policy;
use crate::{Error, ErrorKind, EventStream, Messages, Result};

/// Something that goes on at the server, has events while it does, and a state.
pub(super) trait Job: Send + Sync + 'static {
    type Event: Clone + PartialEq + DeserializeOwned + Send + Sync + 'static;
    type State: Clone + PartialEq + Send + Sync + 'static;

    /// The events, from a time on that the server gave to one of them.
    fn events(
        &self,
        since: Option<String>,
    ) -> impl Future<Output = Result<EventStream<Self::Event>>> + Send;

    /// The present state.
    fn state(&self) -> impl Future<Output = Result<Self::State>> + Send;

    /// When the server made an event.
    fn time(event: &Self::Event) -> Option<DateTime<Utc>>;

    /// The state that an event reports, if it reports one.
    fn reported(event: &Self::Event) -> Option<&Self::State>;

    /// The event that reports a state.
    fn report(state: Self::State) -> Self::Event;

    fn stage(state: &Self::State) -> Stage;
}

/// What a state says of the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    GoesOn,
    Ended,
    /// A state that this version does not know.
    Unknown,
}

/// The events of something that goes on at the server, to its end.
///
/// The last event is the state in which it has ended, also where the connection is lost, or the server
/// ends the stream before: then the client asks for the state, and for the events since the last one.
/// What came before the connection was lost does not come again; a state that has changed meanwhile
/// comes as an event, as if the server had sent it. How often in a row the state may fail to be had is
/// what [`retries`](crate::CallOptions::retries) says.
///
/// An event that is not as documented is an error ([`ErrorKind::Decode`]), after which the stream
/// goes on; any other error ends it. Dropping it ends nothing at the server.
#[must_use = "a stream does nothing until it is polled"]
pub struct Following<E>(Pin<Box<dyn Stream<Item = Result<E>> + Send>>);

impl<E> Following<E> {
    /// The next event; nothing after the one with which it has ended.
    ///
    /// # Errors
    /// The state cannot be had, or an event is not as documented.
    pub async fn next(&mut self) -> Option<Result<E>> {
        StreamExt::next(self).await
    }
}

impl<E> Stream for Following<E> {
    type Item = Result<E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<E> fmt::Debug for Following<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}

/// Who follows.
pub(super) struct Follower<J: Job> {
    job: J,
    policy: Policy,
    /// Whether a failure that may pass is waited out, however long.
    patient: bool,
    events: Option<Messages<J::Event>>,
    /// The time of the last event, and the events of that time.
    last: Option<(DateTime<Utc>, Vec<J::Event>)>,
    /// The last state.
    state: Option<J::State>,
    /// The state in which it has ended, while the last events are asked for.
    ended: Option<J::State>,
    /// How often in a row the stream was cut without an event in between.
    cuts: u32,
    /// How often in a row the state could not be had.
    failures: u32,
    /// Nothing more will come.
    over: bool,
}

impl<J: Job> Follower<J> {
    pub(super) fn new(job: J, policy: Policy) -> Self {
        Self {
            job,
            policy,
            patient: false,
            events: None,
            last: None,
            state: None,
            ended: None,
            cuts: 0,
            failures: 0,
            over: false,
        }
    }

    /// The events as they come.
    pub(super) fn stream(self) -> Following<J::Event> {
        let events = stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((event, follower))
        });
        // Fused, for `unfold` panics when it is asked again after its end.
        Following(Box::pin(events.fuse()))
    }

    /// The state in which it has ended. Failures that may pass are waited out.
    #[cfg(feature = "invocations")]
    pub(super) async fn end(mut self) -> Result<J::State> {
        self.patient = true;
        while let Some(event) = self.next().await {
            if let Err(error) = event
                && self.over
            {
                return Err(error);
            }
        }
        let none = || Error::new(ErrorKind::Decode, "the events ended without any state");
        self.state.ok_or_else(none)
    }

    async fn next(&mut self) -> Option<Result<J::Event>> {
        while !self.over {
            let Some(events) = &mut self.events else {
                match self.job.events(self.since()).await {
                    Ok(events) => self.events = Some(events.messages()),
                    Err(_) => {
                        if let Some(item) = self.cut(false).await {
                            return Some(item);
                        }
                    }
                }
                continue;
            };
            match events.next().await {
                Some(Ok(event)) if self.came_before(&event) => {}
                Some(Ok(event)) => {
                    self.note(&event);
                    return Some(Ok(event));
                }
                // Not as documented; more may come.
                Some(Err(error)) if error.is_decode() => return Some(Err(error)),
                broken_or_ended => {
                    if let Some(item) = self.cut(broken_or_ended.is_none()).await {
                        return Some(item);
                    }
                }
            }
        }
        None
    }

    /// From when on events are still to come.
    fn since(&self) -> Option<String> {
        let (time, _) = self.last.as_ref()?;
        Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// Whether an event came already before the stream was opened again, from its time on.
    fn came_before(&self, event: &J::Event) -> bool {
        self.last.as_ref().is_some_and(|(_, events)| events.contains(event))
    }

    fn note(&mut self, event: &J::Event) {
        self.cuts = 0;
        if let Some(time) = J::time(event) {
            match &mut self.last {
                Some((last, _)) if time < *last => {}
                Some((last, events)) if time == *last => events.push(event.clone()),
                last => *last = Some((time, vec![event.clone()])),
            }
        }
        if let Some(state) = J::reported(event) {
            self.over = J::stage(state) == Stage::Ended;
            self.state = Some(state.clone());
        }
    }

    /// There are no more events, by the server's will or because they cannot be had: what is the
    /// state?
    async fn cut(&mut self, by_server: bool) -> Option<Result<J::Event>> {
        self.events = None;
        self.cuts = self.cuts.saturating_add(1);
        if let Some(state) = self.ended.take() {
            return Some(Ok(self.finish(state)));
        }
        match self.job.state().await {
            Ok(state) => {
                self.failures = 0;
                match J::stage(&state) {
                    // What else was said before the connection was lost?
                    Stage::Ended if !by_server => {
                        self.ended = Some(state);
                        return None;
                    }
                    Stage::Unknown if !by_server => {}
                    Stage::GoesOn => {}
                    Stage::Ended | Stage::Unknown => return Some(Ok(self.finish(state))),
                }
                self.wait().await;
                let changed = self.state.as_ref() != Some(&state);
                self.state = Some(state.clone());
                changed.then(|| Ok(J::report(state)))
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let again = self.patient || self.failures <= self.policy.retries;
                if !(again && may_pass(&error)) {
                    self.over = true;
                    return Some(Err(error));
                }
                self.wait().await;
                None
            }
        }
    }

    fn finish(&mut self, state: J::State) -> J::Event {
        self.over = true;
        self.state = Some(state.clone());
        J::report(state)
    }

    fn wait(&self) -> Sleep {
        sleep(self.policy.backoff(self.cuts, fastrand::f64()))
    }
}

/// Whether a failure is one of the network or of the moment.
fn may_pass(error: &Error) -> bool {
    error.is_connect()
        || error.is_timeout()
        || error.is_rate_limited()
        || error.is_server_error()
        || error.kind() == ErrorKind::ConnectionLost
}
