//! What a rotation is given: the store, the hooks, the times, and where its effects go.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Notify;

use super::effects::clock::{Clock, SystemClock};
use super::effects::rate_limit::RateLimit;
use super::effects::stop::Stop;
use super::effects::{Effects, Listener, Probe};
use super::evidence::held::Times;
use super::journal::JournalAt;
use super::plan::record::{Lifetime, Retirement};
use super::report::StoreHolds;
use super::store::Store;
use crate::Client;

/// The error of a hook: anything. Its text is shown, with keys removed.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type DeployHook =
    Arc<dyn Fn(DeployTarget) -> BoxFuture<'static, Result<(), HookError>> + Send + Sync>;
pub(crate) type VerifyHook =
    Arc<dyn Fn(Client) -> BoxFuture<'static, Result<(), HookError>> + Send + Sync>;

/// The least time within which the server shows what has happened.
const LEAST_VISIBILITY: Duration = Duration::from_secs(30);

/// What a deploy hook deploys: which key the store holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeployTarget {
    /// The new key: the workload is to take it up.
    New,
    /// The old key again: the rotation is being undone.
    Old,
}

/// What a rotation and its resumption share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) client: Client,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) journal: Option<JournalAt>,
    pub(crate) deploy: Option<DeployHook>,
    pub(crate) verify: Option<VerifyHook>,
    pub(crate) hook_timeout: Duration,
    pub(crate) overlap: Duration,
    pub(crate) settle: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) stop: Stop,
    /// The fleet's, if it belongs to one.
    pub(crate) rate_limit: Option<Arc<RateLimit>>,
}

impl Common {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            store: None,
            journal: None,
            deploy: None,
            verify: None,
            hook_timeout: Duration::from_secs(600),
            overlap: Duration::from_secs(60),
            settle: None,
            deadline: None,
            clock: Arc::new(SystemClock::new()),
            listeners: Vec::new(),
            probe: None,
            stop: Stop::new(),
            rate_limit: None,
        }
    }

    pub(crate) fn effects(&self) -> Arc<Effects> {
        let own = || Arc::new(RateLimit::new(Arc::clone(&self.clock)));
        Arc::new(Effects {
            clock: Arc::clone(&self.clock),
            listeners: self.listeners.clone(),
            probe: self.probe.clone(),
            rate_limit: self.rate_limit.clone().unwrap_or_else(own),
            stop: self.stop.clone(),
            unstoppable: AtomicBool::new(false),
            server_time: std::sync::Mutex::default(),
            hold: OnceLock::new(),
            barred: Notify::new(),
        })
    }

    /// How long what has happened on the server may stay unseen, and a request whose outcome is
    /// unknown may still take effect: never less than two attempts take.
    pub(crate) fn visibility(&self) -> Duration {
        let least = self.client.sender.options.limits.timeout.saturating_mul(2);
        self.settle.unwrap_or(LEAST_VISIBILITY).max(least)
    }

    pub(crate) fn setup(&self, effects: Arc<Effects>, store: Arc<dyn Store>) -> Arc<Setup> {
        let visibility = self.visibility();
        Arc::new(Setup {
            client: self.client.clone(),
            times: Times {
                propagation: store.propagation(),
                settle: if store.may_land_late() { visibility } else { Duration::ZERO },
            },
            store,
            deploy: self.deploy.clone(),
            verify: self.verify.clone(),
            hook_timeout: self.hook_timeout,
            overlap: self.overlap,
            visibility,
            effects,
        })
    }
}

/// Everything that is settled before the first step.
pub(crate) struct Setup {
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) times: Times,
    pub(crate) deploy: Option<DeployHook>,
    pub(crate) verify: Option<VerifyHook>,
    pub(crate) hook_timeout: Duration,
    pub(crate) overlap: Duration,
    pub(crate) visibility: Duration,
    pub(crate) effects: Arc<Effects>,
}

/// Which key is rotated.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Id(String),
    /// The one that the store holds.
    Stored,
}

/// What a fresh rotation is given.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) common: Common,
    pub(crate) subject: Subject,
    pub(crate) retirement: Option<Retirement>,
    pub(crate) lifetime: Lifetime,
    pub(crate) allowed: Vec<String>,
    pub(crate) store_is_new: bool,
    pub(crate) note: Value,
}

/// What a resumption is given.
#[derive(Clone)]
pub(crate) struct Resumption {
    pub(crate) common: Common,
    pub(crate) deployed: bool,
    pub(crate) store_holds: Option<StoreHolds>,
    pub(crate) give_up: bool,
    /// The store was named on this host, by a person.
    pub(crate) adopt: bool,
    pub(crate) note: Option<Value>,
    /// For a rotation whose journal is lost.
    pub(crate) retirement: Option<Retirement>,
}

impl Resumption {
    /// With nothing said by a person.
    pub(crate) fn new(common: Common) -> Self {
        Self {
            common,
            deployed: false,
            store_holds: None,
            give_up: false,
            adopt: false,
            note: None,
            retirement: None,
        }
    }
}
