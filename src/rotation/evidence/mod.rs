//! What may be believed: presence, absence, identity, and the proof without which no key is deleted.

pub(crate) mod delete;
pub(crate) mod equal;
pub(crate) mod fingerprint;
pub(crate) mod held;
pub(crate) mod marker;
pub(crate) mod orphans;
pub(crate) mod sight;
