//! What is rejected before anything is touched, and what is worth knowing: each check by itself, so
//! that a rotation ends at the first and a preview shows them all.

use std::time::Duration;

use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::rotation::effects::Effects;
use crate::rotation::journal::JournalAt;
use crate::rotation::journal::record::Past;
use crate::rotation::plan::old_key::OldKey;
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::{Decision, RotationError};
use crate::rotation::settings::Wanted;
use crate::rotation::store::{Store, TakesEffect};
use crate::types::ApiKey;

pub(super) type Check = Result<(), RotationError>;

pub(super) fn undecided<T>(decision: Decision, why: impl Into<String>) -> Result<T, RotationError> {
    Err(RotationError::undecided(decision, why))
}

pub(super) fn unchanged<T>(why: impl Into<String>) -> Result<T, RotationError> {
    Err(RotationError::unchanged(why))
}

/// Whoever requests a stop so early finds everything as it was.
pub(super) fn not_stopped(effects: &Effects) -> Check {
    match effects.stopping() {
        true => Err(RotationError::stopped("a stop was requested before anything was touched")),
        false => Ok(()),
    }
}

/// What is done with the old key.
pub(super) fn retirement(wanted: &Wanted) -> Result<Retirement, RotationError> {
    let hooks = wanted.common.deploy.is_some() || wanted.common.verify.is_some();
    match wanted.retirement {
        Some(Retirement::Grace { days }) if !(1..=3650).contains(&days) => unchanged(format!(
            "a grace period is 1 to 3650 days, not {days}: with none, a lost response would lock the workload out"
        )),
        Some(retirement) => Ok(retirement),
        None if hooks => Ok(Retirement::Delete),
        None => undecided(
            Decision::Retirement,
            "choose what is done with the old key (delete, keep or a grace period): without a deploy or verify hook nobody knows when the workload has stopped using it",
        ),
    }
}

/// What the store's own nature does not allow.
pub(super) fn of_store(wanted: &Wanted, store: &dyn Store, retirement: Retirement) -> [Check; 2] {
    let takes_effect = store.takes_effect();
    let undeployed = retirement == Retirement::Delete
        && takes_effect.needs_deployment()
        && wanted.common.deploy.is_none();
    let why = match takes_effect {
        TakesEffect::NextJob => {
            "only a job that is queued later sees the change: name one that awaits the earlier jobs"
        }
        _ => "only a new deployment of the workload sees the change: name one that makes it",
    };
    [
        match undeployed {
            true => undecided(
                Decision::Deployment,
                format!(
                    "the old key cannot be deleted without a deploy hook, since {why}, keep the old key, or give it a grace period"
                ),
            ),
            false => Ok(()),
        },
        match store.readable() || wanted.store_is_new {
            true => Ok(()),
            false => undecided(
                Decision::NewStore,
                "the store cannot be read, so nobody can tell whether it holds this key, nor undo a write to it: say that the store is new to accept that",
            ),
        },
    ]
}

/// What is worth knowing of a rotation into this store before it begins.
pub(super) fn notes(wanted: &Wanted, store: &dyn Store, retirement: Retirement) -> Vec<String> {
    let mut notes = Vec::new();
    if !store.readable() {
        notes.push("the store cannot be read: a failure after it was written leaves both keys, and a person has to look".to_owned());
    }
    let (asked, least) = (wanted.common.overlap, overlap(wanted, store, retirement));
    if least > asked {
        notes.push(format!(
            "both keys work for {} s after the write, not for {} s: the store may take so long to show it everywhere",
            least.as_secs_f64(),
            asked.as_secs_f64()
        ));
    }
    notes
}

/// How long both keys work at least.
pub(super) fn overlap(wanted: &Wanted, store: &dyn Store, retirement: Retirement) -> Duration {
    match retirement {
        Retirement::Delete => wanted.common.overlap.max(store.propagation()),
        Retirement::Keep | Retirement::Grace { .. } => wanted.common.overlap,
    }
}

/// What an earlier rotation of this journal does not allow.
pub(super) fn of_journal(at: &JournalAt, past: &Past, store: &dyn Store) -> [Check; 2] {
    let belongs = past.plan.as_ref().is_none_or(|plan| plan.store == store.describe());
    [
        match past.is_open() {
            false => Ok(()),
            true => undecided(
                Decision::Unfinished,
                format!("the journal {at} holds a rotation that is not finished: resume it first"),
            ),
        },
        match belongs {
            true => Ok(()),
            false => {
                unchanged(format!("the journal {at} belongs to the rotations of another store"))
            }
        },
    ]
}

/// The store must hold the key that is rotated: a wrong path would overwrite another workload's
/// only copy.
pub(super) fn held(wanted: &Wanted, old: &OldKey, held: Option<&Secret>, let_in: bool) -> Check {
    match held {
        None if wanted.store_is_new => Ok(()),
        None => undecided(
            Decision::NewStore,
            "the store holds no key: say that it is new if the rotated key is to be put there for the first time",
        ),
        Some(_) if wanted.store_is_new => {
            unchanged("the store was said to be new, and it holds something")
        }
        Some(held) if !fits_mask(held.expose(), &old.masked) => unchanged(format!(
            "the store does not hold the key {} ({}): what it holds looks different",
            old.id, old.masked
        )),
        Some(_) if !let_in => unchanged(format!(
            "what the store holds is rejected by the server (401), so it is not the key {}",
            old.id
        )),
        Some(_) => Ok(()),
    }
}

/// No other rotation of this key is under way, on this host or another.
pub(super) fn no_concurrent(id: &str, past: &Past, marked: &[ApiKey]) -> Check {
    let markers = past.all_markers();
    let ours = |key: &ApiKey| key.id == id || markers.iter().any(|marker| marker.is(&key.name));
    match marked.iter().find(|key| !ours(key)) {
        None => Ok(()),
        Some(key) => {
            let why = format!(
                "another rotation of this key is under way, or was left behind: it made the key {} ({}). Resume it where its journal is; if that is lost and nothing is under way, resume with the store alone: that goes by the markers on the server",
                key.id, key.name
            );
            undecided(Decision::Marked, why)
        }
    }
}
