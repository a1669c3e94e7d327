//! Replacing an API key without an outage, so that no key is lost and none is left behind.
//!
//! A rotation makes a new key that is the old one's equal, puts it where the workload reads it, has
//! the workload take it up, sees that it works, and then retires the old key. At every instant,
//! whatever fails, the store holds a key that works; when all is settled no key is left that nobody
//! holds; and no plaintext is anywhere but in memory and in the store.
//!
//! ```no_run
//! use onkernel::prelude::*;
//! use onkernel::rotation::{FileStore, Retirement, RotationExt};
//!
//! # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
//! let report = client
//!     .rotation_of(FileStore::new("/etc/agent/kernel-key"))
//!     .journal("/var/lib/agent/rotation.jsonl")
//!     .retire(Retirement::Delete)
//!     .run()
//!     .await?;
//! println!("{} is now {}", report.old_id, report.new_id.unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! # What goes on
//!
//! Every step is written into the journal before it is taken. Until the old key's retirement begins
//! any failure goes back to the state before; afterwards it only goes forward. A process that dies
//! in between leaves a journal from which [`resume`](RotationExt::resume) goes on, and so does one that
//! is [asked to stop](Stop).
//!
//! The server offers no way to repeat a creation safely. So a key is made under a unique name, the
//! *marker* (`~onk-<id of the old key>-<ulid>`); if the answer is lost, a key of that name is one
//! whose plaintext nobody has, and it is deleted. Since a request may take effect after we have
//! looked, the name is looked for again when the *settle time* has passed.
//!
//! # What it costs
//!
//! A rotation in which nothing fails sends 12 requests, each of which a guarantee depends on:
//!
//! | step | requests | without it |
//! |---|---|---|
//! | plan | get the old key | a deleted key, one of another project, a lifetime that cannot be kept are found too late |
//! | | list with the key that the store holds | a store with a dead key of the same masked form is overwritten |
//! | | list the old key's markers | a rival is found only after something was touched |
//! | create | create | |
//! | compare | list the old key's markers | two rotations at once both go through |
//! | | get both keys | the new key has other rights, or outlives a decision on the old one |
//! | verify | list with the new key | the workload is given a key that does not work |
//! | retire | get both keys | the old key is deleted although the new one is gone, or was narrowed meanwhile |
//! | | delete the old key | |
//! | rename | rename the new key | |
//!
//! It is 11 when the key makes its own replacement, which need not be tried in the plan, or when the
//! old key is kept; and 14 when the server replaces the key, since the old key bears the marker
//! meanwhile. By store instead of by id it is two listings more, once: afterwards the journal knows
//! the key. A lifetime that is not one of whole days costs a look at the other keys of that name.

mod api;
mod begin;
mod builder;
mod clock;
mod decide;
mod engine;
mod equal;
mod error;
mod fingerprint;
mod fleet;
mod guard;
mod journal;
mod lock;
mod marker;
mod once;
mod pace;
mod plan;
mod port;
mod process;
mod report;
mod resume;
mod stop;
mod store;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::types::ApiKey;
use crate::types::CreateApiKeyRequest;
use crate::{Client, Error};

use self::builder::Subject;

pub use self::builder::{HookError, Resume, Rotation, Told};
pub use self::clock::Clock;
pub use self::error::RotationError;
pub use self::fleet::{Audited, Fleet, FleetEvent, Policy, Rotated, Skipped};
pub use self::once::{CreateOnceError, CreatedOnce};
pub use self::plan::{Lifetime, Retirement};
#[doc(hidden)]
pub use self::port::Probe;
pub use self::report::{Event, Fate, Outcome, RotationReport, Step, StepReport};
pub use self::stop::Stop;
pub use self::store::{CommandStore, EnvFileStore, FileStore, Store, StoreError};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Client {}
}

/// Replaces keys.
pub trait RotationExt: sealed::Sealed {
    /// The rotation of the key with this id. It needs a [`store`](Rotation::store) and a
    /// [`journal`](Rotation::journal).
    fn rotation(&self, id: impl Into<String>) -> Rotation;

