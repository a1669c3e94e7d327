//! Replacing an API key without an outage, so that no key is lost and none is left behind.
//!
//! A rotation makes a new key that is the old one's equal, puts it where the workload reads it, has
//! the workload take it up, sees that it works, and then retires the old key. At every instant,
//! whatever fails, the store holds a key that works, as long as server and store show within their
//! times what was done to them; when all is settled no key is left that nobody holds; and no plaintext
//! is anywhere but in memory and in the store. What may still go wrong, such as a value put back after
//! the retirement, is listed in the README.
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
//! is [stopped](Stop). Where only a person can tell how to go on, the report names the
//! [resolutions](Resolution), each an option of [`Resume`].
//!
//! The server offers no way to repeat a creation safely. So a key is made under a unique name, the
//! *marker* (`~onk-<id of the old key>-<ulid>`); if the response is lost, a key of that name is one
//! whose *plaintext*, the secret that is shown once, nobody has: an *orphan*, which is deleted.
//!
//! # What is believed
//!
//! - A key that is seen is there. One that is not seen is looked for until the *visibility time* has
//!   passed since it was last known to exist (30 s and at least twice the attempt timeout, or the
//!   *settle time* where one is given): reads lag, and replicas disagree.
//! - A write to the store is confirmed when it has been read back, within the store's own
//!   [propagation time](Store::propagation). Until then nothing that it may install is deleted. What
//!   a write broke is mended with the old plaintext; a key that works and is neither of the two is
//!   somebody's, stays, and needs attention.
//! - A key is deleted by one function, by the caller who has just read it, if it bears a marker of
//!   ours or is the old key in its retirement, and the new one was seen and let in.
//! - A rotation belongs to a server, an organization, a host and a store. Elsewhere nothing is
//!   changed, and nothing is closed.
//! - Lifetimes are reckoned by the server's clock.
//!
//! # What it costs
//!
//! A rotation in which nothing fails is seven round trips, one after another. What does not depend
//! on each other is sent together:
//!
//! | round trip | requests | without it |
//! |---|---|---|
//! | plan | get the old key | a deleted key, one of another project, a lifetime that cannot be kept are found too late |
//! | | list with the key that the store holds | a store with a dead key of the same masked form is overwritten |
//! | | list the old key's markers | a concurrent rotation is found only after something was touched |
//! | | get the caller's organization | a resumption by a stranger closes the journal over an orphan |
//! | create | create | |
//! | compare and try | list the old key's markers | two rotations at once both go through; a doubled creation leaves an orphan |
//! | | get both keys | the new key has other rights, or outlives a decision on the old one |
//! | | list with the new key | the store gets a key that the server does not let in yet |
//! | verify | list with the new key | the workload goes on with a key that stopped working |
//! | look | get both keys, list the markers, list with the new key | the old key is deleted although the new one is gone, or was narrowed meanwhile |
//! | delete | delete the old key | |
//! | rename | rename the new key | |
//!
//! It is six when the old key is kept, and seven when the server replaces the key: the old key is
//! given the marker before it, and its name again together with the new one. A lifetime that is not one
//! of whole days costs a look at the other keys of that name.
//!
//! Where only the store is known, the first two looks for the id are made by others, once: afterwards the
//! journal knows the key.
//!
//! | round trip | requests | without it |
//! |---|---|---|
//! | plan | get the caller of the key that the store holds | keys that look alike cannot be told apart |
//! | | list the first page of all keys: the old key and its markers are on it | both are asked for when the id is known, a round trip later |
//!
//! Among more keys than that page holds, 100, it is eight round trips.

mod api;
mod begin;
mod builder;
mod effects;
mod engine;
mod evidence;
mod fleet;
mod journal;
mod listing;
mod lost;
mod older;
mod once;
mod plan;
mod report;
mod resume;
mod settings;
mod site;
#[cfg(feature = "store-aws")]
mod steps;
mod store;
mod store_test;
mod sweep;
mod system;

use std::path::Path;
use std::sync::Arc;

