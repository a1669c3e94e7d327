//! A rotation whose journal is lost: the markers on the server and what the store holds say how far
//! it had come, and a journal is written from that.

use std::sync::Arc;

use ulid::Ulid;

use super::api::{Api, Sight};
use super::effects::Effects;
use super::evidence::fingerprint::Fingerprint;
use super::evidence::held::Which;
use super::evidence::marker::Marker;
use super::journal::Journal;
use super::journal::record::Record;
use super::plan::old_key::OldKey;
use super::plan::record::{Ask, Plan, Retirement};
use super::report::RotationError;
use super::settings::Resumption;
use super::site::here;
use super::store::Store;
use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::types::ApiKey;

/// What the server and the store show of a rotation without a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Traces {
    old_id: String,
    /// The markers under which keys were made for it.
    markers: Vec<Marker>,
    /// The key that the store holds, if it is one of those.
    new_id: Option<String>,
}

/// Writes a journal for what is under way; `false` when nothing is.
///
/// A rotation that goes on elsewhere shows the same. So it is looked at twice, and what changes in
/// between is left alone.
pub(crate) async fn find(
    given: &Resumption,
    effects: &Arc<Effects>,
    store: &Arc<dyn Store>,
    journal: &mut Journal,
) -> Result<bool, RotationError> {
    let unchanged = |why: &str| Err(RotationError::unchanged(why.to_owned()));
    if !store.readable() {
        return unchanged("the store cannot be read, so nobody can tell whose rotation this is");
    }
    let common = &given.common;
    let api = Api::new(&common.client, Arc::clone(effects));
    let read = || effects.effect("read the store", store.read());
    let Some(held) = read().await? else {
        return unchanged("the store holds no key, so nobody can tell whose rotation this is");
    };
    let Some(traces) = traces(&api, &held).await? else { return Ok(false) };
    let why = "to see whether the rotation is under way elsewhere";
    effects
        .wait(why, common.visibility())
        .await
        .map_err(|stop| RotationError::stopped(format!("{stop} before anything was touched")))?;
    let same = read().await?.as_ref() == Some(&held);
    if !same || self::traces(&api, &held).await?.as_ref() != Some(&traces) {
        return unchanged("the rotation is under way elsewhere: it has just gone on");
    }
    if !api.lets_in(&held).await? {
        return unchanged("what the store holds is rejected by the server (401)");
    }
    let organization = api.caller().await?.organization;
    let plan = plan(given, &api, &traces, &held, here(common, &**store, organization)).await?;
    let records = records(&plan, &traces, &held);
    for record in records {
        effects.effect("write the journal", journal.append(&record)).await?;
    }
    Ok(true)
}

/// Which rotation the store's key belongs to.
async fn traces(api: &Api, held: &Secret) -> Result<Option<Traces>, RotationError> {
    let all = api.all().await?;
    let is_held = |key: &&ApiKey| fits_mask(held.expose(), &key.masked_key);
    let fits: Vec<&ApiKey> = all.iter().filter(is_held).collect();
    let [key] = fits[..] else {
        return match fits.is_empty() {
            true => Err(RotationError::unchanged(
                "the store holds no key that this client's key can see",
            )),
            false => Err(RotationError::unchanged(
                "several keys look like the one that the store holds, so nobody can tell whose rotation this is",
            )),
        };
    };
    let marked = |old_id: &str| -> Vec<Marker> {
        let start = Marker::start_for(old_id);
        let ours = all.iter().filter(|key| key.name.starts_with(&start));
        ours.filter_map(|key| Marker::parse(&key.name)).collect()
    };
    Ok(match Marker::parse(&key.name) {
        Some(marker) if marker.of() != key.id => {
            let (old_id, mut markers) = (marker.of().to_owned(), marked(marker.of()));
            // The one in use was the last to be made.
            markers.retain(|other| *other != marker);
            markers.push(marker);
            Some(Traces { old_id, markers, new_id: Some(key.id.clone()) })
        }
        _ => {
            let markers = marked(&key.id);
            let old_id = key.id.clone();
            (!markers.is_empty()).then_some(Traces { old_id, markers, new_id: None })
        }
    })
}

/// The plan, as far as the server can tell it. What was wanted is not known: the old key is deleted
/// only where a person says so, or a hook sees to the workload.
async fn plan(
    given: &Resumption,
    api: &Api,
    traces: &Traces,
    held: &Secret,
    place: super::plan::place::Place,
) -> Result<Plan, RotationError> {
    let common = &given.common;
    let json = match api.look(&traces.old_id).await? {
        Sight::Present(json) | Sight::Deleted(json) => json,
        Sight::Absent => {
            return Err(RotationError::unchanged(format!(
                "this caller does not see the old key {}",
                traces.old_id
            )));
        }
    };
    let mut json = json;
    json.remove("deleted_at");
    let old = OldKey::read(&json).map_err(RotationError::unchanged)?;
    if Marker::parse(&old.name).is_some() {
        return Err(RotationError::unchanged(format!(
            "the key {} bears a marker, and its name is in the journal that is lost: give it a name first",
            old.id
        )));
    }
    let hooks = common.deploy.is_some() || common.verify.is_some();
    let undeployed = common.deploy.is_none()
        && !given.deployed
        && common.store.as_ref().is_some_and(|store| store.takes_effect().needs_deployment());
    let client_key = common.client.api_key().await?;
    let own = fits_mask(client_key.expose(), &old.masked);
    let old_secret = match traces.new_id {
        None => Some(held),
        Some(_) => own.then_some(&client_key),
    };
    let ask = match &traces.new_id {
        None => Ask::AsServerKnows,
        Some(id) => {
            let new = api.look(id).await?.present();
            let new = new.ok_or_else(|| RotationError::unchanged("the new key is not there"))?;
            let new = OldKey::read(&new).map_err(RotationError::unchanged)?;
            new.expires_at.map_or(Ask::Never, Ask::Until)
        }
    };
    Ok(Plan {
        rotation: Ulid::from_parts(0, fastrand::u128(..)).to_string(),
        old_id: old.id,
        name: old.name,
        project_id: old.project_id,
        expires_at: old.expires_at,
        end_before: None,
        ask,
        longest_ms: None,
        retirement: match given.retirement {
            Some(retirement) => retirement,
            // No verification shows what only a deployment brings.
            None if hooks && !undeployed => Retirement::Delete,
            None => Retirement::Keep,
        },
        place,
        store: common.store.as_ref().map(|store| store.describe()).unwrap_or_default(),
        store_is_new: false,
        old: old_secret.map(Fingerprint::new),
        own,
        allowed: Vec::new(),
        policy: None,
        note: given.note.clone().unwrap_or_default(),
    })
}

/// The journal as the lost one must have been.
fn records(plan: &Plan, traces: &Traces, held: &Secret) -> Vec<Record> {
    let mut records = vec![Record::Plan { plan: Box::new(plan.clone()) }];
    let marker = |marker: &Marker| marker.to_string();
    records.extend(traces.markers.iter().map(|one| Record::Creating { marker: marker(one) }));
    if let (Some(id), Some(last)) = (&traces.new_id, traces.markers.last()) {
        let fingerprint = Fingerprint::new(held);
        records.push(Record::Created { marker: marker(last), id: id.clone(), fingerprint });
        records.push(Record::Storing { key: Which::New });
    }
    records
}
