//! The one remover of orphans: keys under a marker of ours whose plaintext nobody holds.

use std::time::Duration;

use super::delete::{DeleteError, Known, Reason, Seen, delete};
use super::marker::Marker;
use crate::rotation::api::Api;
use crate::types::ApiKey;

/// Deletes what was made under a marker and has no place of its own. Returns how many.
pub(crate) async fn remove(
    api: &Api,
    marker: &Marker,
    known: &Known<'_>,
    until: Duration,
) -> Result<usize, DeleteError> {
    let found = api.named(marker.as_str()).await?;
    remove_listed(api, &found, known, until).await
}

/// Deletes the orphans of a listing.
pub(crate) async fn remove_listed(
    api: &Api,
    listed: &[ApiKey],
    known: &Known<'_>,
    until: Duration,
) -> Result<usize, DeleteError> {
    let mut deleted = 0;
    for key in listed {
        let ours = known.markers.iter().any(|marker| marker.is(&key.name));
        if ours && !known.is_kept(&key.id) {
            delete(api, Reason::Orphan, &Seen::listed(key), known, until).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}
