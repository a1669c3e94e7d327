//! Looks again for keys that may have been made unseen, and deletes them: by marker, and never
//! beside a rotation of the same journal.

use std::sync::Arc;

use super::api::Api;
use super::builder::Common;
use super::error::RotationError;
use super::guard::{Doomed, Known, may_delete};
use super::journal::{Journal, Record, read};
use super::port::Port;

/// Deletes what bears an unsettled marker. What was looked for and not found stays unsettled until
/// the settle time has passed. Says how many were deleted.
pub(crate) async fn look(
    api: &Api,
    journal: &mut Journal,
    old_id: Option<&str>,
) -> Result<usize, RotationError> {
    let markers = journal.past.unsettled.clone();
    let mut deleted = 0;
    for marker in &markers {
        for key in api.named(marker.as_str()).await? {
            let in_use = journal.past.in_use.contains(&key.id)
                || journal.past.adopted.as_ref().is_some_and(|adopted| adopted.id == key.id)
                || journal.past.plan.as_ref().is_some_and(|plan| plan.old_id == key.id);
            if in_use {
                continue;
            }
            let known = Known {
                old_id: old_id.unwrap_or_default(),
                adopted_id: journal.past.adopted.as_ref().map(|adopted| adopted.id.as_str()),
                markers: &markers,
                ..Known::default()
            };
            may_delete(Doomed::Orphan, &key.id, &key.name, Some(&key.masked_key), &known).map_err(
                |why| RotationError::refused(format!("the key {} is not deleted: {why}", key.id)),
            )?;
            api.delete(&key.id, &[&key.name]).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Waits out the settle time, looks once more, and writes down that nothing is left.
pub(crate) async fn settle(
    common: &Common,
    api: &Api,
    journal: &mut Journal,
    port: &Arc<Port>,
) -> Result<usize, RotationError> {
    if journal.past.unsettled.is_empty() {
        return Ok(0);
    }
    port.sleep(common.settle()).await.map_err(|asked| {
        RotationError::stopped(format!(
            "{asked} before the settle time had passed: sweep the journal again"
        ))
    })?;
    let deleted = look(api, journal, None).await?;
    for marker in journal.past.unsettled.clone() {
        journal.append(&Record::Settled { marker: marker.to_string() })?;
    }
    Ok(deleted)
}

/// A sweep by itself.
pub(crate) async fn run(common: Common) -> Result<usize, RotationError> {
    let Some(path) = &common.journal else {
        return Err(RotationError::refused("a sweep needs a journal"));
    };
    if !read(path)?.is_open() && read(path)?.unsettled.is_empty() {
        return Ok(0);
    }
    let port = common.port();
    let mut journal = Journal::open(path)?;
    if journal.past.is_open() {
        return Err(RotationError::refused(format!(
            "the journal {} holds a rotation that is not finished: resume it, which sweeps too",
            path.display()
        )));
    }
    let api = Api::new(&common.client, Arc::clone(&port), super::begin::ATTEMPTS);
    let first = look(&api, &mut journal, None).await?;
    Ok(first + settle(&common, &api, &mut journal, &port).await?)
}
