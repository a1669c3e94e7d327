//! The beginning of a rotation: everything that can be known is looked at, and what cannot work or
//! is not safe is refused before anything is touched.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use ulid::Ulid;

use super::api::Api;
use super::builder::{Common, Rotation, Subject};
use super::decide::Facts;
use super::engine::Engine;
use super::error::RotationError;
use super::fingerprint::Fingerprint;
use super::guard::Holds;
use super::journal::{Ending, Journal, Past, Record};
use super::lock::Lock;
use super::marker::Marker;
use super::plan::{self, OldKey, Plan, Retirement, Wishes};
use super::port::Port;
use super::report::{Event, Outcome, RotationReport, Step, StepReport};
use super::store::Store;
use crate::api_keys::fits_mask;
use crate::types::{ApiKey, ApiKeyPolicy};
use crate::{Client, Secret};

/// Attempts at a call that can be repeated.
pub(crate) const ATTEMPTS: u32 = 3;

type Refused = RotationError;

fn refuse<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(RotationError::refused(why))
}

/// Plans the rotation and runs it.
pub(crate) async fn run(rotation: Rotation) -> Result<RotationReport, RotationError> {
    let port = rotation.common.port();
    port.tell(&Event::Started { step: Step::Plan });
    let began = port.clock.elapsed();
    let planned = plan(rotation, &port, began).await;
    let took = port.clock.elapsed().saturating_sub(began);
    let mut engine = match planned {
        Ok(engine) => engine,
        Err(error) => {
            port.tell(&Event::Failed { step: Step::Plan, took, why: error.to_string() });
            return Err(error);
        }
    };
    port.tell(&Event::Done { step: Step::Plan, took });
    engine.steps.push(StepReport { step: Step::Plan, took, failed: None });
    let report = engine.run().await;
    match report.outcome {
        Outcome::Rotated => Ok(report),
        _ => Err(RotationError::ended(report)),
    }
}

