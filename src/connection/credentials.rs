//! Where the API key comes from, and how it changes under a running client.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::error::{Cause, Error, ErrorKind, Result, Scrubber};
use crate::model::secret::Secret;

/// The most that a key's file may hold, in bytes.
const LONGEST_FILE: u64 = 16 * 1024;

/// A source of API keys.
///
/// It is asked before every attempt, and again after a 401: if the key is another one by then, the
/// call is tried once more. However many calls wait for a new key, it is fetched once, and while
/// fetching fails the old one stays in use. Clones share the key in use.
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
    /// Held while a new key is fetched.
    fetching: Mutex<()>,
}

enum Source {
    Fixed(Secret),
    Env(String),
    File(PathBuf),
    Function { fetch: Fetch, every: Option<Duration> },
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Fetch =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Secret, BoxError>> + Send>> + Send + Sync>;

/// The key in use.
#[derive(Default)]
struct Held {
    key: Option<Arc<Key>>,
    fetched: Option<Instant>,
    /// What the file looked like when it was read.
    stamp: Option<Stamp>,
    /// Counts the swaps: what was fetched before one is not used after it.
    swaps: u64,
    /// Counts the fetches that began.
    begun: u64,
    /// The last fetch that ended, whatever came of it.
    ended: u64,
}

/// A key, ready to be sent.
pub(crate) struct Key {
    pub(crate) secret: Secret,
    /// `Bearer …`, marked sensitive.
    pub(crate) header: HeaderValue,
}

impl Key {
    /// Checks a key; the error names its source and does not show it.
    fn new(secret: &Secret, source: &Source) -> Result<Arc<Self>, String> {
        // Files and the output of programs end in a line break.
        let text = secret.expose().trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("{source} is empty: it must hold a Kernel API key (`sk_…`)"));
        }
        let bearer = Zeroizing::new(format!("Bearer {text}"));
        match HeaderValue::try_from(bearer.as_str()) {
            Ok(mut header) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                header.set_sensitive(true);
                Ok(Arc::new(Self { secret: Secret::from(text), header }))
            }
            _ => Err(format!(
                "{source} holds a space, a line break or another character that no API key has: give the key and nothing else"
            )),
        }
    }
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

    /// The key that a function fetches: at the first call, and after a 401.
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
    /// given.
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
        let fetch: Fetch = Box::new(move || {
            let fetched = fetch();
            Box::pin(async { fetched.await.map_err(Into::into) })
        });
        Self::new(Source::Function { fetch, every })
    }

    fn new(source: Source) -> Self {
        Self(Arc::new(Inner { source, held: RwLock::default(), fetching: Mutex::new(()) }))
    }

    /// Replaces the key in use, for all clones at once. A file or a function goes on being asked:
    /// when the file changes, when the time is over, or after a 401.
    ///
    /// # Errors
    /// The key is empty or holds a character that no key has; the old one stays in use.
    pub fn swap(&self, key: impl Into<Secret>) -> Result<()> {
        let key = Key::new(&key.into(), &Source::Fixed(Secret::from("")));
        let key = key.map_err(Error::configuration)?;
        self.update(|held| {
            held.key = Some(key);
            held.fetched = Some(Instant::now());
            held.swaps += 1;
        });
        Ok(())
    }

    /// Reads the key where that can be done at once, so that a client without one is not built.
    pub(crate) fn prepare(&self) -> Result<()> {
        let inner = &*self.0;
        if self.held(|held| held.key.is_some()) {
            return Ok(());
        }
        let (key, stamp) = match &inner.source {
            Source::Fixed(secret) => (Key::new(secret, &inner.source), None),
            Source::Env(name) => (from_env(name, &inner.source), None),
            Source::File(path) => match read(path) {
                Ok((secret, stamp)) => (Key::new(&secret, &inner.source), Some(stamp)),
                Err(error) => (Err(cannot_read(&inner.source, &error)), None),
            },
            Source::Function { .. } => return Ok(()),
        };
        let key = key.map_err(Error::configuration)?;
        self.update(|held| (held.key, held.stamp) = (Some(key), stamp));
        Ok(())
    }

    /// The key for the next attempt.
    pub(crate) async fn current(&self) -> Result<Arc<Key>> {
        let held = self.held(|held| held.key.clone());
        let due = match &self.0.source {
            Source::Fixed(_) | Source::Env(_) => false,
            Source::File(path) => {
                let path = path.clone();
                let now = Box::pin(blocking(move || Stamp::of(&path))).await.ok();
                now.is_some() && now != self.held(|held| held.stamp)
            }
            Source::Function { every, .. } => {
                let age = self.held(|held| held.fetched).map(|fetched| fetched.elapsed());
                every.is_some_and(|every| age.is_some_and(|age| age >= every))
            }
        };
        match held {
            Some(key) if !due => Ok(key),
            held => Box::pin(self.fetch(held.as_ref())).await,
        }
    }

    /// Whether there is another key than the one that was just refused.
    pub(crate) async fn renew(&self, refused: &Arc<Key>) -> bool {
        match self.fetch(Some(refused)).await {
            Ok(key) => key.secret != refused.secret,
            Err(_) => false,
        }
    }

    /// Fetches the key, unless someone else has replaced `old` or asked the source meanwhile.
    async fn fetch(&self, old: Option<&Arc<Key>>) -> Result<Arc<Key>> {
        let inner = &*self.0;
        let before = self.held(|held| held.begun);
        let _fetching = inner.fetching.lock().await;
        let (held, swaps, ended) = self.held(|held| (held.key.clone(), held.swaps, held.ended));
        let asked = !matches!(inner.source, Source::Fixed(_) | Source::Env(_));
        if let Some(held) = &held
            && (!asked || ended > before || old.is_none_or(|old| !Arc::ptr_eq(old, held)))
        {
            return Ok(Arc::clone(held));
        }
        let number = self.update(|held| {
            held.begun += 1;
            held.begun
        });
        let fetched = match &inner.source {
            Source::Fixed(_) | Source::Env(_) => {
                Err(no_key(format!("{} gave no API key", inner.source)))
            }
            Source::File(path) => {
                let path = path.clone();
                blocking(move || read(&path))
                    .await
                    .map(|(secret, stamp)| (secret, Some(stamp)))
                    .map_err(|error| no_key(cannot_read(&inner.source, &error)))
            }
            Source::Function { fetch, .. } => {
                fetch().await.map(|secret| (secret, None)).map_err(|error| {
                    let cause = Cause::of(&*error, &Scrubber::default());
                    no_key(format!("{} failed: {cause}", inner.source)).caused_by(cause)
                })
            }
        };
        let key = fetched.and_then(|(secret, stamp)| {
            Ok((Key::new(&secret, &inner.source).map_err(no_key)?, stamp))
        });
        self.update(|held| held.ended = number);
        match (key, held) {
            (Ok((key, stamp)), _) => Ok(self.update(|held| {
                if held.swaps == swaps {
                    // The same key keeps its identity, by which a replaced one is recognised.
                    match &held.key {
                        Some(old) if old.secret == key.secret => {}
                        _ => held.key = Some(Arc::clone(&key)),
                    }
                    held.stamp = stamp;
                    held.fetched = Some(Instant::now());
                }
                held.key.clone().unwrap_or(key)
            })),
            (Err(_), Some(held)) => {
                // Its text may hold whatever a caller's function puts into its errors.
                tracing::warn!("the API key could not be fetched anew; the old one stays in use");
                Ok(held)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn held<T>(&self, read: impl FnOnce(&Held) -> T) -> T {
        // A panic cannot leave it half changed.
        read(&self.0.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn update<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.0.held.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_) => f.write_str("the API key"),
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the API key's file `{}`", path.display()),
            Self::Function { .. } => f.write_str("the function that fetches the API key"),
        }
    }
}

/// What tells one state of a file from the next without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<std::time::SystemTime>,
    length: u64,
    /// A file replaced by another, or written twice within the clock's grain.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self::from(&std::fs::metadata(path)?))
    }
}

