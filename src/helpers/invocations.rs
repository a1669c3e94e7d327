//! A run of an action, followed to its end, and its result.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::following::{Follower, Following, Job, Stage};
use crate::error::Scrubber;
use crate::resources::invocations::{Create, Invocations};
use crate::types::{
    Invocation, InvocationEvent, InvocationStateEvent, InvocationStateEventEvent, InvocationStatus,
    InvocationsCreateResponse,
};
use crate::{Error, EventStream, Result};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::resources::invocations::Invocations {}
}

/// Runs actions to their end.
///
/// ```no_run
/// use std::time::Duration;
///
/// use onkernel::prelude::*;
///
/// # async fn example(kernel: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let call = kernel.invocations().create("my-app", "latest", "scrape");
/// let call = call.payload(r#"{"url":"https://example.com"}"#);
/// let run = kernel.invocations().invoke_and_wait(call, Duration::from_secs(600)).await?;
/// println!("{}", run.output.unwrap_or_default());
/// # Ok(())
/// # }
/// ```
pub trait InvocationsExt: sealed::Sealed {
    /// What happens in a run, until it has succeeded or failed: the last event is that state, also
    /// where the connection is lost or the stream ends before. See [`Following`].
    ///
    /// [`follow`](Invocations::follow) is the one call that this is made of.
    fn follow_to_end(&self, id: impl Into<String>) -> Following<InvocationEvent>;

    /// Runs an action in the background, as the call describes it, and waits until it has
    /// succeeded, for at most `limit` from its beginning on.
    ///
    /// The run's events say when it has ended. Where they cannot be had the run is asked for again and
    /// again, and a network that is gone is waited for. The service itself ends a run
    /// after [`async_timeout_seconds`](Create::async_timeout_seconds), a quarter of an hour by default.
    ///
    /// A dropped future ends the waiting and not the run.
    ///
    /// # Errors
    /// [`InvokeError`] has what is known of the run. Only one that was not started may be started
    /// again without a thought.
    fn invoke_and_wait(
        &self,
        call: Create,
        limit: Duration,
    ) -> impl Future<Output = Result<Invocation, InvokeError>> + Send;
}

impl InvocationsExt for Invocations {
    fn follow_to_end(&self, id: impl Into<String>) -> Following<InvocationEvent> {
        follower(self, id.into()).stream()
    }

    async fn invoke_and_wait(
        &self,
        call: Create,
        limit: Duration,
    ) -> Result<Invocation, InvokeError> {
        // The call's own client can see the run; another one may be of another organization.
        let invocations = call.client_.invocations();
        let started = call.async_(true).send().await.map_err(InvokeError::NotStarted)?;
        let (InvocationsCreateResponse::Value(started)
        | InvocationsCreateResponse::Accepted(started)) = started;
        let id = started.id;
        match timeout(limit, follower(&invocations, id.clone()).end()).await {
            Ok(Ok(run)) if run.status == InvocationStatus::Succeeded => Ok(run),
            Ok(Ok(run)) => Err(InvokeError::Failed(Box::new(run))),
            Ok(Err(error)) => Err(InvokeError::Lost { id, error }),
            Err(_) => Err(InvokeError::TimedOut { id, limit }),
        }
    }
}

/// Why [`invoke_and_wait`](InvocationsExt::invoke_and_wait) has no result.
///
/// `Display` and `Debug` are one line and leave out what the action was given and what it returned.
#[non_exhaustive]
pub enum InvokeError {
    /// The run was not started, unless [`Error::outcome_unknown`] says that it may have been.
    NotStarted(Error),
    /// The run has ended, and not with success: its `status_reason` says why.
    Failed(Box<Invocation>),
    /// The run was started, and the service does not say what becomes of it.
    Lost {
        /// The run's id.
        id: String,
        /// What the service said instead.
        error: Error,
    },
    /// The run was started, and goes on.
    TimedOut {
        /// The run's id.
        id: String,
        /// How long it was waited for.
        limit: Duration,
    },
}

impl InvokeError {
    /// The run's id, if one was started.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::NotStarted(_) => None,
            Self::Failed(run) => Some(&run.id),
            Self::Lost { id, .. } | Self::TimedOut { id, .. } => Some(id),
        }
    }
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scrubber = Scrubber::default();
        match self {
            Self::NotStarted(error) => error.fmt(f),
            Self::Failed(run) => {
                write!(f, "the run {} of `{}` {}", run.id, run.action_name, run.status)?;
                let reason = run.status_reason.as_deref().unwrap_or("no reason was given");
                write!(f, ": {}", scrubber.line(reason, 512))
            }
            Self::Lost { id, error } => {
                write!(f, "the run {id} was started and cannot be followed: {error}")
            }
            Self::TimedOut { id, limit } => write!(
                f,
                "the run {id} has not ended within {limit:?} and goes on: follow it, or end it with `invocations().update(…)`"
            ),
        }
    }
}

impl fmt::Debug for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvokeError({self})")
    }
}

impl std::error::Error for InvokeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The text of the first is the error's own.
            Self::NotStarted(error) => error.source(),
            Self::Lost { error, .. } => Some(error),
            Self::Failed(_) | Self::TimedOut { .. } => None,
        }
    }
}

fn follower(invocations: &Invocations, id: String) -> Follower<Running> {
    let policy = invocations.client.sender.options.retry;
    Follower::new(Running { invocations: invocations.clone(), id }, policy)
}

struct Running {
    invocations: Invocations,
    id: String,
}

impl Job for Running {
    type Event = InvocationEvent;
    type State = Invocation;

    fn events(
        &self,
        since: Option<String>,
    ) -> impl Future<Output = Result<EventStream<InvocationEvent>>> + Send {
        self.invocations.follow(&self.id).set_since(since).events()
    }

    fn state(&self) -> impl Future<Output = Result<Invocation>> + Send {
        self.invocations.get(&self.id).send()
    }

    fn time(event: &InvocationEvent) -> Option<DateTime<Utc>> {
        match event {
            InvocationEvent::Log(it) => Some(it.timestamp),
            InvocationEvent::InvocationState(it) => Some(it.timestamp),
            InvocationEvent::Error(it) => Some(it.timestamp),
            _ => None,
        }
    }

    fn reported(event: &InvocationEvent) -> Option<&Invocation> {
        match event {
            InvocationEvent::InvocationState(it) => Some(&it.invocation),
            _ => None,
        }
    }

    fn report(invocation: Invocation) -> InvocationEvent {
        InvocationEvent::InvocationState(InvocationStateEvent {
            event: InvocationStateEventEvent::InvocationState,
            invocation,
            timestamp: Utc::now(),
        })
    }

    fn stage(invocation: &Invocation) -> Stage {
        use InvocationStatus::{Failed, Queued, Running, Succeeded, Unknown};
        match invocation.status {
            Queued | Running => Stage::GoesOn,
            Succeeded | Failed => Stage::Ended,
            Unknown(_) => Stage::Unknown,
        }
    }
}
