//! The sources of a key, and how each is read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zeroize::Zeroizing;

use super::key::Key;
use crate::error::{Cause, Error, ErrorKind, Scrubber};
use crate::model::secret::Secret;

/// The most that a key's file may hold, in bytes.
const LONGEST_FILE: u64 = 16 * 1024;
/// When a function that fetches a key is given up, so that it can be called anew.
const LONGEST_FETCH: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(super) enum Source {
    Fixed(Secret),
    Env(String),
    File(PathBuf),
    Function { fetch: Fetch, every: Option<Duration> },
}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Fetch =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Secret, BoxError>> + Send>> + Send + Sync>;

/// What a source gave.
pub(super) enum Fetched {
    /// The file is the one that was read before.
    Same,
    New(Arc<Key>, Option<Stamp>),
}

/// Why a source gave no key.
#[derive(Clone)]
pub(super) struct NoKey {
    problem: String,
    cause: Option<Cause>,
}

impl NoKey {
    pub(super) fn new(problem: String) -> Self {
        Self { problem, cause: None }
    }
}

impl From<NoKey> for Error {
    fn from(NoKey { problem, cause }: NoKey) -> Self {
        let error = Self::new(ErrorKind::Credentials, problem);
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

impl Source {
    /// Whether there may be another key than the first.
    pub(super) fn changes(&self) -> bool {
        matches!(self, Self::File(_) | Self::Function { .. })
    }

    /// The key that is there now, read where it can be done at once.
    pub(super) fn read(&self) -> Option<Result<Fetched, String>> {
        let new = |key| Fetched::New(key, None);
        match self {
            Self::Fixed(secret) => Some(Key::new(secret, self).map(new)),
            Self::Env(name) => Some(self.variable(name).map(new)),
            Self::File(path) => Some(self.file(path)),
            Self::Function { .. } => None,
        }
    }

    /// Asks the source. A file that is the `known` one is not read.
    pub(super) async fn fetch(self, known: Option<Stamp>) -> Result<Fetched, NoKey> {
        let Self::Function { fetch, .. } = &self else {
            let read = move || {
                // A file that is gone is no other key.
                if let (Self::File(path), Some(known)) = (&self, known)
                    && Stamp::of(path).ok().is_none_or(|now| now == known)
                {
                    return Ok(Fetched::Same);
                }
                self.read().unwrap_or_else(|| Err(format!("{self} gave no API key")))
            };
            // Where it can hold up no call.
            let read = tokio::task::spawn_blocking(read).await;
            return read.unwrap_or_else(|error| Err(error.to_string())).map_err(NoKey::new);
        };
        let secret = match timeout(LONGEST_FETCH, fetch()).await {
            Ok(fetched) => fetched.map_err(|error| {
                let cause = Cause::of(&*error, &Scrubber::default());
                NoKey { problem: format!("{self} failed: {cause}"), cause: Some(cause) }
            })?,
            Err(_) => {
                let problem = format!("{self} gave nothing for {LONGEST_FETCH:?}");
                return Err(NoKey::new(problem));
            }
        };
        Key::new(&secret, &self).map(|key| Fetched::New(key, None)).map_err(NoKey::new)
    }

    fn variable(&self, name: &str) -> Result<Arc<Key>, String> {
        match std::env::var(name) {
            Ok(text) => Key::new(&Secret::from(text), self),
            Err(std::env::VarError::NotPresent) => {
                Err(format!("{self} is not set: set it to a Kernel API key (`sk_…`)"))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("{self} is not text")),
        }
    }

    fn file(&self, path: &Path) -> Result<Fetched, String> {
        let (secret, stamp) = open(path).map_err(|error| match error.kind() {
            // What is said of invalid text may quote it.
            std::io::ErrorKind::InvalidData => format!("{self} cannot be read: it is not text"),
            _ => format!("{self} cannot be read: {error}"),
        })?;
        Ok(Fetched::New(Key::new(&secret, self)?, Some(stamp)))
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
pub(super) struct Stamp {
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

fn open(path: &Path) -> std::io::Result<(Secret, Stamp)> {
    use std::io::Read;

    let file = std::fs::File::open(path)?;
    // Taken first: what is written after it is seen as a change.
    let stamp = Stamp::from(&file.metadata()?);
    let mut text = Zeroizing::new(String::with_capacity(256));
    file.take(LONGEST_FILE).read_to_string(&mut text)?;
    Ok((Secret::from(text.as_str()), stamp))
}
