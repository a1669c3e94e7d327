//! The beginning of a rotation: everything that can be known is looked at, what cannot work or is
//! not safe is rejected before anything is touched, and the journal gets its first line. From there
//! on it is like one that is resumed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join4;
use ulid::Ulid;

use super::api::{Api, Sight};
use super::effects::Effects;
use super::engine::{Engine, Opening};
use super::evidence::delete::Known;
use super::evidence::fingerprint::Fingerprint;
use super::evidence::marker::Marker;
use super::evidence::orphans;
use super::journal::Journal;
use super::journal::record::{Ending, Past, Record};
use super::plan::lifetime::{Wishes, lifetime, may_be_shortened};
use super::plan::old_key::{OldKey, real_name};
use super::plan::record::{Plan, Retirement};
use super::report::{Decision, Event, Outcome, RotationError, RotationReport, Step, StepReport};
use super::settings::{Subject, Wanted};
use super::site::{here, lock_store, required};
use super::sweep;
use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::types::{ApiKey, ApiKeyPolicy};

fn undecided<T>(decision: Decision, why: impl Into<String>) -> Result<T, RotationError> {
    Err(RotationError::undecided(decision, why))
}

fn unchanged<T>(why: impl Into<String>) -> Result<T, RotationError> {
    Err(RotationError::unchanged(why))
}

/// Plans the rotation and runs it.
pub(crate) async fn run(wanted: Wanted) -> Result<RotationReport, RotationError> {
    let effects = wanted.common.effects();
    effects.report(&Event::Started { step: Step::Plan });
    let began = effects.elapsed();
    let planned = plan(wanted, &effects).await;
    let took = effects.elapsed().saturating_sub(began);
    let opening = match planned {
        Ok(opening) => opening,
        Err(error) => {
            effects.report(&Event::Failed { step: Step::Plan, took, why: error.to_string() });
            return Err(error);
        }
    };
    effects.report(&Event::Done { step: Step::Plan, took });
    let mut engine = Engine::open(opening);
    engine.planned(StepReport { step: Step::Plan, took, failed: None });
    let report = engine.run().await;
    match report.outcome {
        Outcome::Rotated => Ok(report),
        _ => Err(RotationError::ended(report)),
    }
}

