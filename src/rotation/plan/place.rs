//! Where and for whom a rotation goes on: a caller who is elsewhere must not touch it.

use serde::{Deserialize, Serialize};

use crate::rotation::report::Resolution;
use crate::rotation::system::host::Host;

/// The environment of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The server.
    #[serde(default)]
    pub(crate) base_url: String,
    /// The organization, where it could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// The host, where the store is one that other hosts do not share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<Host>,
    /// Which place the store is, whatever leads there.
    #[serde(default)]
    pub(crate) store: String,
}

/// Why a rotation cannot be gone on with from here.
pub(crate) struct Elsewhere {
    pub(crate) why: String,
    pub(crate) resolution: Resolution,
    /// It is of another host, or its store has moved: reading the store can settle that.
    pub(crate) by_store: bool,
}

impl Place {
    /// Compares the rotation's place with the caller's. What one of the two does not know says
    /// nothing.
    pub(crate) fn is_here(&self, here: &Place) -> Result<(), Elsewhere> {
        let caller =
            |why: String| Err(Elsewhere { why, resolution: Resolution::Caller, by_store: false });
        let store =
            |why: String| Err(Elsewhere { why, resolution: Resolution::Adopt, by_store: true });
        let known = |a: &str, b: &str| !a.is_empty() && !b.is_empty() && a != b;
        if known(&self.base_url, &here.base_url) {
            return caller(format!("it belongs to {}, not to {}", self.base_url, here.base_url));
        }
        if let (Some(its), Some(ours)) = (&self.organization, &here.organization)
            && its != ours
        {
            return caller(format!("it is of the organization {its}, and this key is of {ours}"));
        }
        if let (Some(its), Some(ours)) = (&self.host, &here.host)
            && its != ours
        {
            return store(match its.name == ours.name {
                true => format!("it was begun on another machine of the name {its}"),
                false => format!("it was begun on the host {its}, and this is {ours}"),
            });
        }
        if known(&self.store, &here.store) {
            return store(format!("its store is {}, not {}", self.store, here.store));
        }
        Ok(())
    }
}
