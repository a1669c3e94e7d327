//! What the commands that rotate share.

pub(crate) mod events;
pub(crate) mod journals;
pub(crate) mod metrics;
pub(crate) mod note;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod resolutions;