    /// The rotation of the key that a store holds, whatever its id is by now.
    fn rotation_of(&self, store: impl Store + 'static) -> Rotation;

    /// As [`rotation_of`](Self::rotation_of), for a store that is shared.
    fn rotation_of_shared(&self, store: Arc<dyn Store>) -> Rotation;

    /// Goes on with the rotation of a journal after a crash, or after a failure that needed
    /// attention.
    fn resume(&self, journal: impl Into<PathBuf>) -> Resume;

    /// Looks again for keys that rotations of this journal may have made unseen, waits for the
    /// settle time, looks once more, and deletes what it finds. Says how many were deleted.
    ///
    /// # Errors
    /// A journal that is damaged, or whose rotation is under way or not finished: resume that; and
    /// calls that fail.
    fn sweep(
        &self,
        journal: impl Into<PathBuf> + Send,
    ) -> impl Future<Output = Result<usize, RotationError>> + Send;

    /// Makes a key exactly once, although the server offers no way to repeat a creation: under a
    /// name that no other key bears, looked for when an answer is lost, and renamed at the end.
    ///
    /// It keeps no journal: if the process dies, a key named `~onk-new-…` may be left.
    ///
    /// ```no_run
    /// use onkernel::{prelude::*, rotation::RotationExt, types::CreateApiKeyRequest};
    ///
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = CreateApiKeyRequest::new("ci").days_to_expire(30);
    /// let made = client.create_exactly_once(request).await?;
    /// println!("{}", made.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No key was made: the error says whether one that nobody holds may exist, and its name.
    fn create_exactly_once(
        &self,
        request: CreateApiKeyRequest,
    ) -> impl Future<Output = Result<CreatedOnce, CreateOnceError>> + Send;

    /// Which keys a policy would have rotated, and why: every key is looked at, also while others
    /// come and go.
    ///
    /// # Errors
    /// As listing, and when the keys change faster than they can be listed.
    fn audit(&self, policy: &Policy) -> impl Future<Output = Result<Vec<Audited>, Error>> + Send;

    /// The rotation of every key that a policy picks and whose store is found. The function names
    /// the store of a key, if it has one.
    fn rotate_all<F>(&self, policy: Policy, stores: F) -> Fleet
    where
        F: Fn(&ApiKey) -> Option<Arc<dyn Store>> + Send + Sync + 'static;
}

impl RotationExt for Client {
    fn rotation(&self, id: impl Into<String>) -> Rotation {
        Rotation::new(self, Subject::Id(id.into()))
    }

    fn rotation_of(&self, store: impl Store + 'static) -> Rotation {
        self.rotation_of_shared(Arc::new(store))
    }

    fn rotation_of_shared(&self, store: Arc<dyn Store>) -> Rotation {
        Rotation::new(self, Subject::Stored).shared_store(store)
    }

    fn resume(&self, journal: impl Into<PathBuf>) -> Resume {
        Resume::new(self, journal.into())
    }

    async fn sweep(&self, journal: impl Into<PathBuf> + Send) -> Result<usize, RotationError> {
        Resume::new(self, journal.into()).sweep().await
    }

    async fn create_exactly_once(
        &self,
        request: CreateApiKeyRequest,
    ) -> Result<CreatedOnce, CreateOnceError> {
        once::create(builder::Common::new(self), request).await
    }

    async fn audit(&self, policy: &Policy) -> Result<Vec<Audited>, Error> {
        fleet::audit(self, policy).await
    }

    fn rotate_all<F>(&self, policy: Policy, stores: F) -> Fleet
    where
        F: Fn(&ApiKey) -> Option<Arc<dyn Store>> + Send + Sync + 'static,
    {
        Fleet::new(self, policy, Arc::new(stores))
    }
}

/// A file name for the journal of the store that describes itself so, whatever its characters.
///
/// ```
/// let name = onkernel::rotation::journal_name("file:/etc/agent/key");
/// assert!(name.ends_with(".jsonl"));
/// ```
pub fn journal_name(store: &str) -> String {
    fleet::journal_name(store)
}

/// What a journal says is not finished.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pending {
    /// Whether a rotation was begun and has not ended; otherwise only names are left to look for.
    pub under_way: bool,
    /// The id of the key that was to be replaced.
    pub old_id: String,
    /// That key's name.
    pub name: String,
    /// What the store called itself.
    pub store: String,
    /// The note that was given to the rotation.
    pub note: Value,
    /// Names under which a key that nobody holds may still appear.
    pub unsettled: Vec<String>,
}

/// What is left to do by a journal; `None` when nothing is. Needs no key and no network.
///
/// # Errors
/// A journal that cannot be read, or is damaged.
pub fn pending(journal: impl AsRef<Path>) -> Result<Option<Pending>, RotationError> {
    let past = journal::read(journal.as_ref())?;
    let (under_way, note) = (past.is_open(), begin::note_of(&past));
    if !under_way && past.unsettled.is_empty() {
        return Ok(None);
    }
    Ok(past.plan.map(|plan| Pending {
        under_way,
        old_id: plan.old_id,
        name: plan.name,
        store: plan.store,
        note,
        unsettled: past.unsettled.iter().map(ToString::to_string).collect(),
    }))
}
