//! How a rotation is asked for: what is rotated, where it is stored, and what is done around it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::common::common_settings;
use crate::Client;
use crate::rotation::begin;
use crate::rotation::effects::Probe;
use crate::rotation::effects::clock::Clock;
use crate::rotation::effects::stop::Stop;
use crate::rotation::journal::JournalAt;
use crate::rotation::plan::record::{Lifetime, Retirement};
use crate::rotation::report::{Event, Events, RotationError, RotationPlan, RotationReport};
use crate::rotation::settings::{Common, HookError, Subject, Wanted};
use crate::rotation::store::Store;

/// A rotation in the making: see [`RotationExt::rotation`](crate::rotation::RotationExt::rotation).
///
/// Nothing happens before [`run`](Self::run).
#[must_use = "nothing happens before `run`"]
#[derive(Clone)]
pub struct Rotation {
    pub(crate) given: Wanted,
}

impl Rotation {
    pub(crate) fn new(client: &Client, subject: Subject) -> Self {
        let given = Wanted {
            common: Common::new(client),
            subject,
            retirement: None,
            lifetime: Lifetime::AsOld,
            allowed: Vec::new(),
            store_is_new: false,
            note: Value::Null,
        };
        Self { given }
    }

    common_settings!();

    /// Where the workload reads its key. Required. It must hold the key that is rotated.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.given.common.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is shared.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.given.common.store = Some(store);
        self
    }

    /// The store need not hold the old key: it is empty, or it is one-way and cannot show what it
    /// holds. What it holds is then not protected by us.
    pub fn store_is_new(mut self) -> Self {
        self.given.store_is_new = true;
        self
    }

    /// What is done with the old key. With a deploy or a verify hook it is deleted unless this says
    /// otherwise; without either this must be chosen, since a running workload may still have it.
    pub fn retire(mut self, retirement: Retirement) -> Self {
        self.given.retirement = Some(retirement);
        self
    }

    /// How long the new key is to live ([`Lifetime::AsOld`]).
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.given.lifetime = lifetime;
        self
    }

    /// Allows the new key to differ from the old one in this field of their JSON.
    pub fn allow_difference(mut self, field: impl Into<String>) -> Self {
        self.given.allowed.push(field.into());
        self
    }

    /// A note of the caller's own, kept in the journal and given back by
    /// [`pending`](crate::rotation::pending): how the store and the hooks were named, for example. It must
    /// not hold a secret.
    pub fn note(mut self, note: Value) -> Self {
        self.given.note = note;
        self
    }

    /// The whole plan, with every check that changes no key and no value: what [`run`](Self::run) would
    /// do, and what would be rejected. Only GETs are sent to the API, no journal is written, and the store
    /// is read and [checked](Store::check): a file's folder with a temporary file, and in AWS a label
    /// that a killed write of ours has left is taken away. A store that has a lock is locked meanwhile, as
    /// by a rotation.
    ///
    /// ```no_run
    /// use onkernel::prelude::*;
    /// use onkernel::rotation::{FileStore, Retirement, RotationExt};
    ///
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let rotation = client
    ///     .rotation_of(FileStore::new("/etc/agent/kernel-key"))
    ///     .journal("/var/lib/agent/rotation.jsonl")
    ///     .retire(Retirement::Delete);
    /// for rejection in rotation.clone().plan().await?.rejected {
    ///     eprintln!("{}", rejection.why);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No store, or no journal, was named. What a rotation would be rejected for is in the plan.
    pub async fn plan(self) -> Result<RotationPlan, RotationError> {
        begin::preview(self.given).await
    }

    /// Rotates the key.
    ///
    /// Dropping the future is like a crash: what was under way is in the journal, and
    /// [`resume`](crate::rotation::RotationExt::resume) finishes or undoes it.
    ///
    /// # Errors
    /// Rejected before anything was touched, undone, or stopped where it needs attention: see
    /// [`RotationError`].
    pub async fn run(self) -> Result<RotationReport, RotationError> {
        begin::run(self.given).await
    }
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation")
            .field("subject", &self.given.subject)
            .field("store", &self.given.common.store.as_ref().map(|store| store.describe()))
            .field("journal", &self.given.common.journal)
            .field("retirement", &self.given.retirement)
            .field("lifetime", &self.given.lifetime)
            .finish_non_exhaustive()
    }
}
