//! Where the API key comes from, and how it changes under a running client.
//!
//! A source is asked by a task of its own, one at a time, so that neither a slow source nor a call that
//! is dropped holds up another call.

mod key;
mod source;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

pub(crate) use self::key::Key;
use self::source::{BoxError, Fetch, Fetched, NoKey, Source, Stamp};
use crate::error::{Error, Result};
use crate::model::secret::Secret;

/// How long a call waits to learn whether a key's file has changed. A disk responds within
/// milliseconds; one that does not may be gone, and the key at hand is valid as far as we know.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a source that failed is left alone while there is a key.
const RECOVERY: Duration = Duration::from_secs(5);

/// A source of API keys.
///
/// It is asked before every attempt, and again after a 401: if the key is another one by then, the
/// call is tried once more. However many calls wait for a new key, it is fetched once. A key that has
/// not been rejected stays in use while its successor is fetched, however long that takes, and when
/// the fetching fails. Clones share the key in use.
///
/// ```no_run
/// use onkernel::{Client, Credentials};
///
/// // Follows the file that a rotation writes; no restart is needed.
/// let client = Client::builder().credentials(Credentials::file("/run/secrets/kernel")).build()?;
/// # Ok::<(), onkernel::Error>(())
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

struct Inner {
    source: Source,
    held: RwLock<Held>,
}

/// The key in use.
#[derive(Default)]
struct Held {
    key: Option<Arc<Key>>,
    fetched: Option<Instant>,
    /// When the source last failed.
    failed: Option<Instant>,
    /// What the file looked like when it was read.
    stamp: Option<Stamp>,
    /// Counts the swaps: what was fetched before one is not used after it.
    swaps: u64,
    /// Counts the fetches that began.
    begun: u64,
    /// The last fetch that ended, whatever came of it.
    ended: u64,
    /// The last fetch.
    fetch: Option<Running>,
}

/// A fetch, for all who wait for it.
#[derive(Clone)]
struct Running {
    began: Instant,
    /// `None` until it ends.
    outcome: watch::Receiver<Option<Result<(), NoKey>>>,
    task: AbortHandle,
}

/// A key as it was handed out.
#[derive(Clone)]
pub(crate) struct Lease {
    pub(crate) key: Arc<Key>,
    /// How many fetches had begun by then: only a later one says whether the key has been replaced.
    begun: u64,
}

impl Credentials {
    /// A key that changes only by [`swap`](Self::swap).
    pub fn fixed(key: impl Into<Secret>) -> Self {
        Self::new(Source::Fixed(key.into()))
    }

    /// The key in an environment variable, read when the client is built.
    pub fn env(name: impl Into<String>) -> Self {
        Self::new(Source::Env(name.into()))
    }

    /// The key in a file, without or with a line break at its end. It is read when the client is
    /// built, when the file has changed, and after a 401.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(path.into()))
    }

    /// The key that a function fetches: at the first call, and after a 401. The function runs in a
    /// task of its own, and is given up after a minute.
    ///
    /// ```
    /// use onkernel::{Credentials, Secret};
    ///
    /// async fn from_vault() -> Result<Secret, std::io::Error> {
    ///     Ok(Secret::from("sk_live_0123456789"))
    /// }
    /// let credentials = Credentials::from_fn(from_vault);
    /// ```
    pub fn from_fn<F, Fut, E>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::function(fetch, None)
    }

    /// As [`from_fn`](Self::from_fn), and once more when the key has been in use for the time
    /// given: the next call begins it, and is sent with the key at hand.
    pub fn from_fn_every<F, Fut, E>(every: Duration, fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::function(fetch, Some(every))
    }

    fn function<F, Fut, E>(fetch: F, every: Option<Duration>) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let fetch: Fetch = Arc::new(move || {
            let fetched = fetch();
            Box::pin(async { fetched.await.map_err(Into::into) })
        });
        Self::new(Source::Function { fetch, every })
    }

    fn new(source: Source) -> Self {
        Self(Arc::new(Inner { source, held: RwLock::default() }))
    }

    /// Replaces the key in use, for all clones at once. A file or a function goes on being asked:
    /// when the file changes, when the time is over, or after a 401.
    ///
    /// # Errors
    /// The key is empty or holds a character that no key has; the old one stays in use.
    pub fn swap(&self, key: impl Into<Secret>) -> Result<()> {
        let key = Key::new(&key.into(), &Source::Fixed(Secret::from("")));
        let key = key.map_err(Error::configuration)?;
        self.0.update(|held| {
            held.key = Some(key);
            held.fetched = Some(Instant::now());
            held.swaps += 1;
        });
        Ok(())
    }

    /// Reads the key where that can be done at once, so that a client without one is not built.
    pub(crate) fn prepare(&self) -> Result<()> {
        if self.0.held(|held| held.key.is_some()) {
            return Ok(());
        }
        let Some(read) = self.0.source.read() else { return Ok(()) };
        if let Fetched::New(key, stamp) = read.map_err(Error::configuration)? {
            self.0.update(|held| (held.key, held.stamp) = (Some(key), stamp));
        }
        Ok(())
    }

    /// The key for the next attempt.
    pub(crate) async fn current(&self) -> Result<Lease> {
        let inner = &self.0;
        let held = inner.lease();
        match &inner.source {
            Source::Function { every, .. } => {
                if held.is_some() && every.is_some_and(|every| inner.is_due(every)) {
                    inner.fetch(None);
                    // Taken anew: the fetch that has begun cannot know whether this call is rejected.
                    return inner.lease().ok_or_else(|| self.no_key());
                }
                if let Some(lease) = held {
                    return Ok(lease);
                }
            }
            source if source.changes() => {
                let known = inner.held(|held| held.stamp);
                let fetch = inner.fetch(known);
                if held.is_some() {
                    // What cannot be read is no reason to stop: the key may be valid all the same.
                    let _ = Box::pin(timeout_at(fetch.began + PATIENCE, fetch.ended())).await;
                    return inner.lease().ok_or_else(|| self.no_key());
                }
            }
            _ => return held.ok_or_else(|| self.no_key()),
        }
        let fetch = inner.fetch(None);
        Box::pin(fetch.ended()).await?;
        inner.lease().ok_or_else(|| self.no_key())
    }

    /// Whether there is another key than the one that was just rejected.
    pub(crate) async fn renew(&self, rejected: &Lease) -> bool {
        let inner = &self.0;
        // The one under way may have begun before the key was handed out: then it takes another one.
        for _ in 0..2 {
            let (key, ended) = inner.held(|held| (held.key.clone(), held.ended));
            match key {
                Some(key) if !Arc::ptr_eq(&key, &rejected.key) => {
                    return key.secret != rejected.key.secret;
                }
                _ if ended > rejected.begun || !inner.source.changes() => return false,
                _ => {}
            }
            // What it came to shows in the key.
            let _ = inner.fetch(None).ended().await;
        }
        inner.held(|held| held.key.as_ref().is_some_and(|key| key.secret != rejected.key.secret))
    }

    fn no_key(&self) -> Error {
        NoKey::new(format!("{} gave no API key", self.0.source)).into()
    }
}