async fn plan(rotation: Rotation, port: &Arc<Port>, began: Duration) -> Result<Engine, Refused> {
    not_stopped(port)?;
    let common = &rotation.common;
    let (store, path) = settings(common)?;
    let retirement = retirement(&rotation)?;
    if !store.readable() {
        if !rotation.store_is_new {
            return refuse(
                "the store cannot be read, so nobody can tell whether it holds this key, nor undo a write to it: say that the store is new to accept that",
            );
        }
        port.note("the store cannot be read: a failure after it was written leaves both keys, and a person has to look");
    }

    let mut journal = Journal::open(path)?;
    let store_lock = lock_store(&*store)?;
    if journal.past.is_open() {
        return refuse(format!(
            "the journal {} holds a rotation that is not finished: resume it first",
            path.display()
        ));
    }
    if journal.past.plan.as_ref().is_some_and(|plan| plan.store != store.describe()) {
        return refuse(format!(
            "the journal {} belongs to the rotations of another store",
            path.display()
        ));
    }
    port.effect("check the store", store.check()).await?;

    let held = match store.readable() {
        true => port.effect("read the store", store.read()).await?,
        false => None,
    };
    let api = Api::new(&common.client, Arc::clone(port), ATTEMPTS);
    let id = match &rotation.subject {
        Subject::Id(id) => id.clone(),
        Subject::Stored => stored(&api, held.as_ref(), &journal.past).await?,
    };
    let Some(json) = api.get(&id).await? else {
        return refuse(format!(
            "there is no key {id}: it was deleted, or it is in a project that this client's key does not see"
        ));
    };
    let old = OldKey::read(&json).map_err(RotationError::refused)?;
    if old.id != id {
        return refuse("the server answered with another key than the one asked for");
    }
    let own = is_own(&common.client, &api, &old, held.as_ref()).await?;
    check_held(&rotation, &api, &old, held.as_ref(), own).await?;
    let policy = match retirement {
        // The server copies it, also what this client does not know.
        Retirement::Grace { .. } => None,
        Retirement::Delete | Retirement::Keep => policy(&old)?,
    };
    let name = plan::real_name(&old).map_err(RotationError::refused)?;
    if Marker::new(&id).is_none() {
        return refuse(format!("the id {id:?} does not fit into a key's name"));
    }

    let wishes = Wishes { lifetime: rotation.lifetime, retirement, own, now: common.clock.now() };
    let siblings = match plan::may_be_shortened(&old, &wishes) {
        true => siblings(&api, &old).await?,
        false => Vec::new(),
    };
    let (ask, longest) =
        plan::lifetime(&old, &siblings, &wishes).map_err(RotationError::refused)?;
    no_rival(&api, &id, &journal.past).await?;
    sweep_earlier(&api, &mut journal, &id, port).await?;

    let plan = Plan {
        rotation: Ulid::from_parts(0, fastrand::u128(..)).to_string(),
        old_id: id,
        name: name.clone(),
        project_id: old.project_id.clone(),
        expires_at: old.expires_at,
        ask,
        longest_ms: longest.map(|time| time.num_milliseconds()),
        retirement,
        store: store.describe(),
        store_is_new: held.is_none(),
        old: held.as_ref().map(Fingerprint::new),
        own,
        allowed: rotation.allowed.clone(),
        note: rotation.note.clone(),
    };
    not_stopped(port)?;
    let record = Record::Plan { plan: Box::new(plan.clone()) };
    port.effect("write the journal", async {
        port.disk().map_err(|error| RotationError::refused(error.to_string()))?;
        journal.append(&record).map_err(RotationError::from)
    })
    .await?;

    let facts = Facts {
        holds: match (store.readable(), &held) {
            (false, _) => Holds::Unknown,
            (true, Some(_)) => Holds::Old,
            (true, None) => Holds::Nothing,
        },
        has_deploy: common.deploy.is_some(),
        ..Facts::default()
    };
    Ok(Engine {
        setup: common.setup(Arc::clone(port), store, policy),
        plan,
        journal,
        facts,
        adopted: None,
        old_secret: match (&held, own) {
            (None, true) => Some(common.client.api_key().await?),
            _ => held,
        },
        new_secret: None,
        held: None,
        api,
        name,
        last_unknown: began,
        last_write: began,
        deadline: common.deadline.map(|time| began.saturating_add(time)),
        revoked: false,
        old_is_dead: false,
        stopped: false,
        rename_failed: false,
        restores: 0,
        steps: Vec::new(),
        why: None,
        todo: Vec::new(),
        _store_lock: store_lock,
    })
}

/// Whoever asks so early finds everything as it was.
fn not_stopped(port: &Port) -> Result<(), Refused> {
    match port.stopping() {
        true => Err(RotationError::stopped("it was asked to stop before anything was touched")),
        false => Ok(()),
    }
}

/// What cannot be left out.
pub(crate) fn settings(common: &Common) -> Result<(Arc<dyn Store>, &std::path::Path), Refused> {
    let Some(store) = &common.store else {
        return refuse("a rotation needs a store: the place where the workload reads its key");
    };
    let Some(journal) = &common.journal else {
        return refuse("a rotation needs a journal: a file that survives a crash");
    };
    Ok((Arc::clone(store), journal))
}

fn retirement(rotation: &Rotation) -> Result<Retirement, Refused> {
    let hooks = rotation.common.deploy.is_some() || rotation.common.verify.is_some();
    match rotation.retirement {
        Some(Retirement::Grace { days }) if !(1..=3650).contains(&days) => refuse(format!(
            "a grace period is 1 to 3650 days, not {days}: with none, a lost answer would lock the workload out"
        )),
        Some(retirement) => Ok(retirement),
        None if hooks => Ok(Retirement::Delete),
        None => refuse(
            "say what becomes of the old key: without a deploy or verify hook nobody knows when the workload has stopped using it",
        ),
    }
}

/// One rotation of a store at a time.
pub(crate) fn lock_store(store: &dyn Store) -> Result<Option<Lock>, Refused> {
    let Some(path) = store.lock_path() else { return Ok(None) };
    match Lock::try_take(&path) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => refuse(format!("{} is being rotated already", store.describe())),
        Err(error) => refuse(format!("{} cannot be locked: {error}", path.display())),
    }
}

