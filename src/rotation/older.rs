//! A journal that is older than the world, as after a failover of its database that has lost the last
//! records: what the store holds may be the key that this rotation has made, and then its marker says
//! so.

use std::sync::Arc;

use super::api::Api;
use super::effects::Effects;
use super::evidence::fingerprint::Fingerprint;
use super::evidence::held::Which;
use super::evidence::marker::Marker;
use super::journal::Journal;
use super::journal::record::Record;
use super::report::{Resolution, RotationError};
use super::settings::Common;
use super::store::Store;
use crate::Secret;
use crate::helpers::api_keys::fits_mask;

/// Writes down that the store holds the key that this rotation has made, where the journal does not
/// know it and the server does.
pub(crate) async fn catch_up(
    common: &Common,
    api: &Api,
    store: &Arc<dyn Store>,
    journal: &mut Journal,
    held: &Secret,
    adopt: bool,
) -> Result<(), RotationError> {
    let effects = &api.effects;
    let past = &journal.past;
    let Some(plan) = past.plan.as_ref().filter(|_| past.is_open() && past.adopted.is_none()) else {
        return Ok(());
    };
    let old_id = plan.old_id.clone();
    if plan.old.as_ref().is_some_and(|old| old.is_of(held)) {
        return Ok(());
    }
    let Some((marker, id)) = made(api, held, &old_id).await? else { return Ok(()) };
    let mut records = Vec::new();
    if !past.all_markers().contains(&marker) {
        // Nothing but the name says that it is this rotation's, and not one that goes on elsewhere with
        // a journal of its own, maybe in a long overlap: that is a person's to say.
        if !adopt {
            return Err(RotationError::unresolved(
                format!(
                    "the store holds {id}, which was made to replace {old_id}, and this journal knows nothing of that: it is older, or another rotation is under way; nothing was changed"
                ),
                &[Resolution::Adopt, Resolution::GiveUp],
            ));
        }
        if !stays(common, effects, store, held).await?
            || made(api, held, &old_id).await? != Some((marker.clone(), id.clone()))
        {
            return Ok(());
        }
        records.push(Record::Creating { marker: marker.to_string() });
    }
    let fingerprint = Fingerprint::new(held);
    records.push(Record::Created { marker: marker.to_string(), id, fingerprint });
    records.push(Record::Storing { key: Which::New });
    for record in records {
        effects.effect("write the journal", journal.append(&record)).await?;
    }
    effects.note(
        "the journal is older than what the store holds: the key that this rotation has made",
    );
    Ok(())
}

/// Whether the store holds the same for as long as a change may stay unseen.
async fn stays(
    common: &Common,
    effects: &Effects,
    store: &Arc<dyn Store>,
    held: &Secret,
) -> Result<bool, RotationError> {
    let why = "to see whether the rotation is under way elsewhere";
    effects
        .wait(why, common.visibility())
        .await
        .map_err(|stop| RotationError::stopped(format!("{stop} before anything was touched")))?;
    let again = effects.effect("read the store", store.read()).await?;
    Ok(again.as_ref() == Some(held))
}

/// The key that was made as this one's replacement and has this plaintext: what a masked form shows
/// is not enough where the server can be asked whose it is.
async fn made(
    api: &Api,
    held: &Secret,
    old_id: &str,
) -> Result<Option<(Marker, String)>, RotationError> {
    let looks_like = |masked: &str| fits_mask(held.expose(), masked);
    let marked = api.beginning(&Marker::start_for(old_id)).await?;
    if !marked.iter().any(|key| looks_like(&key.masked_key)) {
        return Ok(None);
    }
    let id = match api.with_key(held)?.caller().await?.key_id {
        Some(id) => id,
        None => {
            let all = api.all().await?;
            let mut alike = all.into_iter().filter(|key| looks_like(&key.masked_key));
            match (alike.next(), alike.next()) {
                (Some(key), None) => key.id,
                _ => return Ok(None),
            }
        }
    };
    let key = marked.into_iter().find(|key| key.id == id);
    Ok(key.and_then(|key| Some((Marker::parse(&key.name)?, key.id))))
}
