//! How a rotation is asked for: what is rotated, where it is stored, and what is done around it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc;

use super::clock::{Clock, SystemClock};
use super::error::RotationError;
use super::pace::Pace;
use super::plan::{Lifetime, Retirement};
use super::port::{Listener, Port, Probe};
use super::report::{Event, RotationReport};
use super::stop::Stop;
use super::store::Store;
use crate::Client;
use crate::types::ApiKeyPolicy;

/// The error of a hook: anything. Its text is shown, with keys removed.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type DeployHook =
    Arc<dyn Fn(Told) -> BoxFuture<'static, Result<(), HookError>> + Send + Sync>;
pub(crate) type VerifyHook =
    Arc<dyn Fn(Client) -> BoxFuture<'static, Result<(), HookError>> + Send + Sync>;

/// What a deploy hook is told: which key the store holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// The new key: the workload is to take it up.
    New,
    /// The old key again: the rotation is being undone.
    Old,
}

/// Everything that is settled before the first step.
pub(crate) struct Setup {
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) deploy: Option<DeployHook>,
    pub(crate) verify: Option<VerifyHook>,
    pub(crate) overlap: Duration,
    pub(crate) settle: Duration,
    pub(crate) port: Arc<Port>,
    /// The old key's policy, in the form that creating takes.
    pub(crate) policy: Option<ApiKeyPolicy>,
}

/// What a rotation and its resumption share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) client: Client,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) journal: Option<PathBuf>,
    pub(crate) deploy: Option<DeployHook>,
    pub(crate) verify: Option<VerifyHook>,
    pub(crate) overlap: Duration,
    pub(crate) settle: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) stop: Stop,
    /// The fleet's, if it belongs to one.
    pub(crate) pace: Option<Arc<Pace>>,
}

impl Common {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            store: None,
            journal: None,
            deploy: None,
            verify: None,
            overlap: Duration::from_secs(60),
            settle: None,
            deadline: None,
            clock: Arc::new(SystemClock::new()),
            listeners: Vec::new(),
            probe: None,
            stop: Stop::new(),
            pace: None,
        }
    }

    pub(crate) fn port(&self) -> Arc<Port> {
        Arc::new(Port {
            clock: Arc::clone(&self.clock),
            listeners: self.listeners.clone(),
            probe: self.probe.clone(),
            pace: self.pace.clone().unwrap_or_else(|| Arc::new(Pace::new(Arc::clone(&self.clock)))),
            stop: self.stop.clone(),
            deaf: AtomicBool::new(false),
        })
    }

    /// Twice the time for an attempt, unless more is asked for.
    pub(crate) fn settle(&self) -> Duration {
        let least = self.client.sender.options.limits.timeout.saturating_mul(2);
        self.settle.map_or(least, |asked| asked.max(least))
    }

    pub(crate) fn setup(
        &self,
        port: Arc<Port>,
        store: Arc<dyn Store>,
        policy: Option<ApiKeyPolicy>,
    ) -> Arc<Setup> {
        Arc::new(Setup {
            client: self.client.clone(),
            store,
            deploy: self.deploy.clone(),
            verify: self.verify.clone(),
            overlap: self.overlap,
            settle: self.settle(),
            port,
            policy,
        })
    }
}

macro_rules! common_settings {
    () => {
        /// The file in which the rotation writes down what it is about to do. Required: without it
        /// a crash could leave keys that nobody finds. It must be on a disk that survives one.
        pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
            self.common.journal = Some(path.into());
            self
        }

        /// How the workload takes up what the store holds: a restart, a reload, a rollout. It is
        /// called again with [`Told::Old`] when the rotation is undone, and may be called twice
        /// for the same key.
        pub fn deploy<F, Fut, E>(mut self, hook: F) -> Self
        where
            F: Fn(Told) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<(), E>> + Send + 'static,
            E: Into<HookError>,
        {
            self.common.deploy = Some(Arc::new(move |told| {
                let done = hook(told);
                Box::pin(async { done.await.map_err(Into::into) })
            }));
            self
        }

        /// How to see that the workload has the new key. The hook gets a client that uses the new
        /// key. In any case the server is asked whether it lets the new key in.
        pub fn verify<F, Fut, E>(mut self, hook: F) -> Self
        where
            F: Fn(Client) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<(), E>> + Send + 'static,
            E: Into<HookError>,
        {
            self.common.verify = Some(Arc::new(move |client| {
                let done = hook(client);
                Box::pin(async { done.await.map_err(Into::into) })
            }));
            self
        }

        /// How long both keys work between verification and retirement (60 s).
        pub fn overlap(mut self, time: Duration) -> Self {
            self.common.overlap = time;
            self
        }

        /// How long a request whose outcome is unknown may still take effect: at least, and
        /// without this exactly, twice the client's timeout.
        pub fn settle_time(mut self, time: Duration) -> Self {
            self.common.settle = Some(time);
            self
        }

        /// The time until the old key's retirement must have begun; after it the rotation is
        /// undone. Undoing takes the time that it needs.
        pub fn deadline(mut self, time: Duration) -> Self {
            self.common.deadline = Some(time);
            self
        }

        /// Ends at the next safe point once this asks for it: see [`Stop`].
        pub fn stop_on(mut self, stop: &Stop) -> Self {
            self.common.stop = stop.clone();
            self
        }

        /// Is told everything that happens, as it happens.
        pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
            self.common.listeners.push(Arc::new(listener));
            self
        }

        /// Everything that happens, as a stream. It ends with the rotation.
        pub fn events(self) -> (Self, impl Stream<Item = Event> + Send + Unpin + 'static) {
            let (sender, receiver) = mpsc::unbounded_channel();
            // Nobody may be listening any more.
            let this = self.on_event(move |event| drop(sender.send(event.clone())));
            let events = stream::unfold(receiver, |mut receiver| async {
                let event = receiver.recv().await?;
                Some((event, receiver))
            });
            (this, Box::pin(events))
        }

        /// Takes the time from elsewhere: for tests.
        pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
            self.common.clock = Arc::new(clock);
            self
        }

        #[doc(hidden)]
        pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
            self.common.probe = Some(probe);
            self
        }
    };
}

