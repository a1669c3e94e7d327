//! A file that holds nothing but the key.

use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::atomic::Target;
use super::{Store, StoreError};
use crate::Secret;
use crate::rotation::system::forced::off_thread;

/// A file whose only line is the key.
///
/// It is replaced as a whole (written beside, synced, renamed), so that whoever reads it sees the
/// old key or the new one. An existing file keeps its mode, its owner, its access list and other
/// attributes, and its last line break; a
/// new one can be read by its owner only. A symbolic link is followed.
///
/// ```
/// # async fn example() -> Result<(), onkernel::rotation::StoreError> {
/// use onkernel::rotation::{FileStore, Store};
///
/// let store = FileStore::new("/etc/agent/kernel-key");
/// assert_eq!(store.describe(), "file:/etc/agent/kernel-key");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    target: Target,
}

impl FileStore {
    /// The file at this path, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { target: Target::new(path) }
    }

    /// Writes over the file's content instead of replacing the file. For a file that is mounted by
    /// itself; whoever reads it at the wrong instant, or a power cut, may find half a key.
    #[must_use]
    pub fn in_place(mut self) -> Self {
        self.target.in_place = true;
        self
    }

    fn get(&self) -> Result<Option<Secret>, StoreError> {
        let Some(text) = self.target.read()? else { return Ok(None) };
        let key = text.trim_end_matches(['\r', '\n']);
        if key.is_empty() {
            return Ok(None);
        }
        if key.contains(['\r', '\n']) {
            return Err(StoreError::failed(format!(
                "{} holds more than one line, so it is not a file of one key",
                self.target.path.display()
            )));
        }
        Ok(Some(Secret::from(key)))
    }

    fn put(&self, secret: &Secret) -> Result<(), StoreError> {
        let writing = self.target.writing()?;
        let old = self.target.read()?.unwrap_or_default();
        let end = &old[old.trim_end_matches(['\r', '\n']).len()..];
        let content = zeroize::Zeroizing::new(format!("{}{end}", secret.expose()));
        self.target.replace(&writing, &content)
    }
}

impl Store for FileStore {
    fn describe(&self) -> String {
        format!("file:{}", self.target.path.display())
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async { self.get() })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        let (store, secret) = (self.clone(), secret.clone());
        Box::pin(off_thread(move || store.put(&secret)))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let target = self.target.clone();
        Box::pin(off_thread(move || target.remove()))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let target = self.target.clone();
        Box::pin(off_thread(move || target.check()))
    }

    fn identity(&self) -> String {
        format!("file:{}", self.target.identity().display())
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    fn may_land_late(&self) -> bool {
        false
    }

    fn lock_path(&self) -> Option<PathBuf> {
        Some(self.target.lock_path(""))
    }
}
