//! How a server is set up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::api::AuthContext;
use super::clock::Clock;
use super::core::{Core, Recorder};
use super::faults::Faults;
use super::http;
use super::record::Recorded;
use super::server::Server;
use super::state::{MAIN_ORGANIZATION, State};
use super::world::World;

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
    organizations: Vec<String>,
    projects: Vec<(String, String)>,
    clock_offset: TimeDelta,
    auth_context: AuthContext,
    recorder: Option<Recorder>,
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
            organizations: Vec::new(),
            projects: Vec::new(),
            clock_offset: TimeDelta::zero(),
            auth_context: AuthContext::Available,
            recorder: None,
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

    /// Lets the clock run so much ahead of the machine's, or behind where it is negative. What
    /// [`start_at`](Self::start_at) stops has no offset.
    ///
    /// The header `Date` of every response is of the server's clock.
    pub fn clock_offset(mut self, offset: TimeDelta) -> Self {
        self.clock_offset = offset;
        self
    }

    /// Whether `GET /auth/context` says who is asking: it does, unless this says otherwise.
    pub fn auth_context(mut self, available: AuthContext) -> Self {
        self.auth_context = available;
        self
    }

    /// Shows every request to `see` when its response is decided, before that is sent. Requests that
    /// come at the same time may do so in any order; the numbers in their ids tell it.
    pub fn on_request(mut self, see: impl Fn(&Recorded) + Send + Sync + 'static) -> Self {
        self.recorder = Some(Arc::new(see));
        self
    }

    /// Starts with another organization, which has a first key of its own:
    /// [`Server::bootstrap_key_of`]. What names no organization belongs to the main one,
    /// `org_main`; keys of one are not found (404) by keys of another.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organizations.push(id.into());
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
            None => Clock::Running(self.clock_offset),
        };
        let mut state = State::new(self.seed, self.masks_collide);
        for (id, name) in self.projects {
            state.add_project(MAIN_ORGANIZATION.to_owned(), id, name);
        }
        let now = clock.now();
        let bootstrap_key = state.add_organization(MAIN_ORGANIZATION, self.bootstrap_key, now);
        let bootstrap_key = bootstrap_key.to_owned();
        for id in &self.organizations {
            state.add_organization(id, None, now);
        }

        let world = World::new(state, clock, self.auth_context);
        let url = format!("http://{address}");
        let core = Core::new(url, bootstrap_key, self.faults, self.recorder, world);
        core.set_latency(self.latency);
        Ok(Server::listening(core, listener, address))
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
            .field("organizations", &self.organizations)
            .field("projects", &self.projects)
            .finish_non_exhaustive()
    }
}
