//! Time for a whole fleet: the machine's, or virtual time, which passes only while nobody has anything
//! to do.
//!
//! Virtual time is tokio's paused clock. By itself that clock jumps to the next timer also while a
//! response is on its way through a socket; here it is moved on only when all sockets are quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, advance};

/// By how much it moves on. What the simulation waits for takes a multiple of it.
pub const TICK: Duration = Duration::from_millis(5);
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
    returned: Notify,
}

impl Time {
    pub fn begin() -> Self {
        Self(Arc::new(Shared {
            base: Utc::now(),
            began: Instant::now(),
            events: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            returned: Notify::new(),
        }))
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
        self.0.returned.notify_one();
    }

    /// Lets virtual time pass.
    pub async fn pass(self) -> ! {
        // While a thread is busy tokio does not move the clock on by itself.
        let (_end, ended) = std::sync::mpsc::channel::<()>();
        drop(spawn_blocking(move || ended.recv()));
        loop {
            let (mut quiet, mut seen) = (0, 0);
            while quiet < QUIET {
                yield_now().await;
                while self.0.under_way.load(Ordering::Relaxed) > 0 {
                    self.0.returned.notified().await;
                }
                let events = self.0.events.load(Ordering::Relaxed);
                quiet = if events == seen { quiet + 1 } else { 0 };
                seen = events;
            }
            advance(TICK).await;
        }
    }
}
