//! Where the journals of a fleet are: one for each store.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, fs, io};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::ready;

use super::JournalAt;
use super::queue::{Joining, Own, Queue};
use crate::rotation::report::RotationError;
use crate::rotation::store::Store;

/// What has a journal for every store.
pub(crate) trait Ledger: fmt::Debug + Send + Sync {
    /// Makes what is needed before the first journal is opened.
    fn prepare(&self) -> BoxFuture<'_, Result<(), RotationError>>;

    /// The journal of this store.
    fn of(&self, store: &dyn Store) -> JournalAt;

    /// Whether others may have theirs there too.
    fn is_shared(&self) -> bool;

    /// Takes part in the work on a fleet.
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Box<dyn Queue>, RotationError>>;
}

/// Where the journals of a fleet are: a folder, named by its path, or a database.
#[derive(Clone, Debug)]
pub struct Journals(pub(super) Arc<dyn Ledger>);

impl Journals {
    pub(crate) async fn prepare(&self) -> Result<(), RotationError> {
        self.0.prepare().await
    }

    pub(crate) fn of(&self, store: &dyn Store) -> JournalAt {
        self.0.of(store)
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    pub(crate) async fn join(&self, joining: Joining) -> Result<Box<dyn Queue>, RotationError> {
        self.0.join(joining).await
    }
}

impl<T: Into<PathBuf>> From<T> for Journals {
    fn from(folder: T) -> Self {
        Self(Arc::new(Folder(folder.into())))
    }
}

#[derive(Debug)]
struct Folder(PathBuf);

impl Ledger for Folder {
    fn prepare(&self) -> BoxFuture<'_, Result<(), RotationError>> {
        let made = make_folder(&self.0).map_err(|error| {
            RotationError::unchanged(format!("{} cannot be made: {error}", self.0.display()))
        });
        ready(made).boxed()
    }

    fn of(&self, store: &dyn Store) -> JournalAt {
        self.0.join(journal_name(&store.describe())).into()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Box<dyn Queue>, RotationError>> {
        let queue: Box<dyn Queue> = Box::new(Own::new(&joining));
        ready(Ok(queue)).boxed()
    }
}

/// A store's journal, whatever characters it is described with.
pub(crate) fn journal_name(store: &str) -> String {
    let hash = hmac_sha256::Hash::hash(store.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{hash}.jsonl")
}

/// Makes the folder, for its owner only.
fn make_folder(path: &std::path::Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
