//! The one boundary through which every effect passes: what is reported, what is waited for, and
//! where a test can stop the world.

pub(crate) mod clock;
pub(crate) mod rate_limit;
pub(crate) mod stop;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};

use self::clock::Clock;
use self::rate_limit::RateLimit;
use self::stop::{Stop, StopRequested};
use super::report::Event;

/// A test's hand on a rotation: it is called at every effect, before and after, and may not return.
#[doc(hidden)]
pub trait Probe: Send + Sync {
    /// An effect is about to happen, or has just happened.
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()>;

    /// An error for the journal's disk to fail with.
    fn disk(&self) -> Option<io::Error> {
        None
    }
}

/// What events are reported to.
pub(crate) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// The time between two looks at something that is not there yet.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_LOOK: Duration = Duration::from_secs(8);

pub(crate) struct Effects {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) rate_limit: Arc<RateLimit>,
    pub(crate) stop: Stop,
    /// There is no safe point at which to stop, for now.
    pub(crate) unstoppable: AtomicBool,
    /// The server's time, and when it was heard.
    pub(crate) server_time: std::sync::Mutex<Option<(DateTime<Utc>, Duration)>>,
}

impl Effects {
    /// Lets an effect happen.
    pub(crate) async fn effect<T>(&self, name: &'static str, effect: impl Future<Output = T>) -> T {
        let Some(probe) = &self.probe else { return effect.await };
        probe.at(name, false).await;
        let result = effect.await;
        probe.at(name, true).await;
        result
    }

    /// The time since some fixed moment.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Waits, unless a stop is requested. What for is shown.
    pub(crate) async fn wait(&self, why: &str, time: Duration) -> Result<(), StopRequested> {
        self.wait_on(&*self.clock, why, time).await
    }

    /// Waits until this moment, if it is not over.
    pub(crate) async fn wait_until(
        &self,
        why: &str,
        moment: Duration,
    ) -> Result<(), StopRequested> {
        self.wait(why, moment.saturating_sub(self.elapsed())).await
    }

    /// Waits a while before looking again for what must show by a moment; shown is the time left.
    pub(crate) async fn wait_to_look(
        &self,
        why: &str,
        looks: u32,
        until: Duration,
    ) -> Result<(), StopRequested> {
        let left = until.saturating_sub(self.elapsed());
        let doubled = 1_u32.checked_shl(looks).unwrap_or(u32::MAX);
        let wait = FIRST_LOOK.saturating_mul(doubled).min(LONGEST_LOOK).min(left);
        self.report(&Event::Waiting { why: why.to_owned(), left });
        self.sleep(&*self.clock, wait).await
    }

    /// Waits until the server's rate limit allows a request, unless a stop is requested.
    pub(crate) async fn turn(&self) -> Result<(), StopRequested> {
        // Meanwhile another rotation may have been told to wait longer.
        loop {
            match self.rate_limit.left() {
                Duration::ZERO => return Ok(()),
                left => self.wait_on(&*self.rate_limit.clock, "for the rate limit", left).await?,
            }
        }
    }

    async fn wait_on(
        &self,
        clock: &dyn Clock,
        why: &str,
        time: Duration,
    ) -> Result<(), StopRequested> {
        if time.is_zero() {
            return Ok(());
        }
        self.report(&Event::Waiting { why: why.to_owned(), left: time });
        self.sleep(clock, time).await
    }

    async fn sleep(&self, clock: &dyn Clock, time: Duration) -> Result<(), StopRequested> {
        if self.unstoppable.load(Ordering::SeqCst) {
            self.effect("wait", clock.sleep(time)).await;
            return Ok(());
        }
        self.effect("wait", async {
            // Looked at first, so that a wait is not even begun when it need not be.
            match select(pin!(self.stop.requested()), clock.sleep(time)).await {
                Either::Left(_) => Err(StopRequested),
                Either::Right(_) => Ok(()),
            }
        })
        .await
    }

    /// Whether what is under way is to end at the next safe point.
    pub(crate) fn stopping(&self) -> bool {
        self.stop.is_requested() && !self.unstoppable.load(Ordering::SeqCst)
    }

    pub(crate) fn report(&self, event: &Event) {
        for listener in &self.listeners {
            listener(event);
        }
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.report(&Event::Note { text: text.into() });
    }

    /// The error with which the disk fails, in a test.
    pub(crate) fn disk(&self) -> io::Result<()> {
        match self.probe.as_ref().and_then(|probe| probe.disk()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// What the server's clock shows by now, as far as it has been heard; else this machine's.
    pub(crate) fn server_now(&self) -> DateTime<Utc> {
        let heard = self.server_time.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *heard {
            Some((time, at)) => {
                let since = TimeDelta::from_std(self.elapsed().saturating_sub(at));
                time + since.unwrap_or_default()
            }
            None => self.clock.now(),
        }
    }

    /// The server says what time it is.
    pub(crate) fn hear_server_time(&self, time: DateTime<Utc>) {
        let mut heard = self.server_time.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *heard = Some((time, self.elapsed()));
    }
}