use crate::types::ApiKey;
use crate::types::CreateApiKeyRequest;
use crate::{Client, Error};

use self::settings::Subject;

pub use self::builder::{HookCommand, Resume, Rotation};
#[doc(hidden)]
pub use self::effects::Probe;
pub use self::effects::clock::Clock;
pub use self::effects::stop::Stop;
pub use self::fleet::{Audited, Elsewhere, Fleet, FleetEvent, Planned, Policy, Rotated, Skipped};
pub use self::journal::JournalAt;
pub use self::journal::history::History;
pub use self::journal::ledger::Journals;
pub use self::journal::pending::Pending;
#[cfg(feature = "postgres")]
pub use self::journal::postgres::{
    FleetKey, FleetKeys, FleetStatus, FleetWorker, PostgresJournals,
};
pub use self::once::{CreateOnce, CreateOnceError, CreatedOnce};
pub use self::plan::record::{Lifetime, Retirement};
pub use self::report::{
    Decision, Disposition, Event, Events, Outcome, PlannedKey, Rejection, Resolution,
    RotationError, RotationPlan, RotationReport, Step, StepReport, StoreHolds,
};
pub use self::settings::{DeployTarget, HookError};
#[cfg(feature = "store-aws")]
pub use self::steps::{
    AwsRotation, AwsRotationError, AwsStep, AwsStepOutcome, AwsStepReport, UnknownStep,
};
#[cfg(feature = "store-aws")]
pub use self::store::AwsStore;
#[cfg(feature = "store-kubernetes")]
pub use self::store::KubernetesStore;
pub use self::store::{
    CommandStore, EnvFileStore, FileStore, Store, StoreError, StoreProfile, TakesEffect,
};
#[cfg(feature = "store-vault")]
pub use self::store::{VaultAuth, VaultStore};
pub use self::store_test::{CheckResult, StoreCheck, StoreLeft, StoreTest, StoreTestReport};
/// What the methods of a [`Store`] and a [`Clock`] return.
pub use futures_core::future::BoxFuture;

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
    fn resume(&self, journal: impl Into<JournalAt>) -> Resume;

    /// Looks again for keys that rotations of this journal may have made unseen, waits for the
    /// settle time, looks once more, and deletes what it finds. Says how many were deleted.
    ///
    /// # Errors
    /// A journal that is damaged, or whose rotation is under way or not finished: resume that; and
    /// calls that fail.
    fn sweep(
        &self,
        journal: impl Into<JournalAt> + Send,
    ) -> impl Future<Output = Result<usize, RotationError>> + Send;

    /// Makes a key exactly once, although the server offers no way to repeat a creation: under a
    /// name that no other key bears, looked for when a response is lost, and renamed at the end.
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
    fn create_exactly_once(&self, request: CreateApiKeyRequest) -> CreateOnce;

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

    fn resume(&self, journal: impl Into<JournalAt>) -> Resume {
        Resume::new(self, journal.into())
    }

    async fn sweep(&self, journal: impl Into<JournalAt> + Send) -> Result<usize, RotationError> {
        Resume::new(self, journal.into()).sweep().await
    }

    fn create_exactly_once(&self, request: CreateApiKeyRequest) -> CreateOnce {
        CreateOnce::new(self, request)
    }

    async fn audit(&self, policy: &Policy) -> Result<Vec<Audited>, Error> {
        fleet::audit(&settings::Common::new(self), policy).await
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
    journal::ledger::journal_name(store)
}

/// What a journal says of the rotations that have ended. Needs no key and no network.
///
/// # Errors
/// A journal that cannot be read, or is damaged.
pub fn history(journal: impl AsRef<Path>) -> Result<History, RotationError> {
    Ok(journal::history::read(journal.as_ref())?)
}

/// What is left to do by a journal; `None` when nothing is. Needs no key and no network.
///
/// # Errors
/// A journal that cannot be read, or is damaged.
pub fn pending(journal: impl AsRef<Path>) -> Result<Option<Pending>, RotationError> {
    Ok(Pending::of(journal::read_file(journal.as_ref())?))
}
