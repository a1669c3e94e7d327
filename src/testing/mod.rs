//! An API-keys server of your own, in your process: for tests and demonstrations, with no account
//! and no network.
//!
//! It listens on a port of the loopback interface and behaves as the API does: keys have scopes,
//! lifetimes and policies, are deleted softly, and are shown in plaintext once. Its clock can be
//! moved, its keys can be looked at, and it can be told to fail: see [`Fault`]. It shares no code
//! with the client, so that a mistake in one shows against the other.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use onkernel::testing::{Fault, NewKey, Server};
//!
//! let server = Server::start().await?;
//! let key = server.add_key(NewKey::named("ci").days(30));
//! assert!(server.authenticates(key.plaintext()));
//!
//! server.advance(chrono::Duration::days(30));
//! assert!(!server.authenticates(key.plaintext()));
//!
//! // The next answer to a POST is lost, after the effect.
//! server.faults().add(Fault::drop_connection().method("POST").after().times(1));
//! // ... run your code against `server.url()` with `server.bootstrap_key()` ...
//! assert!(server.log().is_empty());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does where the API's description leaves it open
//!
//! - A request that names no project belongs to the project of its key, or of its
//!   `X-Kernel-Project-Id`: keys of others are not found (404). Inside a project, creating with no
//!   `project_id` makes a key of that project; an org-wide one (`null`) or another project's is 404.
//! - A key with a policy is refused with 403 where no statement allows the call: see [`Policy`].
//!   The key that it creates is not limited by it.
//! - Listing by `expires_at` puts keys that never expire after all others, and keys that are equal
//!   in the order of their creation (turned around in descending order). `include_deleted=true`
//!   means `status=all`. A limit outside of 1 to 100 is 400, as is a parameter given twice.
//! - Rotation with `days_to_expire: null` makes a key that never expires; left out, the new key
//!   gets the lifetime that the old one was made with.
//! - Unknown fields and parameters are ignored; a body that is not `application/json` is 400, one
//!   of more than 1 MiB is 413.

mod answer;
mod api;
mod clock;
mod faults;
mod fields;
mod glob;
mod http;
mod log;
mod policy;
mod record;
mod reply;
mod request;
mod state;
mod world;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

pub use self::faults::{Fault, Faults, FaultsError, RetryAfter};
pub use self::log::{Effect, LogEntry};
pub use self::policy::{Policy, Statement};
pub use self::record::{Creator, KeyRecord, NewKey};

use self::clock::Clock;
use self::state::State;
use self::world::World;

/// A running server. Clones are the same server; it stops when the last one is dropped.
///
/// It runs on the tokio runtime on which it was started.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    /// None in what the server's own tasks hold: they must not keep it alive.
    sockets: Option<Arc<Sockets>>,
}

struct Shared {
    url: String,
    bootstrap_key: String,
    faults: Faults,
    latency_ms: AtomicU64,
    world: Mutex<World>,
}

/// The task that takes connections.
struct Sockets {
    closing: watch::Sender<bool>,
    door: mpsc::Sender<http::DoorOrder>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Sockets {
    fn drop(&mut self) {
        if let Some(task) = unpoisoned(&self.task).take() {
            task.abort();
        }
    }
}

impl Server {
    /// Starts a server with one org-wide key on a free port of the loopback interface.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts a server that is set up otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The plaintext of the org-wide key that was there from the start.
    pub fn bootstrap_key(&self) -> &str {
        &self.shared.bootstrap_key
    }

    /// The faults that are ordered; more can be added at any time.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was asked so far, and what came of it.
    pub fn log(&self) -> Vec<LogEntry> {
        self.world().log.clone()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        self.world().log.clear();
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
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.shared.latency_ms.store(ms, Ordering::Relaxed);
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

    /// Adds a project, or renames it.
    pub fn add_project(&self, id: impl Into<String>, name: impl Into<String>) {
        self.world().state.add_project(id.into(), name.into());
    }

    /// Adds a key without a request.
    pub fn add_key(&self, key: NewKey) -> KeyRecord {
        let mut world = self.world();
        let now = world.clock.now();
        world.state.add(key, now).clone()
    }

    /// Deletes a key as another person would. False when there is no such key, or not any more.
    #[must_use]
    pub fn delete(&self, id: &str) -> bool {
        let now = self.now();
        let live = self.key(id).is_some_and(|key| key.deleted_at.is_none());
        live && self.change(id, |key| key.deleted_at = Some(now))
    }

    /// Removes a key as if it had never been. False when there is no such key.
    #[must_use]
    pub fn remove(&self, id: &str) -> bool {
        self.world().state.remove(id)
    }

    /// Renames a key as another person would. False when there is no such key.
    #[must_use]
    pub fn rename(&self, id: &str, name: impl Into<String>) -> bool {
        self.change(id, |key| key.name = name.into())
    }

    /// Gives a key another policy, or takes it away. False when there is no such key.
    #[must_use]
    pub fn set_policy(&self, id: &str, policy: Option<Policy>) -> bool {
        self.change(id, |key| key.policy = policy)
    }

    /// Gives a key another end. False when there is no such key.
    #[must_use]
    pub fn set_expiry(&self, id: &str, expires_at: Option<DateTime<Utc>>) -> bool {
        self.change(id, |key| key.expires_at = expires_at)
    }

    /// Gives a key an attribute that the client does not know, as a later version of the API might.
    ///
    /// Answers show it, in place of an attribute of that name; creating cannot set it, and the
    /// server's own rotation copies it. False when there is no such key.
    #[must_use]
    pub fn set_extra(&self, id: &str, field: impl Into<String>, value: Value) -> bool {
        self.change(id, |key| drop(key.extra.insert(field.into(), value)))
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
        let task = unpoisoned(&sockets.task).take();
        if let Some(task) = task {
            // Aborted or panicked: closed in any case.
            let _ = task.await;
        }
    }

    async fn door(&self, open: bool) -> io::Result<()> {
        let stopped = || io::Error::other("the server has been shut down");
        let Some(sockets) = &self.sockets else { return Err(stopped()) };
        let (done, answer) = oneshot::channel();
        sockets.door.send((open, done)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut KeyRecord)) -> bool {
        self.world().state.get_mut(id).map(change).is_some()
    }

    /// What there is, after all that was due has taken place.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = unpoisoned(&self.shared.world);
        world.land_late(false);
        world
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.shared.latency_ms.load(Ordering::Relaxed))
    }

