//! Where a rotation is asked for: the store and its lock, the journal, and the place that both are
//! held to.

use std::sync::Arc;

use super::effects::Effects;
use super::journal::{Journal, JournalAt};
use super::plan::place::Place;
use super::report::{Decision, RotationError};
use super::settings::Common;
use super::store::Store;
use super::system::host::Host;
use super::system::lock::Lock;

/// What cannot be left out.
pub(crate) fn required(common: &Common) -> Result<(Arc<dyn Store>, &JournalAt), RotationError> {
    let Some(store) = &common.store else {
        let why = "a rotation needs a store: the place where the workload reads its key";
        return Err(RotationError::unchanged(why));
    };
    let Some(journal) = &common.journal else {
        let why = "a rotation needs a journal: a file that survives a crash";
        return Err(RotationError::unchanged(why));
    };
    Ok((Arc::clone(store), journal))
}

/// Takes the journal. From here on nothing happens without it.
pub(crate) async fn take(at: &JournalAt, effects: &Effects) -> Result<Journal, RotationError> {
    let journal = Journal::open(at).await?;
    if let Some(hold) = journal.hold() {
        // One journal for one run: there is none before it.
        let _ = effects.hold.set(hold);
    }
    Ok(journal)
}

/// One rotation of a store at a time.
pub(crate) fn lock_store(store: &dyn Store) -> Result<Option<Lock>, RotationError> {
    let Some(path) = store.lock_path() else { return Ok(None) };
    match Lock::try_take(&path) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => {
            let why = format!("{} is being rotated already", store.describe());
            Err(RotationError::undecided(Decision::UnderWay, why))
        }
        Err(error) => {
            Err(RotationError::unchanged(format!("{} cannot be locked: {error}", path.display())))
        }
    }
}

/// Where this is: the server, the organization where it could be asked, this host, and the store.
pub(crate) fn here(common: &Common, store: &dyn Store, organization: Option<String>) -> Place {
    Place {
        base_url: common.client.base_url().to_owned(),
        organization,
        host: (!store.shared()).then(Host::this),
        store: store.identity(),
    }
}
