//! The plan of a rotation that is only looked at: the same checks, none of which ends it.

use std::path::Path;

use super::checks;
use super::survey::Survey;
use crate::rotation::journal;
use crate::rotation::journal::record::Past;
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::{PlannedKey, Rejection, RotationError, RotationPlan};
use crate::rotation::settings::Wanted;
use crate::rotation::site::{lock_store, required};
use crate::rotation::store::{Store, StoreProfile};
use crate::rotation::system::lock::Lock;

/// Looks at everything, and writes nothing.
pub(crate) async fn preview(wanted: Wanted) -> Result<RotationPlan, RotationError> {
    let effects = wanted.common.effects();
    let (store, path) = required(&wanted.common)?;
    let mut rejected = Rejected::default();
    rejected.all([checks::not_stopped(&effects)]);
    let decided = rejected.or_none(checks::retirement(&wanted));
    // Of what is still to be decided, what asks for the least.
    let retirement = decided.unwrap_or(Retirement::Keep);
    rejected.all(checks::of_store(&wanted, &*store, retirement));
    let past = rejected.or_none(journal::read(path).await.map_err(RotationError::from));
    let past = past.unwrap_or_default();
    rejected.all(checks::of_journal(path, &past, &*store));
    // Held meanwhile: what checks a store must not come between the steps of a rotation.
    let lock = rejected.or_none(lock(&*store));
    if lock.is_some() {
        rejected.or_none(store.check().await.map_err(RotationError::from));
    }
    let survey = rejected.or_none(Survey::make(&wanted, &*store, &past, &effects).await);
    let mut lifetime = None;
    if let Some(survey) = &survey {
        rejected.all(survey.checks(&wanted, &past, retirement));
        let asked = rejected.or_none(survey.ask(&wanted, retirement).await);
        lifetime = asked.map(|(ask, _)| ask.to_string());
    }
    drop(lock);
    Ok(RotationPlan {
        key: survey.as_ref().map(planned_key),
        lifetime,
        store: StoreProfile::of(&*store),
        store_holds_key: survey
            .as_ref()
            .filter(|_| store.readable())
            .map(|survey| survey.held.is_some()),
        deploy: wanted.common.deploy.is_some(),
        verify: wanted.common.verify.is_some(),
        overlap: checks::overlap(&wanted, &*store, retirement),
        retirement: decided.map(|retirement| retirement.to_string()),
        leftovers: leftovers(&past, survey.as_ref()),
        notes: checks::notes(&wanted, &*store, retirement),
        rejected: rejected.0,
    })
}

/// The lock of the store; in a folder that does not exist nobody can hold one.
fn lock(store: &dyn Store) -> Result<Option<Lock>, RotationError> {
    let path = store.lock_path();
    match path.as_deref().and_then(Path::parent) {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => Ok(None),
        _ => lock_store(store),
    }
}

fn planned_key(survey: &Survey) -> PlannedKey {
    PlannedKey {
        id: survey.old.id.clone(),
        name: survey.old.name.clone(),
        project_id: survey.old.project_id.clone(),
        expires_at: survey.old.expires_at,
        own: survey.own,
    }
}

/// The markers of earlier rotations that would be looked for.
fn leftovers(past: &Past, survey: Option<&Survey>) -> Vec<String> {
    let markers = past.all_markers();
    let seen = survey.iter().flat_map(|survey| {
        let others = survey
            .marked
            .iter()
            .filter(|key| key.id != survey.old.id && !past.in_use.contains(&key.id));
        others.filter(|key| markers.iter().any(|marker| marker.is(&key.name)))
    });
    let mut names: Vec<_> = past
        .unsettled
        .iter()
        .chain(&past.rejected)
        .map(ToString::to_string)
        .chain(seen.map(|key| key.name.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The reasons so far.
#[derive(Default)]
struct Rejected(Vec<Rejection>);

impl Rejected {
    fn all(&mut self, checks: impl IntoIterator<Item = Result<(), RotationError>>) {
        for check in checks {
            self.or_none(check);
        }
    }

    fn or_none<T>(&mut self, check: Result<T, RotationError>) -> Option<T> {
        check.map_err(|error| self.0.push(Rejection::from(&error))).ok()
    }
}
