//! The ways to say one thing become one way.

pub(super) mod alternatives;
pub(super) mod dialect;
pub(super) mod directions;
pub(super) mod distribute;
pub(super) mod inline;
pub(super) mod media;
pub(super) mod merge;
mod narrow;
pub(super) mod parameters;
pub(super) mod references;
pub(super) mod sets;
pub(super) mod undeclared;
mod values;
