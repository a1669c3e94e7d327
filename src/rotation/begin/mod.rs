//! The beginning of a rotation: everything that can be known is looked at, what cannot work or is
//! not safe is rejected before anything is touched, and the journal gets its first line. From there
//! on it is like one that is resumed.

mod checks;
mod looks;
mod preview;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use ulid::Ulid;

use self::survey::Survey;
use super::api::Api;
use super::effects::Effects;
use super::engine::{Engine, Opening};
use super::evidence::delete::Known;
use super::evidence::fingerprint::Fingerprint;
use super::evidence::orphans;
use super::journal::Journal;
use super::journal::record::{Past, Record};
use super::plan::record::Plan;
use super::report::{Event, Outcome, RotationError, RotationReport, Step, StepReport};
use super::settings::Wanted;
use super::site::{here, lock_store, required, take};
use super::sweep;
use crate::types::ApiKey;

pub(crate) use self::preview::preview;

/// Plans the rotation and runs it.
pub(crate) async fn run(wanted: Wanted) -> Result<RotationReport, RotationError> {
    let effects = wanted.common.effects();
    effects.while_held(Box::pin(begin(wanted, &effects))).await
}

async fn begin(wanted: Wanted, effects: &Arc<Effects>) -> Result<RotationReport, RotationError> {
    effects.report(&Event::Started { step: Step::Plan });
    let began = effects.elapsed();
    let planned = plan(wanted, effects).await;
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
    checks::not_stopped(effects)?;
    let common = &wanted.common;
    let (store, path) = required(common)?;
    let retirement = checks::retirement(&wanted)?;
    checks::of_store(&wanted, &*store, retirement).into_iter().collect::<Result<(), _>>()?;
    checks::notes(&wanted, &*store, retirement).into_iter().for_each(|note| effects.note(note));

    let mut journal = take(path, effects).await?;
    let store_lock = lock_store(&*store)?;
    checks::of_journal(path, &journal.past, &*store).into_iter().collect::<Result<(), _>>()?;
    effects.effect("check the store", store.check()).await?;

    let survey = Survey::make(&wanted, &*store, &journal.past, effects).await?;
    survey.checks(&wanted, &journal.past, retirement).into_iter().collect::<Result<(), _>>()?;
    let (ask, longest) = survey.ask(&wanted, retirement).await?;
    let policy = survey.policy(retirement)?;
    let name = survey.real_name()?;
    let Survey { api, old, end_before, held, own, client_key, marked, organization, .. } = survey;

    let until = began + common.visibility();
    remove_orphans(&api, &old.id, &journal.past, &marked, until).await?;
    let swept = sweep::look(&api, &mut journal, held.as_ref(), until).await?;
    if swept > 0 {
        effects.note(format!("keys of earlier rotations, which nobody held, deleted: {swept}"));
    }

    let plan = Plan {
        rotation: Ulid::from_parts(0, fastrand::u128(..)).to_string(),
        name,
        project_id: old.project_id.clone(),
        expires_at: old.expires_at,
        end_before,
        old_id: old.id,
        ask,
        longest_ms: longest.map(|time| time.num_milliseconds()),
        retirement,
        place: here(common, &*store, organization),
        store: store.describe(),
        store_is_new: held.is_none(),
        // A key that replaces itself is known, whether or not the store shows it.
        old: held.as_ref().or(own.then_some(&client_key)).map(Fingerprint::new),
        own,
        allowed: wanted.allowed.clone(),
        policy,
        note: wanted.note.clone(),
    };
    checks::not_stopped(effects)?;
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
            journal.append(&record).await.map_err(RotationError::from)
        })
        .await
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