/// Which key is rotated.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Id(String),
    /// The one that the store holds.
    Stored,
}

/// A rotation in the making: see [`RotationExt::rotation`](super::RotationExt::rotation).
///
/// Nothing happens before [`run`](Self::run).
#[must_use = "nothing happens before `run`"]
#[derive(Clone)]
pub struct Rotation {
    pub(crate) common: Common,
    pub(crate) subject: Subject,
    pub(crate) retirement: Option<Retirement>,
    pub(crate) lifetime: Lifetime,
    pub(crate) allowed: Vec<String>,
    pub(crate) store_is_new: bool,
    pub(crate) note: Value,
}

impl Rotation {
    pub(crate) fn new(client: &Client, subject: Subject) -> Self {
        Self {
            common: Common::new(client),
            subject,
            retirement: None,
            lifetime: Lifetime::AsOld,
            allowed: Vec::new(),
            store_is_new: false,
            note: Value::Null,
        }
    }

    common_settings!();

    /// Where the workload reads its key. Required. It must hold the key that is rotated.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.common.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is shared.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.common.store = Some(store);
        self
    }

    /// The store need not hold the old key: it is empty, or it is one-way and cannot show what it
    /// holds. What it holds is then not protected by us.
    pub fn store_is_new(mut self) -> Self {
        self.store_is_new = true;
        self
    }

    /// What becomes of the old key. With a deploy or a verify hook it is deleted unless this says
    /// otherwise; without either this must be said, since a running workload may still have it.
    pub fn retire(mut self, retirement: Retirement) -> Self {
        self.retirement = Some(retirement);
        self
    }

    /// How long the new key is to live ([`Lifetime::AsOld`]).
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Allows the new key to differ from the old one in this field of their JSON.
    pub fn allow_difference(mut self, field: impl Into<String>) -> Self {
        self.allowed.push(field.into());
        self
    }

    /// A note of the caller's own, kept in the journal and given back by
    /// [`pending`](super::pending): how the store and the hooks were named, for example. It must
    /// not hold a secret.
    pub fn note(mut self, note: Value) -> Self {
        self.note = note;
        self
    }

    /// Rotates the key.
    ///
    /// Dropping the future is like a crash: what was under way is in the journal, and
    /// [`resume`](super::RotationExt::resume) finishes or undoes it.
    ///
    /// # Errors
    /// Refused before anything was touched, undone, or stopped where a person has to look: see
    /// [`RotationError`].
    pub async fn run(self) -> Result<RotationReport, RotationError> {
        super::begin::run(self).await
    }
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation")
            .field("subject", &self.subject)
            .field("store", &self.common.store.as_ref().map(|store| store.describe()))
            .field("journal", &self.common.journal)
            .field("retirement", &self.retirement)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// The resumption of a rotation: see [`RotationExt::resume`](super::RotationExt::resume).
///
/// It needs the store and the hooks of the rotation, since a journal cannot hold them.
#[must_use = "nothing happens before `run`"]
#[derive(Clone)]
pub struct Resume {
    pub(crate) common: Common,
}

impl Resume {
    pub(crate) fn new(client: &Client, journal: PathBuf) -> Self {
        let common = Common { journal: Some(journal), ..Common::new(client) };
        Self { common }
    }

    common_settings!();

    /// Where the workload reads its key: the store of the rotation.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.common.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is shared.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.common.store = Some(store);
        self
    }

    /// Finishes or undoes what the journal says was under way. `None` when there is nothing to do.
    ///
    /// Running it twice is harmless.
    ///
    /// # Errors
    /// As [`Rotation::run`]. A rotation that was undone is reported as such, not as an error.
    pub async fn run(self) -> Result<Option<RotationReport>, RotationError> {
        super::resume::run(self.common).await
    }

    /// Only looks for keys that may have been made unseen: see
    /// [`sweep`](super::RotationExt::sweep).
    ///
    /// # Errors
    /// As there.
    pub async fn sweep(self) -> Result<usize, RotationError> {
        super::sweep::run(self.common).await
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("journal", &self.common.journal).finish_non_exhaustive()
    }
}
