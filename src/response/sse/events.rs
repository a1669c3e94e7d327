//! Streams of server-sent events, read with bounded memory and taken up where they broke off.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::frames::{Frame, Frames};
use crate::error::{Error, ErrorKind, Result, Scrubber};
use crate::model::target::Target;
use crate::response::{Reopen, StreamingResponse, request_id};

/// The longest wait before a stream is taken up again, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<T> {
    /// An event as the document describes it.
    Message {
        /// The server's id for it.
        id: Option<String>,
        /// What happened.
        data: T,
    },
    /// The server says that it is still there.
    Heartbeat,
    /// An event that the document does not describe, as it came.
    Unknown {
        /// The server's id for it.
        id: Option<String>,
        /// Its name, if it has one.
        name: Option<String>,
        /// Its data.
        data: String,
    },
}

/// The events of an operation, as they come.
///
/// The stream has no time by which it must end. A silence longer than
/// [`idle_timeout`](crate::CallOptions::idle_timeout) or a broken connection ends it with an error,
/// unless the operation can resume: then the client asks again from the last event on, as often
/// in a row as [`retries`](crate::CallOptions::retries) says. It ends without an error when the
/// server ends it.
///
/// ```no_run
/// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
/// use onkernel::{Event, Method, serde_json};
///
/// let mut events = client
///     .request(Method::GET, "/deployments/d_1/events")
///     .events::<serde_json::Value>()
///     .await?;
/// while let Some(event) = events.next().await {
///     if let Event::Message { data, .. } = event? {
///         println!("{data}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct EventStream<T> {
    events: Pin<Box<dyn Stream<Item = Result<Event<T>>> + Send>>,
    status: StatusCode,
    headers: HeaderMap,
    target: Target,
}

impl StreamingResponse {
    /// The events of a stream that has begun, resumed where it breaks off if that can be done.
    pub(crate) fn events<T: DeserializeOwned + Send + 'static>(
        self,
        resume: bool,
    ) -> EventStream<T> {
        EventStream::new(self, resume)
    }
}

impl<T: DeserializeOwned + Send + 'static> EventStream<T> {
    fn new(response: StreamingResponse, resume: bool) -> Self {
        let (status, headers) = (response.status, response.headers.clone());
        let target = response.target.clone();
        let reader = Reader {
            reopen: resume.then(|| response.reopen.clone()),
            last_id: response.reopen.last_event.clone(),
            wait: response.reopen.wait,
            response: Some(response),
            ended: false,
            frames: Frames::default(),
            failures: 0,
            of: PhantomData,
        };
        let events = stream::unfold(reader, |mut reader| async move {
            let event = reader.next().await?;
            Some((event, reader))
        });
        // Fused, for `unfold` panics when it is asked again after its end.
        Self { events: Box::pin(events.fuse()), status, headers, target }
    }

    /// What happened, without heartbeats. An event that the document does not describe is an error
    /// ([`ErrorKind::Decode`](crate::ErrorKind::Decode)), after which the stream goes on; the stream
    /// itself has it as it came, as [`Event::Unknown`].
    pub fn messages(self) -> Messages<T> {
        let Self { events, status, headers, target } = self;
        Messages(Box::pin(events.filter_map(move |event| {
            let message = match event {
                Ok(Event::Message { data, .. }) => Some(Ok(data)),
                Ok(Event::Heartbeat) => None,
                Ok(Event::Unknown { name, .. }) => {
                    let scrubber = Scrubber::default();
                    let name = name.map(|name| format!(" `{}`", scrubber.line(&name, 64)));
                    let problem = format!(
                        "{status}, but an event{} is not as documented",
                        name.unwrap_or_default()
                    );
                    Some(Err(Error::new(ErrorKind::Decode, problem)
                        .of(&target)
                        .with_response(status, request_id(&headers, &scrubber))))
                }
                Err(error) => Some(Err(error)),
            };
            std::future::ready(message)
        })))
    }
}

/// What happened, without heartbeats: see [`EventStream::messages`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Messages<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T> Messages<T> {
    /// The next one; nothing after the last.
    ///
    /// # Errors
    /// The stream broke, or an event is not as documented.
    pub async fn next(&mut self) -> Option<Result<T>> {
        StreamExt::next(self).await
    }
}

impl<T> Stream for Messages<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}

