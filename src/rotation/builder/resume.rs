//! How the resumption of a rotation is asked for, and what a person can say or replace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::common::common_settings;
use crate::Client;
use crate::rotation::effects::Probe;
use crate::rotation::effects::clock::Clock;
use crate::rotation::effects::stop::Stop;
use crate::rotation::journal::JournalAt;
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::{Event, Events, RotationError, RotationReport, StoreHolds};
use crate::rotation::settings::{Common, HookError, Resumption};
use crate::rotation::store::Store;
use crate::rotation::{resume, sweep};

/// The resumption of a rotation: see [`RotationExt::resume`](crate::rotation::RotationExt::resume).
///
/// It needs the store and the hooks of the rotation, since a journal cannot hold them. When a
/// rotation needs attention its [`resolutions`](RotationReport::resolutions) name the methods here
/// that end it; each is written into the journal before it counts.
///
/// ```no_run
/// use onkernel::rotation::{FileStore, RotationExt, StoreHolds};
///
/// # async fn example(client: onkernel::Client) -> Result<(), Box<dyn std::error::Error>> {
/// client
///     .resume("/var/lib/agent/rotation.jsonl")
///     .store(FileStore::new("/etc/agent/kernel-key"))
///     .store_holds(StoreHolds::New)
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens before `run`"]
#[derive(Clone)]
pub struct Resume {
    pub(crate) given: Resumption,
}

impl Resume {
    pub(crate) fn new(client: &Client, journal: JournalAt) -> Self {
        let common = Common { journal: Some(journal), ..Common::new(client) };
        Self { given: Resumption::new(common) }
    }

    common_settings!();

    /// Where the workload reads its key: the store of the rotation.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.given.common.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is shared.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.given.common.store = Some(store);
        self
    }

    /// The store was named anew, by a person on this host. A rotation that was begun on another
    /// host, or whose store has moved, is gone on with if the store holds one of its two keys. With
    /// a journal that knows of no rotation it goes by the markers on the server: see
    /// [`retire`](Self::retire).
    pub fn adopt(mut self) -> Self {
        self.given.adopt = true;
        self
    }

    /// The workload has what the store holds: no deploy hook is called for it any more.
    pub fn deployed(mut self) -> Self {
        self.given.deployed = true;
        self
    }

    /// What a person has found in the store. It counts where the store itself cannot tell; against
    /// what it shows it is an error, and nothing is changed.
    pub fn store_holds(mut self, holds: StoreHolds) -> Self {
        self.given.store_holds = Some(holds);
        self
    }

    /// Ends the rotation where it is. Nothing is changed, and the report lists what stays. Neither
    /// the server nor the store is asked.
    pub fn give_up(mut self) -> Self {
        self.given.give_up = true;
        self
    }

    /// Another note of the caller's own, instead of the one in the journal: that a hook was
    /// replaced, for example. It must not hold a secret.
    pub fn note(mut self, note: Value) -> Self {
        self.given.note = Some(note);
        self
    }

    /// What is done with the old key of a rotation whose journal is lost, if the store holds the
    /// new one: without this it is deleted where a hook is given, and kept otherwise. A journal
    /// that is there knows it.
    pub fn retire(mut self, retirement: Retirement) -> Self {
        self.given.retirement = Some(retirement);
        self
    }

    /// Finishes or undoes what the journal says was under way. `None` when there is nothing to do.
    ///
    /// Running it twice is harmless. A caller who cannot see the rotation changes nothing.
    ///
    /// # Errors
    /// As [`Rotation::run`](crate::rotation::Rotation::run). A rotation that was undone is reported
    /// as such, not as an error.
    pub async fn run(self) -> Result<Option<RotationReport>, RotationError> {
        resume::run(self.given).await
    }

    /// Only looks for keys that may have been made unseen: see
    /// [`sweep`](crate::rotation::RotationExt::sweep).
    ///
    /// # Errors
    /// As there.
    pub async fn sweep(self) -> Result<usize, RotationError> {
        sweep::run(self.given.common).await
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume")
            .field("journal", &self.given.common.journal)
            .field("deployed", &self.given.deployed)
            .field("store_holds", &self.given.store_holds)
            .field("give_up", &self.given.give_up)
            .finish_non_exhaustive()
    }
}
