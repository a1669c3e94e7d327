//! What is reported while a rotation is under way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A step of a rotation, forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Everything is looked at, and nothing touched.
    Plan,
    /// The new key is made, exactly once.
    Create,
    /// The new key is compared with the old one.
    Compare,
    /// The new key is written to the store.
    Store,
    /// The workload is deployed.
    Deploy,
    /// The new key is seen to work.
    Verify,
    /// Both keys work for a while.
    Overlap,
    /// The new key gets the real name.
    Rename,
    /// The old key is retired.
    Retire,
    /// The store is read back until what it shows can be believed.
    Confirm,
    /// Going back: the old key is written to the store.
    Restore,
    /// Going back: the workload is deployed with the old key.
    Redeploy,
    /// Going back: the new key is deleted.
    Remove,
    /// Keys that may have been made unseen are looked for, and deleted.
    Settle,
    /// Going back: both keys work for a while.
    OverlapBack,
    /// The old key gets its name back, after the server's own rotation.
    Unmark,
}

/// Something that happens in a rotation. No event holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        step: Step,
    },
    /// A step is done.
    Done {
        /// Which.
        step: Step,
        /// How long it took.
        took: Duration,
    },
    /// A step failed. What that leads to shows in the steps that follow.
    Failed {
        /// Which.
        step: Step,
        /// How long it took.
        took: Duration,
        /// Why, in a sentence.
        why: String,
    },
    /// It waits: for the overlap, for a change to become visible, or before it tries again. Shown
    /// anew each time it has looked in between.
    Waiting {
        /// What for, in a few words.
        why: String,
        /// How long at most from now on.
        left: Duration,
    },
    /// Something worth knowing, such as what a plan costs or that a call is tried again.
    Note {
        /// It, in a sentence.
        text: String,
    },
}

/// Everything that happens in a rotation, as it happens; it ends with the rotation.
///
/// A stream, whose `next` is there without any further crate.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct Events(UnboundedReceiver<Event>);

impl Events {
    pub(in crate::rotation) fn new() -> (UnboundedSender<Event>, Self) {
        let (sender, receiver) = unbounded_channel();
        (sender, Self(receiver))
    }

    /// What happens next; nothing when the rotation has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}
