//! The handle to a running server: what a test looks at, changes and moves.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::core::Core;
use super::faults::{Action, Fault, Faults, Kind};
use super::http::{self, DoorOrder};
use super::log::{LogEntry, Received};
use super::state::{Change, KeyRecord, MAIN_ORGANIZATION, NewKey, Policy};
use super::stub::{Stub, UnknownOperation};
use super::world::World;

/// A running server. Clones are the same server; it stops when the last one is dropped.
///
/// It runs on the tokio runtime on which it was started.
#[derive(Clone)]
pub struct Server {
    core: Arc<Core>,
    /// None in what the server's own tasks hold: they must not keep it alive.
    sockets: Option<Arc<Sockets>>,
}

/// The task that takes connections.
struct Sockets {
    closing: watch::Sender<bool>,
    door: mpsc::Sender<DoorOrder>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Sockets {
    fn stop(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        if let Some(task) = self.stop() {
            task.abort();
        }
    }
}

impl Server {
    /// Takes connections on this listener.
    pub(super) fn listening(core: Core, listener: TcpListener, address: SocketAddr) -> Self {
        let core = Arc::new(core);
        let (closing, closed) = watch::channel(false);
        let (door, orders) = mpsc::channel(1);
        let accepting = http::serve(listener, address, core.clone(), closed, orders);
        let task = Mutex::new(Some(tokio::spawn(accepting)));
        Self { core, sockets: Some(Arc::new(Sockets { closing, door, task })) }
    }

    /// Where it listens, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> &str {
        self.core.url()
    }

    /// The plaintext of the org-wide key that was there from the start.
    pub fn bootstrap_key(&self) -> &str {
        self.core.bootstrap_key()
    }

    /// The faults that are ordered; more can be added at any time.
    pub fn faults(&self) -> &Faults {
        self.core.faults()
    }

    /// What was asked so far, and what came of it.
    pub fn log(&self) -> Vec<LogEntry> {
        self.world().log.clone()
    }

    /// Empties the log, and forgets what was received.
    pub fn clear_log(&self) {
        let mut world = self.world();
        world.log.clear();
        world.received.clear();
    }

    /// Responds otherwise to an operation, such as `browsers.create`: to requests that keep to the document,
    /// in place of the response that is made from it.
    ///
    /// More than one for the same operation are given in their order, each once; the last one from then
    /// on. Operations on keys have state, and follow it: see [`faults`](Self::faults).
    ///
    /// # Errors
    /// No such operation, or one on keys.
    pub fn respond(&self, operation: &str, stub: Stub) -> Result<(), UnknownOperation> {
        self.world().state.stubs.add(operation, stub)
    }

    /// What came in for an operation and kept to the document, in its order. Those on keys are in the
    /// [`log`](Self::log) alone.
    pub fn received(&self, operation: &str) -> Vec<Received> {
        let world = self.world();
        world.received.iter().filter(|it| it.operation == operation).cloned().collect()
    }

