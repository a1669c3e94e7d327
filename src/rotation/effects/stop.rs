//! A request that what is under way ends soon, where it is safe to go on from later.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Stops rotations at the next safe point: for Ctrl-C, or a service that is being shut down.
///
/// Clones are one and the same: keep one, and hand the other to
/// [`Rotation::stop_on`](super::super::Rotation::stop_on), to
/// [`Resume::stop_on`](super::super::Resume::stop_on), or to [`Fleet::stop_on`](super::super::Fleet::stop_on).
///
/// The step under way is finished, and nothing is waited for any more: not the overlap, nor the
/// settle time, nor the next attempt at a call that failed. Then:
///
/// - before anything was made, the rotation ends as before;
/// - with the new key made and the retirement not begun, it ends as
///   [`Outcome::Stopped`](super::super::Outcome::Stopped): the store holds a key that works, the journal
///   stays open, the report says which keys exist and what
///   [`resume`](super::super::RotationExt::resume) will do;
/// - once the retirement has begun, or the new key was deleted again, it goes on to the end, except
///   that names which would have to be waited for stay unsettled;
/// - a store that cannot be read back gives no safe point once it was written, since nobody but
///   this process knows what it holds: such a rotation goes on as if no stop had been requested, until
///   the retirement.
///
/// ```no_run
/// use onkernel::rotation::{FileStore, Retirement, RotationExt, Stop};
///
/// # async fn example(client: onkernel::Client) {
/// let stop = Stop::new();
/// let rotation = client
///     .rotation_of(FileStore::new("/etc/agent/kernel-key"))
///     .journal("/var/lib/agent/rotation.jsonl")
///     .retire(Retirement::Delete)
///     .stop_on(&stop);
/// // Elsewhere, when the time has come:
/// stop.stop();
/// # drop(rotation);
/// # }
/// ```
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// No stop is requested yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Requests that everything stops that was given this, or a clone of it. It cannot be taken back.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when a stop is requested.
    pub(crate) async fn requested(&self) {
        // It cannot fail: the sender is ours and lives.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("requested", &self.is_requested()).finish()
    }
}

/// A wait was cut short, or not begun, since a stop was requested.
#[derive(Debug)]
pub(crate) struct StopRequested;

impl fmt::Display for StopRequested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stop was requested")
    }
}
