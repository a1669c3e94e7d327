//! Looks again for keys that may have been made unseen, and deletes them: by marker, and never
//! beside a rotation of the same journal.

use std::sync::Arc;
use std::time::Duration;

use super::api::Api;
use super::effects::Effects;
use super::evidence::delete::{DeleteError, Known};
use super::evidence::orphans;
use super::journal::record::{Past, Record};
use super::journal::{Journal, read};
use super::report::{Resolution, RotationError};
use super::settings::Common;
use super::site::take;
use crate::Secret;

/// Deletes what bears a marker that is to be looked for. What was rejected clearly is done with after
/// one look; for the others the settle time has to pass. What the store may hold stays: the journal
/// may be older than that. Returns how many were deleted.
pub(crate) async fn look(
    api: &Api,
    journal: &mut Journal,
    held: Option<&Secret>,
    until: Duration,
) -> Result<usize, RotationError> {
    let past = journal.past.clone();
    let markers = past.all_markers();
    let prints = [
        past.plan.as_ref().and_then(|plan| plan.old.as_ref()),
        past.adopted.as_ref().map(|adopted| &adopted.fingerprint),
    ];
    let is_known = |held: &Secret| prints.into_iter().flatten().any(|print| print.is_of(held));
    // Masked forms are alike; a key that the journal knows is told by its fingerprint.
    let held = held.filter(|held| !is_known(held));
    let mut deleted = 0;
    for marker in past.unsettled.iter().chain(&past.rejected) {
        let plan = past.plan.as_ref();
        let known = Known {
            old_id: plan.map(|plan| plan.old_id.as_str()).unwrap_or_default(),
            adopted_id: past.adopted.as_ref().map(|adopted| adopted.id.as_str()),
            in_use: &past.in_use,
            markers: &markers,
            held: held.map(std::slice::from_ref).unwrap_or_default(),
            ..Known::default()
        };
        deleted += self::deleted(orphans::remove(api, marker, &known, until).await)?;
    }
    for marker in &past.rejected {
        journal.append(&Record::Settled { marker: marker.to_string() }).await?;
    }
    Ok(deleted)
}

/// A deletion for which there is no proof ends what asked for it.
pub(crate) fn deleted(removed: Result<usize, DeleteError>) -> Result<usize, RotationError> {
    removed.map_err(|error| match error {
        DeleteError::Call(error) => error.into(),
        DeleteError::Unproven(why) => {
            RotationError::unchanged(format!("a key under a marker is not deleted: {why}"))
        }
    })
}

/// The API as a caller who sees something that the journal knows to exist. What others do not see
/// proves nothing. Where the client's key is dead, the one that the store holds may be the only one left
/// of a self-rotation; a key that works and sees neither is a stranger's.
pub(crate) async fn caller(
    common: &Common,
    effects: &Arc<Effects>,
    past: &Past,
    held: Option<&Secret>,
) -> Result<(Api, Secret), RotationError> {
    let api = Api::new(&common.client, Arc::clone(effects));
    let plan = past.plan.as_ref();
    let own = plan.is_some_and(|plan| plan.own);
    let old_id = plan.map(|plan| plan.old_id.as_str());
    let ids: Vec<&str> =
        old_id.into_iter().chain(past.adopted.as_ref().map(|new| new.id.as_str())).collect();
    let client_key = common.client.api_key().await?;
    let held = held.filter(|held| own && **held != client_key);
    let mut problem = "it sees neither of the two keys".to_owned();
    for key in std::iter::once(&client_key).chain(held) {
        let asking = if *key == client_key { api.clone() } else { api.with_key(key)? };
        let mut is_dead = false;
        for id in &ids {
            match asking.look(id).await {
                Ok(sight) if sight.is_seen() => return Ok((asking, key.clone())),
                Ok(_) => {}
                Err(error) if error.is_unauthorized() || error.is_forbidden() => {
                    is_dead = error.is_unauthorized();
                    problem = error.to_string();
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !is_dead {
            break;
        }
    }
    Err(RotationError::unresolved(
        format!(
            "this caller cannot see the rotation of {}: {problem}; nothing was changed",
            old_id.unwrap_or_default()
        ),
        &[Resolution::Caller, Resolution::GiveUp],
    ))
}

/// Waits out the settle time, looks once more, and writes down that nothing is left.
pub(crate) async fn settle(
    common: &Common,
    api: &Api,
    journal: &mut Journal,
    held: Option<&Secret>,
) -> Result<usize, RotationError> {
    let effects = &api.effects;
    if journal.past.unsettled.is_empty() {
        return Ok(0);
    }
    let why = "for requests whose outcome is unknown";
    effects.wait(why, common.visibility()).await.map_err(|stop| {
        RotationError::stopped(format!(
            "{stop} before the settle time had passed: sweep the journal again"
        ))
    })?;
    let deleted = look(api, journal, held, effects.elapsed() + common.visibility()).await?;
    for marker in journal.past.unsettled.clone() {
        journal.append(&Record::Settled { marker: marker.to_string() }).await?;
    }
    Ok(deleted)
}

/// A sweep by itself.
pub(crate) async fn run(common: Common) -> Result<usize, RotationError> {
    let effects = common.effects();
    effects.while_held(Box::pin(sweep(&common, &effects))).await
}

async fn sweep(common: &Common, effects: &Arc<Effects>) -> Result<usize, RotationError> {
    let Some(path) = &common.journal else {
        return Err(RotationError::unchanged("a sweep needs a journal"));
    };
    let past = read(path).await?;
    if !past.is_open() && past.unsettled.is_empty() && past.rejected.is_empty() {
        return Ok(0);
    }
    let mut journal = take(path, effects).await?;
    if journal.past.is_open() {
        return Err(RotationError::unchanged(format!(
            "the journal {path} holds a rotation that is not finished: resume it, which sweeps too"
        )));
    }
    let held = held(common, effects).await?;
    let (api, _) = caller(common, effects, &journal.past, held.as_ref()).await?;
    let until = effects.elapsed() + common.visibility();
    let first = look(&api, &mut journal, held.as_ref(), until).await?;
    Ok(first + settle(common, &api, &mut journal, held.as_ref()).await?)
}

/// What the store holds: it is no orphan, and after a self-rotation it is the key that may ask.
pub(crate) async fn held(
    common: &Common,
    effects: &Effects,
) -> Result<Option<Secret>, RotationError> {
    match &common.store {
        Some(store) if store.readable() => {
            Ok(effects.effect("read the store", store.read()).await?)
        }
        _ => Ok(None),
    }
}
