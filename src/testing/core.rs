//! What the sockets and the tests of one server share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::faults::{Faults, Struck};
use super::record::Recorded;
use super::reply::Reply;
use super::request::Request;
use super::world::World;

pub(super) struct Core {
    url: String,
    bootstrap_key: String,
    faults: Faults,
    latency_ms: AtomicU64,
    recorder: Option<Recorder>,
    world: Mutex<World>,
}

/// Who is shown every request.
pub(super) type Recorder = Arc<dyn Fn(&Recorded) + Send + Sync>;

impl Core {
    pub(super) fn new(
        url: String,
        bootstrap_key: String,
        faults: Faults,
        recorder: Option<Recorder>,
        world: World,
    ) -> Self {
        let (latency_ms, world) = (AtomicU64::new(0), Mutex::new(world));
        Self { url, bootstrap_key, faults, latency_ms, recorder, world }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn bootstrap_key(&self) -> &str {
        &self.bootstrap_key
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    /// What there is, after all that was due has taken place.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        // A panic in code of a test's own leaves nothing half done: each change is one assignment.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.land_late(false);
        world
    }

    pub(super) fn next_request_id(&self) -> String {
        self.world().next_request_id()
    }

    pub(super) fn decide(&self, request: &Request, id: &str, struck: &Struck) -> Reply {
        let reply = self.world().decide(request, id, struck);
        if let Some(recorder) = &self.recorder {
            recorder(&Recorded::new(request, id, reply.status()));
        }
        reply
    }

    pub(super) fn log_refused(&self, struck: &Struck) {
        self.world().log_refused(struck);
    }
}