impl<T> EventStream<T> {
    /// The next event; nothing after the last, or after an error.
    ///
    /// # Errors
    /// The stream broke, and could not be resumed.
    pub async fn next(&mut self) -> Option<Result<Event<T>>> {
        StreamExt::next(self).await
    }

    /// The status with which the stream began.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers with which the stream began.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl<T> Stream for EventStream<T> {
    type Item = Result<Event<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("status", &self.status.as_u16()).finish_non_exhaustive()
    }
}

/// A stream being read.
struct Reader<T> {
    /// The response; `None` when nothing more will come.
    response: Option<StreamingResponse>,
    /// The server has ended it.
    ended: bool,
    /// How to go on where the stream breaks off, if it can be resumed.
    reopen: Option<Reopen>,
    frames: Frames,
    /// The id of the last event that had one, or what the caller began with.
    last_id: Option<HeaderValue>,
    wait: Duration,
    /// How often in a row the stream broke off without an event in between.
    failures: u32,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Reader<T> {
    async fn next(&mut self) -> Option<Result<Event<T>>> {
        loop {
            let response = self.response.as_mut()?;
            if let Err(problem) = is_event_stream(response) {
                self.response = None;
                return Some(Err(problem));
            }
            if let Some(frame) = self.frames.next() {
                if let Some(wait) = frame.retry {
                    // A server that breaks off at once and asks for no wait gets no tight loop.
                    self.wait = wait.min(LONGEST_WAIT).max(response.reopen.wait);
                }
                if let Some(event) = self.event(frame) {
                    self.failures = 0;
                    return Some(Ok(event));
                }
                continue;
            }
            if self.ended {
                self.response = None;
                return None;
            }
            let broken = match response.chunk().await {
                Ok(Some(bytes)) => match self.frames.push(&bytes) {
                    Ok(()) => continue,
                    Err(problem) => {
                        let error = response.error(ErrorKind::TooLarge, problem);
                        self.response = None;
                        return Some(Err(error));
                    }
                },
                Ok(None) => {
                    // The standard drops an event that no empty line ends; a server that ends its
                    // stream so has said all of it.
                    self.frames.finish();
                    self.ended = true;
                    continue;
                }
                Err(error) => error,
            };
            if let Err(error) = self.resume(broken).await {
                self.response = None;
                return Some(Err(error));
            }
        }
    }

    /// What a frame says, if it says anything.
    fn event(&mut self, frame: Frame) -> Option<Event<T>> {
        let Frame { id, name, data, .. } = frame;
        if let Some(id) = &id {
            self.last_id = HeaderValue::try_from(id).ok().filter(|id| !id.is_empty());
        }
        let data = data?;
        let value = serde_json::from_str::<serde_json::Value>(&data).ok();
        let tag = |key: &str| value.as_ref()?.get(key)?.as_str();
        if name.as_deref().or(tag("event")).is_some_and(is_heartbeat) {
            return Some(Event::Heartbeat);
        }
        Some(match value.and_then(|value| serde_json::from_value(value).ok()) {
            Some(data) => Event::Message { id, data },
            None => Event::Unknown { id, name, data },
        })
    }

    /// Asks for what comes after the last event; gives up with the error that broke the stream.
    async fn resume(&mut self, broken: Error) -> Result<()> {
        let (Some(reopen), Some(id)) = (&self.reopen, &self.last_id) else { return Err(broken) };
        if self.failures >= reopen.retries {
            return Err(broken);
        }
        let mut id = id.clone();
        id.set_sensitive(true);
        self.failures += 1;
        sleep(self.wait).await;
        let reopened = (reopen.send)(id).await?;
        self.frames = Frames::default();
        self.response = Some(reopened);
        Ok(())
    }
}

/// Whether an event of this name says no more than that the server is there: Kernel's document calls
/// it `sse_heartbeat`. A ping may be what happened in a browser.
fn is_heartbeat(name: &str) -> bool {
    name.strip_suffix("heartbeat").is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-']))
}

/// A page of a proxy is no stream, though it comes with 200.
fn is_event_stream(response: &StreamingResponse) -> Result<()> {
    let media_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match media_type {
        Some(other) if !other.to_ascii_lowercase().starts_with("text/event-stream") => {
            let other = response.scrubber.line(other, 64);
            let problem = format!(
                "{}, but the response is {other} instead of a stream of events",
                response.status
            );
            Err(response.error(ErrorKind::Decode, problem))
        }
        _ => Ok(()),
    }
}