/// The id of the key that the store holds.
async fn stored(api: &Api, held: Option<&Secret>, past: &Past) -> Result<String, Refused> {
    let Some(held) = held else {
        return refuse("the store holds no key: say which one is to be rotated");
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
        [] => refuse("the store holds no key that this client's key can see"),
        _ => refuse(format!(
            "{} keys look like the one that the store holds: say which one by its id",
            fits.len()
        )),
    }
}

/// The store must hold the key that is rotated: a wrong path would overwrite another workload's
/// only copy.
async fn check_held(
    rotation: &Rotation,
    api: &Api,
    old: &OldKey,
    held: Option<&Secret>,
    own: bool,
) -> Result<(), Refused> {
    match held {
        None if rotation.store_is_new => Ok(()),
        None => refuse(
            "the store holds no key: say that it is new if the rotated key is to be put there for the first time",
        ),
        Some(_) if rotation.store_is_new => {
            refuse("the store was said to be new, and it holds something")
        }
        Some(held) if !fits_mask(held.expose(), &old.masked) => refuse(format!(
            "the store does not hold the key {} ({}): what it holds looks different",
            old.id, old.masked
        )),
        // The caller's own has just been let in.
        Some(held) if !own && !api.lets_in(held).await? => refuse(format!(
            "what the store holds is refused by the server (401), so it is not the key {}",
            old.id
        )),
        Some(_) => Ok(()),
    }
}

/// Whether the client's own key is the one that is rotated.
async fn is_own(
    client: &Client,
    api: &Api,
    old: &OldKey,
    held: Option<&Secret>,
) -> Result<bool, Refused> {
    let own = client.api_key().await?;
    if let Some(held) = held {
        return Ok(*held == own);
    }
    // Where no plaintext is at hand there is only the masked form, which others may share.
    if !fits_mask(own.expose(), &old.masked) {
        return Ok(false);
    }
    let all = api.all().await?;
    match all.iter().filter(|key| fits_mask(own.expose(), &key.masked_key)).count() {
        0 | 1 => Ok(true),
        _ => refuse(format!(
            "it cannot be told whether the client's own key is the one that is rotated, since several keys look like it ({}): put the key {} into the store first, or ask with another key",
            old.masked, old.id
        )),
    }
}

/// The policy in the form that creating takes, if nothing is lost by that.
fn policy(old: &OldKey) -> Result<Option<ApiKeyPolicy>, Refused> {
    let Some(raw) = &old.policy else { return Ok(None) };
    let typed: Option<ApiKeyPolicy> = serde_json::from_value(raw.clone()).ok();
    let same = typed.as_ref().and_then(|policy| serde_json::to_value(policy).ok());
    match typed {
        Some(policy) if same.as_ref() == Some(raw) => Ok(Some(policy)),
        _ => refuse(
            "the key's policy holds something that this client does not know and would drop: let the server rotate the key (a grace period), or use a newer client",
        ),
    }
}

/// When the other keys of the same name were made: one may be the successor in a grace period.
async fn siblings(api: &Api, old: &OldKey) -> Result<Vec<DateTime<Utc>>, Refused> {
    let keys = api.named(&old.name).await?;
    Ok(keys.into_iter().filter(|key| key.id != old.id).map(|key| key.created_at).collect())
}

/// No other rotation of this key is under way, on this host or another.
async fn no_rival(api: &Api, id: &str, past: &Past) -> Result<(), Refused> {
    let found = api.beginning(&Marker::start_for(id)).await?;
    match found.iter().find(|key| !past.unsettled.iter().any(|marker| marker.is(&key.name))) {
        None => Ok(()),
        Some(key) => refuse(format!(
            "another rotation of this key is under way, or was left behind: it made the key {} ({})",
            key.id, key.name
        )),
    }
}

/// Looks again for what earlier rotations of this journal may have left.
async fn sweep_earlier(
    api: &Api,
    journal: &mut Journal,
    id: &str,
    port: &Port,
) -> Result<(), Refused> {
    let swept = super::sweep::look(api, journal, Some(id)).await?;
    if swept > 0 {
        port.note(format!("{swept} keys of earlier rotations, which nobody held, were deleted"));
    }
    Ok(())
}

/// The note that was given to the last rotation.
pub(crate) fn note_of(past: &Past) -> Value {
    past.plan.as_ref().map(|plan| plan.note.clone()).unwrap_or_default()
}
