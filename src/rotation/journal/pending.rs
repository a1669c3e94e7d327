//! What a journal says is not finished.

use serde_json::Value;

use super::record::Past;
use crate::rotation::system::host::Host;

/// What a journal says is not finished.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pending {
    /// Whether a rotation was begun and has not ended; otherwise only names are left to look for.
    pub under_way: bool,
    /// The id of the key that was to be replaced.
    pub old_id: String,
    /// That key's name.
    pub name: String,
    /// What the store called itself.
    pub store: String,
    /// The host on which it was begun, where its store belongs to one host.
    pub host: Option<String>,
    /// Whether it can be gone on with on this host.
    pub here: bool,
    /// The note that was given to the rotation.
    pub note: Value,
    /// Names under which a key that nobody holds may still appear.
    pub unsettled: Vec<String>,
}

impl Pending {
    pub(crate) fn of(past: Past) -> Option<Self> {
        let under_way = past.is_open();
        if !under_way && past.unsettled.is_empty() {
            return None;
        }
        past.plan.map(|plan| Self {
            note: plan.note.clone(),
            here: plan.place.host.as_ref().is_none_or(|host| *host == Host::this()),
            host: plan.place.host.as_ref().map(ToString::to_string),
            under_way,
            old_id: plan.old_id,
            name: plan.name,
            store: plan.store,
            unsettled: past.unsettled.iter().map(ToString::to_string).collect(),
        })
    }
}
