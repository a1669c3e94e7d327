//! Time for a whole fleet: the machine's, or virtual time, which passes only while nobody has anything
//! to do.
//!
//! Virtual time is tokio's paused clock. By itself that clock jumps to the next timer also while a
//! response is on its way through a socket; `pass` lets it go on only when all sockets are quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

/// tokio's timers know no shorter time.
const TICK: Duration = Duration::from_millis(1);
/// How often all that can run has run, and no socket had anything to read, before it is quiet. From
/// one request or statement to the next there are three such rounds at most.
const QUIET: usize = 5;

/// What time it is. Clones are one and the same.
#[derive(Clone)]
pub struct Time(Arc<Shared>);

struct Shared {
    base: DateTime<Utc>,
    began: Instant,
    events: AtomicU64,
    under_way: AtomicUsize,
}

impl Time {
    pub fn begin() -> Self {
        let (events, under_way) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self(Arc::new(Shared { base: Utc::now(), began: Instant::now(), events, under_way }))
    }

    pub fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.0.base + TimeDelta::from_std(self.elapsed()).unwrap()
    }

    /// Something was received or is sent.
    pub fn happens(&self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody outside has begun what takes no virtual time.
    pub fn leaves(&self) {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// It is done.
    pub fn returns(&self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
        self.happens();
    }

    /// Lets virtual time pass.
    pub async fn pass(self) -> ! {
        loop {
            let (mut quiet, mut seen) = (0, 0);
            while quiet < QUIET || self.0.under_way.load(Ordering::Relaxed) > 0 {
                yield_now().await;
                let events = self.0.events.load(Ordering::Relaxed);
                quiet = if events == seen { quiet + 1 } else { 0 };
                seen = events;
            }
            sleep(TICK).await;
        }
    }
}