impl Inner {
    fn lease(&self) -> Option<Lease> {
        self.held(|held| Some(Lease { key: held.key.clone()?, begun: held.begun }))
    }

    /// Whether the key has been in use for so long, and the source is not known to fail.
    fn is_due(&self, every: Duration) -> bool {
        let passed =
            |since: Option<Instant>, time| since.is_none_or(|since| since.elapsed() >= time);
        self.held(|held| {
            held.fetched.is_some()
                && passed(held.fetched, every)
                && passed(held.failed, every.min(RECOVERY))
        })
    }

    /// The fetch under way, begun if there is none. A file that is the `known` one is not read.
    fn fetch(self: &Arc<Self>, known: Option<Stamp>) -> Running {
        self.update(|held| {
            if let Some(fetch) = held.fetch.as_ref().filter(|fetch| fetch.is_running()) {
                return fetch.clone();
            }
            held.begun += 1;
            let (number, swaps) = (held.begun, held.swaps);
            let (report, outcome) = watch::channel(None);
            let (fetched, inner) = (self.source.clone().fetch(known), Arc::downgrade(self));
            let task = async move {
                let fetched = fetched.await;
                if let Some(inner) = inner.upgrade() {
                    report.send_replace(Some(inner.take(fetched, number, swaps)));
                }
            };
            let task = tokio::spawn(task.in_current_span()).abort_handle();
            let fetch = Running { began: Instant::now(), outcome, task };
            held.fetch = Some(fetch.clone());
            fetch
        })
    }

    /// Takes what was fetched.
    fn take(&self, fetched: Result<Fetched, NoKey>, number: u64, swaps: u64) -> Result<(), NoKey> {
        self.update(|held| {
            held.ended = number;
            match fetched {
                Ok(fetched) => {
                    held.failed = None;
                    if held.swaps != swaps {
                        return Ok(());
                    }
                    held.fetched = Some(Instant::now());
                    if let Fetched::New(key, stamp) = fetched {
                        held.stamp = stamp;
                        // The same key keeps its identity, by which a replaced one is recognised.
                        if held.key.as_ref().is_none_or(|old| old.secret != key.secret) {
                            held.key = Some(key);
                        }
                    }
                    Ok(())
                }
                Err(error) => {
                    held.failed = Some(Instant::now());
                    if held.key.is_some() {
                        // Its text may hold whatever a caller's function puts into its errors.
                        tracing::warn!(
                            "the API key could not be fetched again; the old one stays in use"
                        );
                    }
                    Err(error)
                }
            }
        })
    }

    fn held<T>(&self, read: impl FnOnce(&Held) -> T) -> T {
        // A panic cannot leave it half changed.
        read(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn update<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.held.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inner {
    /// Nobody is left to use what is being fetched.
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(fetch) = &held.fetch {
            fetch.task.abort();
        }
    }
}

impl Running {
    /// Whether it goes on: it may also have ended with its runtime, or by a panic.
    fn is_running(&self) -> bool {
        self.outcome.has_changed().is_ok() && self.outcome.borrow().is_none()
    }

    async fn ended(mut self) -> Result<(), NoKey> {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            Err(_) => Err(NoKey::new("fetching the API key was cancelled".to_owned())),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.source)
    }
}
