//! Where a workload reads its key: one secret that can be read, replaced and described.

mod atomic;
mod attributes;
#[cfg(feature = "store-aws")]
mod aws;
mod command;
mod env_file;
mod error;
mod file;
#[cfg(any(feature = "store-aws", feature = "store-kubernetes", feature = "store-vault"))]
mod json;
#[cfg(feature = "store-kubernetes")]
mod kubernetes;
pub(super) mod profile;
#[cfg(any(feature = "store-aws", feature = "store-kubernetes", feature = "store-vault"))]
#[allow(dead_code, reason = "each of these stores uses a part")]
mod remote;
#[cfg(any(feature = "store-aws", feature = "store-kubernetes", feature = "store-vault"))]
mod swap;
mod takes_effect;
#[cfg(feature = "store-vault")]
mod vault;

use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;

use crate::Secret;

#[cfg(feature = "store-aws")]
pub use self::aws::AwsStore;
#[cfg(feature = "store-aws")]
pub(super) use self::aws::{Put, Version, Versions};
pub use self::command::CommandStore;
pub use self::env_file::EnvFileStore;
pub use self::error::StoreError;
pub use self::file::FileStore;
#[cfg(feature = "store-kubernetes")]
pub use self::kubernetes::KubernetesStore;
pub use self::profile::StoreProfile;
pub use self::takes_effect::TakesEffect;
#[cfg(feature = "store-vault")]
pub use self::vault::{VaultAuth, VaultStore};

/// A place that holds one secret: the key that a workload reads.
///
/// Implementations block or fail as they must, but never guess: a failed write says whether the
/// secret may be there all the same ([`StoreError::outcome_unknown`]).
///
/// ```
/// use std::sync::Mutex;
/// use onkernel::{Secret, rotation::{BoxFuture, Store, StoreError}};
///
/// /// A store in memory, as a test might want it.
/// struct Memory(Mutex<Option<Secret>>);
///
/// impl Store for Memory {
///     fn describe(&self) -> String {
///         "memory:ci".into()
///     }
///     fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
///         Box::pin(async { Ok(self.0.lock().map_err(|_| StoreError::failed("poisoned"))?.clone()) })
///     }
///     fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async {
///             *self.0.lock().map_err(|_| StoreError::failed("poisoned"))? = Some(secret.clone());
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Store: Send + Sync {
    /// Which place this is, such as `file:/etc/agent/key`. The same place must always describe
    /// itself the same way: a journal is held to it. Never the secret.
    fn describe(&self) -> String;

    /// What it holds now; `None` when it holds nothing.
    ///
    /// # Errors
    /// Where that cannot be told.
    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>>;

    /// Makes it hold this secret and nothing else, durably.
    ///
    /// # Errors
    /// Where it may not: the error says whether it may hold it all the same, now or later.
    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Whether [`read`](Self::read) can work at all. A store that cannot be read is one-way: a
    /// rotation into it cannot be undone once it was written, and needs to be asked for.
    fn readable(&self) -> bool {
        true
    }

    /// Makes it hold nothing again. Called only to undo the first write to a new store.
    ///
    /// # Errors
    /// Where it cannot: then the new key is kept.
    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::failed("this store cannot be emptied")) })
    }

    /// Replaces `expected` by `new` in one step where the store can; `false` when it holds
    /// something else. `None`, the default, where it cannot: then it is read and written.
    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        let _ = (expected, new);
        None
    }

    /// Which place it really is, whatever path or name leads there: a rotation that was begun at
    /// another one is not gone on with here. By default what [`describe`](Self::describe) says.
    fn identity(&self) -> String {
        self.describe()
    }

    /// How long it may go on showing something else after a write that it acknowledged (30 s):
    /// nothing where a read always shows the last write. The old key is not deleted sooner after it.
    fn propagation(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// When a running workload sees a change of what it holds ([`TakesEffect::Restart`]). Where only
    /// a new deployment or a newly queued job does, the old key is not deleted without a deploy hook.
    fn takes_effect(&self) -> TakesEffect {
        TakesEffect::Restart
    }

    /// Whether a write that was given up, or begun by a process that has died, may still land.
    fn may_land_late(&self) -> bool {
        true
    }

    /// Whether other hosts reach the same place by the same description. Otherwise a rotation is
    /// gone on with only on the host where it was begun.
    fn shared(&self) -> bool {
        false
    }

    /// Whether it could be written now, found out without changing what it holds.
    ///
    /// # Errors
    /// What stands in the way.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// The file to lock while a rotation of this store is under way; `None` where there is no
    /// place for one. It is made, and removed afterwards.
    fn lock_path(&self) -> Option<PathBuf> {
        None
    }
}
