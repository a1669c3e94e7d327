//! The one gate through which every effect passes: what is shown, what is waited for, and where a
//! test can stop the world.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};

use super::clock::Clock;
use super::pace::Pace;
use super::report::Event;
use super::stop::{Asked, Stop};

/// A test's hand on a rotation: it is told of every effect, before and after, and may not return.
#[doc(hidden)]
pub trait Probe: Send + Sync {
    /// An effect is about to happen, or has just happened.
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()>;

    /// An error for the journal's disk to fail with.
    fn disk(&self) -> Option<io::Error> {
        None
    }
}

/// Who is told what happens.
pub(crate) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

pub(crate) struct Port {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) stop: Stop,
    /// There is no safe point at which to stop, for now.
    pub(crate) deaf: AtomicBool,
}

impl Port {
    /// Lets an effect happen.
    pub(crate) async fn effect<T>(&self, name: &'static str, effect: impl Future<Output = T>) -> T {
        let Some(probe) = &self.probe else { return effect.await };
        probe.at(name, false).await;
        let result = effect.await;
        probe.at(name, true).await;
        result
    }

    /// Waits, unless it is asked to stop.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Asked> {
        self.sleep_on(&*self.clock, time).await
    }

    /// Waits until the server may be asked something, unless it is asked to stop.
    pub(crate) async fn turn(&self) -> Result<(), Asked> {
        // Meanwhile another rotation may have been told to wait longer.
        loop {
            match self.pace.left() {
                Duration::ZERO => return Ok(()),
                left => self.sleep_on(&*self.pace.clock, left).await?,
            }
        }
    }

    async fn sleep_on(&self, clock: &dyn Clock, time: Duration) -> Result<(), Asked> {
        if time.is_zero() {
            return Ok(());
        }
        if self.deaf.load(Ordering::SeqCst) {
            self.effect("wait", clock.sleep(time)).await;
            return Ok(());
        }
        self.effect("wait", async {
            // Asked first, so that a wait is not even begun when it need not be.
            match select(pin!(self.stop.asked()), clock.sleep(time)).await {
                Either::Left(_) => Err(Asked),
                Either::Right(_) => Ok(()),
            }
        })
        .await
    }

    /// Whether what is under way is to end at the next safe point.
    pub(crate) fn stopping(&self) -> bool {
        self.stop.is_asked() && !self.deaf.load(Ordering::SeqCst)
    }

    pub(crate) fn tell(&self, event: &Event) {
        for listener in &self.listeners {
            listener(event);
        }
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.tell(&Event::Note { text: text.into() });
    }

    /// The error with which the disk fails, in a test.
    pub(crate) fn disk(&self) -> io::Result<()> {
        match self.probe.as_ref().and_then(|probe| probe.disk()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