    fn next_request_id(&self) -> String {
        self.world().next_request_id()
    }

    fn decide(&self, request: &request::Request, id: &str, fault: Option<&Fault>) -> reply::Reply {
        self.world().decide(request, id, fault)
    }

    fn log_refusal(&self, fault: &Fault) {
        self.world().log_refusal(fault);
    }

    fn without_sockets(&self) -> Self {
        Self { shared: self.shared.clone(), sockets: None }
    }
}

/// A panic in code of a test's own leaves nothing half done here: each change is one assignment.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How a [`Server`] is to be set up.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    address: SocketAddr,
    bootstrap_key: Option<String>,
    seed: u64,
    start_at: Option<DateTime<Utc>>,
    masks_collide: bool,
    latency: Duration,
    faults: Faults,
    projects: Vec<(String, String)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            bootstrap_key: None,
            seed: 0,
            start_at: None,
            masks_collide: false,
            latency: Duration::ZERO,
            faults: Faults::new(),
            projects: Vec::new(),
        }
    }
}

impl Builder {
    /// Listens here instead of on a free port of `127.0.0.1`.
    pub fn addr(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// The plaintext of the first key, instead of one that is made up.
    pub fn bootstrap_key(mut self, plaintext: impl Into<String>) -> Self {
        self.bootstrap_key = Some(plaintext.into());
        self
    }

    /// What ids and plaintexts are made from (0): the same seed and the same requests in the same
    /// order make the same ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the clock at this time and stops it: it then moves only by [`Server::advance`] and
    /// [`Server::set_time`]. Without this it is the machine's.
    pub fn start_at(mut self, time: DateTime<Utc>) -> Self {
        self.start_at = Some(time);
        self
    }

    /// Makes the masked forms of all generated keys the same.
    pub fn colliding_masks(mut self) -> Self {
        self.masks_collide = true;
        self
    }

    /// Makes every request wait so long, in real time.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Starts with these faults ordered.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Starts with this project.
    pub fn project(mut self, id: impl Into<String>, name: impl Into<String>) -> Self {
        self.projects.push((id.into(), name.into()));
        self
    }

    /// Starts the server on the tokio runtime that this is called on.
    ///
    /// # Errors
    /// Where the address cannot be had, or the first key cannot be sent in a header.
    pub async fn start(self) -> io::Result<Server> {
        let printable = |key: &String| !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
        if !self.bootstrap_key.as_ref().is_none_or(printable) {
            let message = "the bootstrap key must be printable ASCII without spaces";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = http::bind(self.address)?.listen(1024)?;
        let address = listener.local_addr()?;

        let clock = match self.start_at {
            Some(time) => Clock::Stopped(time),
            None => Clock::Running(TimeDelta::zero()),
        };
        let mut state = State::new(self.seed, self.masks_collide);
        self.projects.into_iter().for_each(|(id, name)| state.add_project(id, name));
        let first = NewKey { plaintext: self.bootstrap_key, ..NewKey::named("bootstrap") };
        let bootstrap_key = state.add(first, clock.now()).plaintext.clone();

        let shared = Arc::new(Shared {
            url: format!("http://{address}"),
            bootstrap_key,
            faults: self.faults,
            latency_ms: AtomicU64::new(0),
            world: Mutex::new(World::new(state, clock)),
        });
        let server = Server { shared, sockets: None };
        server.set_latency(self.latency);

        let (closing, closed) = watch::channel(false);
        let (door, orders) = mpsc::channel(1);
        let accepting = http::serve(listener, address, server.clone(), closed, orders);
        let task = Mutex::new(Some(tokio::spawn(accepting)));
        Ok(Server { sockets: Some(Arc::new(Sockets { closing, door, task })), ..server })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("address", &self.address)
            .field("seed", &self.seed)
            .field("start_at", &self.start_at)
            .field("latency", &self.latency)
            .field("faults", &self.faults)
            .field("projects", &self.projects)
            .finish_non_exhaustive()
    }
}
