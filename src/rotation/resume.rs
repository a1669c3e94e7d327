//! After a crash, or when a person has chosen a way out: what the journal, the store and the server
//! say is put together, and the same engine goes on from there.

use std::sync::Arc;

use super::effects::Effects;
use super::engine::{Engine, Opening};
use super::evidence::fingerprint::Fingerprint;
use super::journal::record::{Ending, Past, Record};
use super::journal::{Journal, read};
use super::lost;
use super::older;
use super::plan::place::Place;
use super::plan::record::Plan;
use super::report::{Disposition, Outcome, Resolution, RotationError, RotationReport, StoreHolds};
use super::settings::Resumption;
use super::site::{here, lock_store, required, take};
use super::sweep;
use crate::Secret;

/// Finishes or undoes what was under way.
pub(crate) async fn run(given: Resumption) -> Result<Option<RotationReport>, RotationError> {
    let effects = given.common.effects();
    effects.while_held(Box::pin(go_on(given, &effects))).await
}

async fn go_on(
    given: Resumption,
    effects: &Arc<Effects>,
) -> Result<Option<RotationReport>, RotationError> {
    let common = &given.common;
    let mut lost = false;
    if let Some(path) = &common.journal {
        let past = read(path).await?;
        let over = !past.is_open() && past.unsettled.is_empty();
        let store = common.store.as_ref().filter(|_| given.adopt && over);
        lost = match &past.plan {
            None => store.is_some(),
            // The store may hold more than a journal knows that was given up, or restored.
            Some(_) => store.is_some_and(|store| store.readable() && !given.give_up),
        };
        // With nothing to do neither store nor key is needed.
        if !lost && over {
            return Ok(None);
        }
        if given.give_up && !lost {
            return give_up(take(path, effects).await?).await;
        }
    }
    let (store, path) = required(common)?;
    let mut journal = take(path, effects).await?;
    let store_lock = lock_store(&*store)?;
    // Whoever takes the lock removes what a killed process has left beside the store.
    if let Err(error) = store.check().await {
        effects.note(error.to_string());
    }
    if lost && !lost::find(&given, effects, &store, &mut journal).await? {
        return Ok(None);
    }
    let Some(plan) = journal.past.plan.clone() else { return Ok(None) };
    if !journal.past.is_open() {
        // Only names to look for are left.
        let held = sweep::held(common, effects).await?;
        let (api, _) = sweep::caller(common, effects, &journal.past, held.as_ref()).await?;
        sweep::settle(common, &api, &mut journal, held.as_ref()).await?;
        return Ok(None);
    }

    let held = match store.readable() {
        true => Some(effects.effect("read the store", store.read()).await),
        false => None,
    };
    let shown = held.as_ref().and_then(|held| held.as_ref().ok()).and_then(Option::as_ref);
    let (api, asking) = sweep::caller(common, effects, &journal.past, shown).await?;
    let organization = api.caller().await?.organization;
    let place = here(common, &*store, organization);
    find_place(&given, &plan, &journal.past, &place, shown)?;
    if let Some(held) = shown {
        older::catch_up(common, &api, &store, &mut journal, held, given.adopt).await?;
    }
    let foreign = match shown {
        Some(held) if shows(&plan, &journal.past, shown, false).is_none() => {
            api.lets_in(held).await?
        }
        _ => false,
    };
    if let (Some(said), Some(Ok(held))) = (given.store_holds, &held) {
        let held = held.as_ref();
        believable(said, held, shows(&plan, &journal.past, held, foreign))?;
    }
    let is_old = |key: &Secret| plan.old.as_ref().is_some_and(|old| old.is_of(key));
    let own = (plan.own && is_old(&asking)).then_some(asking);
    resolve(&given, effects, &mut journal, place).await?;
    let opening = Opening {
        setup: common.setup(Arc::clone(effects), store),
        plan: journal.past.plan.clone().unwrap_or(plan),
        journal,
        store_lock,
        held,
        api,
        own,
        foreign,
        fresh: false,
        deadline: common.deadline.map(|time| effects.elapsed().saturating_add(time)),
    };
    let report = Engine::open(opening).run().await;
    match report.outcome {
        Outcome::Rotated | Outcome::AsBefore => Ok(Some(report)),
        _ => Err(RotationError::ended(report)),
    }
}

/// What a person would say who has read the same; `None` where it takes one to tell.
fn shows(plan: &Plan, past: &Past, held: Option<&Secret>, foreign: bool) -> Option<StoreHolds> {
    let is = |print: Option<&Fingerprint>| {
        print.zip(held).is_some_and(|(print, held)| print.is_of(held))
    };
    let new = past.adopted.as_ref().map(|adopted| &adopted.fingerprint);
    match held {
        None if plan.store_is_new => Some(StoreHolds::Old),
        _ if is(plan.old.as_ref()) => Some(StoreHolds::Old),
        _ if is(new) => Some(StoreHolds::New),
        _ if foreign => Some(StoreHolds::Other),
        _ => None,
    }
}