impl From<&std::fs::Metadata> for Stamp {
    fn from(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            identity: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn read(path: &Path) -> std::io::Result<(Secret, Stamp)> {
    use std::io::Read;

    let file = std::fs::File::open(path)?;
    // Taken first: what is written after it is seen as a change.
    let stamp = Stamp::from(&file.metadata()?);
    let mut text = Zeroizing::new(String::with_capacity(256));
    file.take(LONGEST_FILE).read_to_string(&mut text)?;
    Ok((Secret::from(text.as_str()), stamp))
}

fn from_env(name: &str, source: &Source) -> Result<Arc<Key>, String> {
    match std::env::var(name) {
        Ok(text) => Key::new(&Secret::from(text), source),
        Err(std::env::VarError::NotPresent) => {
            Err(format!("{source} is not set: set it to a Kernel API key (`sk_…`)"))
        }
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{source} is not text")),
    }
}

fn cannot_read(source: &Source, error: &std::io::Error) -> String {
    // What is said of invalid text may quote it.
    match error.kind() {
        std::io::ErrorKind::InvalidData => format!("{source} cannot be read: it is not text"),
        _ => format!("{source} cannot be read: {error}"),
    }
}

fn no_key(problem: String) -> Error {
    Error::new(ErrorKind::Credentials, problem)
}

/// Runs file access where it cannot hold up other calls.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.into()))
}