    /// The server's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.world().clock.now()
    }

    /// Moves the server's time; late effects that are then due take place.
    pub fn advance(&self, by: TimeDelta) {
        let mut world = self.world();
        world.clock.advance(by);
        world.land_late(false);
    }

    /// Sets the server's time, back as well; late effects that are then due take place.
    pub fn set_time(&self, to: DateTime<Utc>) {
        let mut world = self.world();
        world.clock.set(to);
        world.land_late(false);
    }

    /// Lets every effect that [`Fault::effect_later`] put off take place now. Says how many.
    pub fn land_late(&self) -> usize {
        self.world().land_late(true)
    }

    /// Makes every request wait so long, in real time.
    pub fn set_latency(&self, latency: Duration) {
        self.core.set_latency(latency);
    }

    /// All keys, deleted ones too, in the order of their creation.
    pub fn keys(&self) -> Vec<KeyRecord> {
        self.world().state.keys().to_vec()
    }

    /// The key with this id, also when it is deleted.
    pub fn key(&self, id: &str) -> Option<KeyRecord> {
        self.world().state.get(id).cloned()
    }

    /// The key with this plaintext, also when it is deleted.
    pub fn key_by_plaintext(&self, plaintext: &str) -> Option<KeyRecord> {
        self.world().state.by_plaintext(plaintext).cloned()
    }

    /// Whether a request with this key would be let in: it exists, is not deleted, not expired.
    pub fn authenticates(&self, plaintext: &str) -> bool {
        let world = self.world();
        let now = world.clock.now();
        world.state.by_plaintext(plaintext).is_some_and(|key| key.works_at(now))
    }

    /// Adds an organization with a first key of its own, unless it is there; that key's plaintext.
    pub fn add_organization(&self, id: &str) -> String {
        let mut world = self.world();
        let now = world.clock.now();
        world.state.add_organization(id, None, now).to_owned()
    }

    /// The plaintext of the key that this organization had from the start.
    pub fn bootstrap_key_of(&self, organization: &str) -> Option<String> {
        self.world().state.bootstrap_key(organization).map(str::to_owned)
    }

    /// Adds a project to the main organization, or renames it.
    pub fn add_project(&self, id: impl Into<String>, name: impl Into<String>) {
        self.add_project_to(MAIN_ORGANIZATION, id, name);
    }

    /// Adds a project to an organization, or renames it. Ids are unique on the server.
    pub fn add_project_to(
        &self,
        organization: impl Into<String>,
        id: impl Into<String>,
        name: impl Into<String>,
    ) {
        self.world().state.add_project(organization.into(), id.into(), name.into());
    }

    /// Adds a key without a request.
    pub fn add_key(&self, key: NewKey) -> KeyRecord {
        let mut world = self.world();
        let now = world.clock.now();
        world.state.put(key, now).clone()
    }

    /// Deletes a key as another person would. False when there is no such key, or not any more.
    #[must_use]
    pub fn delete(&self, id: &str) -> bool {
        let now = self.now();
        let live = self.key(id).is_some_and(|key| key.deleted_at.is_none());
        live && self.change(id, Change::Deleted, |key| key.deleted_at = Some(now))
    }

    /// Removes a key as if it had never been. False when there is no such key.
    #[must_use]
    pub fn remove(&self, id: &str) -> bool {
        self.world().state.remove(id)
    }

    /// Renames a key as another person would. False when there is no such key.
    #[must_use]
    pub fn rename(&self, id: &str, name: impl Into<String>) -> bool {
        self.change(id, Change::Updated, |key| key.name = name.into())
    }

    /// Gives a key another policy, or takes it away. False when there is no such key.
    #[must_use]
    pub fn set_policy(&self, id: &str, policy: Option<Policy>) -> bool {
        self.change(id, Change::Updated, |key| key.policy = policy)
    }

    /// Gives a key another end. False when there is no such key.
    #[must_use]
    pub fn set_expiry(&self, id: &str, expires_at: Option<DateTime<Utc>>) -> bool {
        self.change(id, Change::Updated, |key| key.expires_at = expires_at)
    }

    /// Gives a key an attribute that the client does not know, as a later version of the API might.
    ///
    /// Responses show it, in place of an attribute of that name; creating cannot set it, and the
    /// server's own rotation copies it. False when there is no such key.
    #[must_use]
    pub fn set_extra(&self, id: &str, field: impl Into<String>, value: Value) -> bool {
        self.change(id, Change::Updated, |key| drop(key.extra.insert(field.into(), value)))
    }

    /// Refuses connections, as a server that is down, until [`listen_again`](Self::listen_again).
    ///
    /// The port stays ours. Open connections may finish their request and are closed; a client
    /// that has one may notice only when it uses it.
    ///
    /// # Errors
    /// Where the system does not let go of the port, or takes it away.
    pub async fn stop_listening(&self) -> io::Result<()> {
        self.door(false).await
    }

    /// Takes connections again, on the same port.
    ///
    /// # Errors
    /// Where the system does not give the port back.
    pub async fn listen_again(&self) -> io::Result<()> {
        self.door(true).await
    }

    /// Takes no more connections, lets requests finish (a second at most), and returns when all is
    /// closed. State and log can still be looked at through clones.
    pub async fn shutdown(self) {
        let Some(sockets) = &self.sockets else { return };
        sockets.closing.send_replace(true);
        let task = sockets.stop();
        if let Some(task) = task {
            // Aborted or panicked: closed in any case.
            let _ = task.await;
        }
    }

    async fn door(&self, open: bool) -> io::Result<()> {
        let stopped = || io::Error::other("the server has been shut down");
        let Some(sockets) = &self.sockets else { return Err(stopped()) };
        let (done, response) = oneshot::channel();
        sockets.door.send((open, done)).await.map_err(|_| stopped())?;
        response.await.map_err(|_| stopped())?
    }

    fn change(&self, id: &str, change: Change, apply: impl FnOnce(&mut KeyRecord)) -> bool {
        let mut world = self.world();
        let now = world.moment();
        world.state.change(id, change, now, apply).is_some()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.core.world()
    }
}

impl Fault {
    /// Runs code of yours: what somebody else does while the request is under way. Before the
    /// effect, unless [`after`](Self::after) is said. The response is what it would have been.
    ///
    /// ```
    /// use onkernel::testing::Fault;
    ///
    /// // Somebody deletes the key between our first and our second look at it.
    /// let id = String::from("c123");
    /// Fault::run(move |server| assert!(server.delete(&id))).method("GET").nth(2);
    /// ```
    pub fn run(action: impl Fn(&Server) + Send + Sync + 'static) -> Self {
        let action = move |core: &dyn Any| {
            if let Some(core) = core.downcast_ref::<Arc<Core>>() {
                action(&Server { core: core.clone(), sockets: None });
            }
        };
        Self::new(Kind::Run(Action(Arc::new(action))))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.world().state.keys().len();
        f.debug_struct("Server")
            .field("url", &self.url())
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}