/// A word against what the store shows would never count, so it is not even written down: nobody
/// shall think later that it did.
fn believable(
    said: StoreHolds,
    held: Option<&Secret>,
    shows: Option<StoreHolds>,
) -> Result<(), RotationError> {
    let look = "resume without that word, or look again";
    let mend = "put a key that works there, and resume without that word";
    let other = Resolution::StoreHolds(StoreHolds::Other);
    let (what, advice, way) = match (shows, held) {
        (Some(shows), _) if shows == said => return Ok(()),
        // It may be a key of somewhere else.
        (None, Some(_)) if said == StoreHolds::Other => return Ok(()),
        (Some(StoreHolds::Old), _) => ("what it held before", look, Resolution::Retry),
        (Some(StoreHolds::New), _) => ("the new key", look, Resolution::Retry),
        (Some(StoreHolds::Other), _) => ("another key, which works", look, other),
        (None, Some(_)) => ("neither the old nor the new key", mend, other),
        (None, None) => ("nothing", mend, Resolution::Retry),
    };
    Err(RotationError::unresolved(
        format!(
            "the store shows {what}, and \"{said}\" was said of it; {advice}; nothing was changed"
        ),
        &[way, Resolution::GiveUp],
    ))
}

/// The rotation goes on where it was begun. From another host, or where its store has moved to, it
/// is adopted if the store that a person names holds one of its keys.
fn find_place(
    given: &Resumption,
    plan: &Plan,
    past: &Past,
    place: &Place,
    shown: Option<&Secret>,
) -> Result<(), RotationError> {
    let there = match plan.place.store.is_empty() {
        // The journal is of an older version.
        true => Place { store: plan.store.clone(), ..plan.place.clone() },
        false => plan.place.clone(),
    };
    let here = match plan.place.store.is_empty() {
        true => Place {
            store: given.common.store.as_ref().map(|s| s.describe()).unwrap_or_default(),
            ..place.clone()
        },
        false => place.clone(),
    };
    let Err(elsewhere) = there.is_here(&here) else { return Ok(()) };
    let fits = shown.is_some() && shows(plan, past, shown, false).is_some();
    if given.adopt && elsewhere.by_store && fits {
        return Ok(());
    }
    let more = match given.adopt && elsewhere.by_store {
        true => ", and the store holds neither of its keys",
        false => "",
    };
    Err(RotationError::unresolved(
        format!(
            "the rotation of {} cannot go on from here: {}{more}; nothing was changed",
            plan.old_id, elsewhere.why
        ),
        &[elsewhere.resolution, Resolution::GiveUp],
    ))
}

/// Writes down what a person has said, before it counts.
async fn resolve(
    given: &Resumption,
    effects: &Effects,
    journal: &mut Journal,
    place: Place,
) -> Result<(), RotationError> {
    let plan = journal.past.plan.as_ref();
    let mut records = Vec::new();
    if given.adopt && plan.is_some_and(|plan| plan.place != place) {
        records.push(Record::Adopted { place: Box::new(place) });
    }
    if let Some(note) = given.note.as_ref().filter(|note| plan.is_some_and(|p| p.note != **note)) {
        records.push(Record::Noted { note: note.clone() });
    }
    if given.deployed {
        records.push(Record::Resolved { resolution: Resolution::Deployed });
    }
    if let Some(holds) = given.store_holds {
        records.push(Record::Resolved { resolution: Resolution::StoreHolds(holds) });
    }
    for record in records {
        effects.effect("write the journal", journal.append(&record)).await?;
    }
    Ok(())
}

/// Ends it where it is: nobody is asked, nothing is changed, and what stays is listed.
async fn give_up(mut journal: Journal) -> Result<Option<RotationReport>, RotationError> {
    let Some(plan) = journal.past.plan.clone() else { return Ok(None) };
    let past = journal.past.clone();
    let mut todo = Vec::new();
    if past.is_open() {
        // The journal may be older than the store and the server, and neither is asked.
        let (old, store) = (&plan.old_id, &plan.store);
        todo.push(format!("the old key {old} stays, unless it was deleted already"));
        if let Some(new) = past.adopted.as_ref().filter(|_| !past.removed) {
            todo.push(format!(
                "the new key {} stays: look which key {store} holds, and delete whichever nothing uses",
                new.id
            ));
        }
    }
    for marker in &past.unsettled {
        todo.push(format!("a key named {marker} may appear: delete it, unless the store holds it"));
    }
    if past.is_open() {
        journal.append(&Record::Resolved { resolution: Resolution::GiveUp }).await?;
        journal.append(&Record::Ended { outcome: Ending::GivenUp }).await?;
    } else {
        for marker in &past.unsettled {
            journal.append(&Record::Settled { marker: marker.to_string() }).await?;
        }
    }
    Ok(Some(RotationReport {
        outcome: Outcome::GivenUp,
        name: plan.name,
        store: plan.store,
        old_id: plan.old_id,
        old: Disposition::Unknown,
        old_ends: None,
        new: match past.adopted {
            _ if past.removed => Disposition::Deleted,
            Some(_) => Disposition::Unknown,
            None => Disposition::NeverMade,
        },
        new_id: past.adopted.map(|adopted| adopted.id),
        steps: Vec::new(),
        unsettled: Vec::new(),
        todo,
        resolutions: Vec::new(),
        why: None,
        decision: None,
    }))
}
