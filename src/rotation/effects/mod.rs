//! The one boundary through which every effect passes: what is reported, what is waited for, and
//! where a test can stop the world.

pub(crate) mod clock;
pub(crate) mod hold;
pub(crate) mod rate_limit;
pub(crate) mod stop;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};
use tokio::sync::Notify;

use self::clock::Clock;
use self::hold::Hold;
use self::rate_limit::RateLimit;
use self::stop::{Stop, StopRequested};
use super::report::{Event, RotationError};

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
    /// Until when the journal is ours, where others can take it over.
    pub(crate) hold: OnceLock<Hold>,
    /// Something was to be done that must not be done any more.
    pub(crate) barred: Notify,
}

impl Effects {
    /// Lets an effect happen, unless the journal is not ours any more: then it never returns, and
    /// [`while_held`](Self::while_held) ends what asked for it.
    pub(crate) async fn effect<T>(&self, name: &'static str, effect: impl Future<Output = T>) -> T {
        self.begin().await;
        let Some(probe) = &self.probe else { return effect.await };
        probe.at(name, false).await;
        self.begin().await;
        let result = effect.await;
        probe.at(name, true).await;
        result
    }

    /// Returns only where something may still be begun.
    async fn begin(&self) {
        if self.hold.get().is_some_and(|hold| hold.why_lost().is_some()) {
            self.bar::<()>().await;
        }
    }

    async fn bar<T>(&self) -> T {
        self.barred.notify_one();
        std::future::pending().await
    }

    /// Does all of this, until it is to begin something although the journal is not ours any more.
    /// What was begun before is finished; the rest is dropped, which is like a crash: whoever takes
    /// the journal over goes on from what is in it.
    pub(crate) async fn while_held<T>(
        &self,
        work: impl Future<Output = Result<T, RotationError>> + Unpin,
    ) -> Result<T, RotationError> {
        let done = match select(work, pin!(self.barred.notified())).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        };
        // What held the journal is dropped by now.
        if let Some(hold) = self.hold.get() {
            hold.ended().await;
        }
        done.unwrap_or_else(|| {
            let why = self.hold.get().and_then(Hold::why_lost).unwrap_or_default();
            Err(RotationError::lost(&why))
        })
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
        let Some(hold) = self.hold.get() else { return self.sleep_freely(clock, time).await };
        match select(pin!(self.sleep_freely(clock, time)), pin!(hold.lost())).await {
            Either::Left((slept, _)) => slept,
            Either::Right(_) => self.bar().await,
        }
    }

    async fn sleep_freely(&self, clock: &dyn Clock, time: Duration) -> Result<(), StopRequested> {
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
