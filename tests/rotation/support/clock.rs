//! Clocks that jump: time passes only when somebody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::future::BoxFuture;
use onkernel::rotation::Clock;
use onkernel::testing::Server;

use super::MemoryStore;

/// Time that passes only when somebody waits for it, the server's with it.
#[derive(Clone)]
pub struct TestClock {
    ms: Arc<AtomicU64>,
    server: Server,
}

impl TestClock {
    pub fn new(server: &Server) -> Self {
        Self { ms: Arc::default(), server: server.clone() }
    }
}

impl Clock for TestClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::SeqCst))
    }

    fn now(&self) -> DateTime<Utc> {
        self.server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let ms = time.as_micros().div_ceil(1000);
            self.ms.fetch_add(u64::try_from(ms).unwrap(), Ordering::SeqCst);
            self.server.advance(TimeDelta::from_std(time).unwrap());
            tokio::task::yield_now().await;
        })
    }
}

/// A clock that lets late writes land while it is waited for.
pub struct LandingClock {
    pub clock: TestClock,
    pub store: MemoryStore,
    /// How long it was waited for since there has been something late, in milliseconds.
    pub waited: AtomicU64,
}

impl Clock for LandingClock {
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let ms = u64::try_from(time.as_millis()).unwrap();
            // Whoever waits long enough sees it.
            if !self.store.is_late() {
                self.waited.store(0, Ordering::SeqCst);
            } else if self.waited.fetch_add(ms, Ordering::SeqCst) + ms >= 60_000 {
                self.store.land();
            }
            self.store.wait(time);
            self.clock.sleep(time).await;
        })
    }
}