async fn plan(wanted: Wanted, effects: &Arc<Effects>) -> Result<Opening, RotationError> {
    let began = effects.elapsed();
    not_stopped(effects)?;
    let common = &wanted.common;
    let (store, path) = required(common)?;
    let retirement = retirement(&wanted)?;
    if !store.readable() {
        if !wanted.store_is_new {
            return undecided(
                Decision::NewStore,
                "the store cannot be read, so nobody can tell whether it holds this key, nor undo a write to it: say that the store is new to accept that",
            );
        }
        effects.note("the store cannot be read: a failure after it was written leaves both keys, and a person has to look");
    }

    let mut journal = Journal::open(path)?;
    let store_lock = lock_store(&*store)?;
    if journal.past.is_open() {
        let path = path.display();
        return undecided(
            Decision::Unfinished,
            format!("the journal {path} holds a rotation that is not finished: resume it first"),
        );
    }
    if journal.past.plan.as_ref().is_some_and(|plan| plan.store != store.describe()) {
        return unchanged(format!(
            "the journal {} belongs to the rotations of another store",
            path.display()
        ));
    }
    effects.effect("check the store", store.check()).await?;

    let held = match store.readable() {
        true => effects.effect("read the store", store.read()).await?,
        false => None,
    };
    let api = Api::new(&common.client, Arc::clone(effects));
    let id = match &wanted.subject {
        Subject::Id(id) => id.clone(),
        Subject::Stored => stored(&api, held.as_ref(), &journal.past).await?,
    };
    let start = Marker::start_for(&id);
    let client_key = common.client.api_key().await?;
    // The caller's own is tried by every call that it makes.
    let other = held.as_ref().filter(|held| **held != client_key);
    let tried = async {
        match other {
            Some(held) => api.lets_in(held).await,
            None => Ok(true),
        }
    };
    let (looked, let_in, marked, organization) =
        join4(api.look(&id), tried, api.beginning(&start), api.organization()).await;
    let (json, let_in, marked, organization) = (looked?, let_in?, marked?, organization?);
    let Sight::Present(json) = json else {
        return unchanged(format!(
            "there is no key {id}: it was deleted, or it is in a project that this client's key does not see"
        ));
    };
    let old = OldKey::read(&json).map_err(RotationError::unchanged)?;
    if old.id != id {
        return unchanged("the server responded with another key than the one asked for");
    }
    no_concurrent(&id, &journal.past, &marked)?;
    let own = is_own(&client_key, &api, &old, held.as_ref()).await?;
    check_held(&wanted, &old, held.as_ref(), let_in)?;
    let policy = match retirement {
        // The server copies it, also what this client does not know.
        Retirement::Grace { .. } => None,
        Retirement::Delete | Retirement::Keep => policy(&old)?,
    };
    let name = real_name(&old).map_err(|why| RotationError::undecided(Decision::Marked, why))?;
    if Marker::new(&id).is_none() {
        return unchanged(format!("the id {id:?} does not fit into a key's name"));
    }

    let wishes = Wishes { lifetime: wanted.lifetime, retirement, own, now: effects.server_now() };
    let siblings = match may_be_shortened(&old, &wishes) {
        true => siblings(&api, &old).await?,
        false => Vec::new(),
    };
    let (ask, longest) = lifetime(&old, &siblings, &wishes)
        .map_err(|(decision, why)| RotationError::undecided(decision, why))?;
    remove_orphans(&api, &id, &journal.past, &marked, began + common.visibility()).await?;
    let until = began + common.visibility();
    let swept = sweep::look(&api, &mut journal, held.as_ref(), until).await?;
    if swept > 0 {
        effects.note(format!("keys of earlier rotations, which nobody held, deleted: {swept}"));
    }

    let plan = Plan {
        rotation: Ulid::from_parts(0, fastrand::u128(..)).to_string(),
        old_id: id,
        name,
        project_id: old.project_id.clone(),
        expires_at: old.expires_at,
        ask,
        longest_ms: longest.map(|time| time.num_milliseconds()),
        retirement,
        place: here(common, &*store, organization),
        store: store.describe(),
        store_is_new: held.is_none(),
        old: held.as_ref().map(Fingerprint::new),
        own,
        allowed: wanted.allowed.clone(),
        policy,
        note: wanted.note.clone(),
    };
    not_stopped(effects)?;
    write(effects, &mut journal, Record::Plan { plan: Box::new(plan.clone()) }).await?;
    Ok(Opening {
        setup: common.setup(Arc::clone(effects), Arc::clone(&store)),
        plan,
        journal,
        store_lock,
        held: store.readable().then_some(Ok(held)),
        api,
        own: own.then_some(client_key),
        foreign: false,
        fresh: true,
        deadline: common.deadline.map(|time| began.saturating_add(time)),
    })
}

async fn write(
    effects: &Effects,
    journal: &mut Journal,
    record: Record,
) -> Result<(), RotationError> {
    effects
        .effect("write the journal", async {
            effects.disk().map_err(|error| RotationError::unchanged(error.to_string()))?;
            journal.append(&record).map_err(RotationError::from)
        })
        .await
}

/// Whoever requests a stop so early finds everything as it was.
fn not_stopped(effects: &Effects) -> Result<(), RotationError> {
    match effects.stopping() {
        true => Err(RotationError::stopped("a stop was requested before anything was touched")),
        false => Ok(()),
    }
}

