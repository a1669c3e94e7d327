//! How a server is set up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::Clock;
use super::core::Core;
use super::faults::Faults;
use super::http;
use super::server::Server;
use super::state::{NewKey, State};
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

        let world = World::new(state, clock);
        let core = Core::new(format!("http://{address}"), bootstrap_key, self.faults, world);
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
            .field("projects", &self.projects)
            .finish_non_exhaustive()
    }
}