fn retirement(wanted: &Wanted) -> Result<Retirement, RotationError> {
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

/// The id of the key that the store holds.
async fn stored(api: &Api, held: Option<&Secret>, past: &Past) -> Result<String, RotationError> {
    let Some(held) = held else {
        let why = "the store holds no key: say which one is to be rotated";
        return undecided(Decision::Key, why);
    };
    // The journal of the rotation before knows for certain.
    if let (Some(Ending::Rotated), Some(adopted)) = (past.ended, &past.adopted)
        && adopted.fingerprint.is_of(held)
    {
        return Ok(adopted.id.clone());
    }
    let all = api.all().await?;
    let fits: Vec<&ApiKey> =
        all.iter().filter(|key| fits_mask(held.expose(), &key.masked_key)).collect();
    match fits[..] {
        [key] => Ok(key.id.clone()),
        [] => unchanged("the store holds no key that this client's key can see"),
        _ => {
            let count = fits.len();
            let why = format!(
                "{count} keys look like the one that the store holds: say which one by its id"
            );
            undecided(Decision::Key, why)
        }
    }
}

/// The store must hold the key that is rotated: a wrong path would overwrite another workload's
/// only copy.
fn check_held(
    wanted: &Wanted,
    old: &OldKey,
    held: Option<&Secret>,
    let_in: bool,
) -> Result<(), RotationError> {
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

/// Whether the client's own key is the one that is rotated.
async fn is_own(
    own: &Secret,
    api: &Api,
    old: &OldKey,
    held: Option<&Secret>,
) -> Result<bool, RotationError> {
    if let Some(held) = held {
        return Ok(held == own);
    }
    // Where no plaintext is at hand there is only the masked form, which others may share.
    if !fits_mask(own.expose(), &old.masked) {
        return Ok(false);
    }
    let all = api.all().await?;
    match all.iter().filter(|key| fits_mask(own.expose(), &key.masked_key)).count() {
        0 | 1 => Ok(true),
        _ => unchanged(format!(
            "several keys ({}) look like the one that this client uses, so it may be the one to be \
             rotated: put the key {} into the store first, or use another key",
            old.masked, old.id
        )),
    }
}

/// The policy in the form that creating takes, if nothing is lost by that.
fn policy(old: &OldKey) -> Result<Option<ApiKeyPolicy>, RotationError> {
    let Some(raw) = &old.policy else { return Ok(None) };
    let typed: Option<ApiKeyPolicy> = serde_json::from_value(raw.clone()).ok();
    let same = typed.as_ref().and_then(|policy| serde_json::to_value(policy).ok());
    match typed {
        Some(policy) if same.as_ref() == Some(raw) => Ok(Some(policy)),
        _ => undecided(
            Decision::ServerRotation,
            "the key's policy holds something that this client does not know and would drop: let the server rotate the key (a grace period), or use a newer client",
        ),
    }
}

/// When the other keys of the same name were made: one may be the successor in a grace period.
async fn siblings(api: &Api, old: &OldKey) -> Result<Vec<DateTime<Utc>>, RotationError> {
    let keys = api.named(&old.name).await?;
    Ok(keys.into_iter().filter(|key| key.id != old.id).map(|key| key.created_at).collect())
}

/// No other rotation of this key is under way, on this host or another.
fn no_concurrent(id: &str, past: &Past, marked: &[ApiKey]) -> Result<(), RotationError> {
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

/// What a rotation of this journal has left under a marker is an orphan.
async fn remove_orphans(
    api: &Api,
    id: &str,
    past: &Past,
    marked: &[ApiKey],
    until: Duration,
) -> Result<(), RotationError> {
    let markers = past.all_markers();
    let known = Known {
        old_id: id,
        adopted_id: past.adopted.as_ref().map(|adopted| adopted.id.as_str()),
        in_use: &past.in_use,
        markers: &markers,
        ..Known::default()
    };
    sweep::deleted(orphans::remove_listed(api, marked, &known, until).await)?;
    Ok(())
}
