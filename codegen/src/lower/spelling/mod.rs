//! The ways to say one thing become one way.

pub(super) mod dialect;
pub(super) mod distribute;
pub(super) mod inline;
pub(super) mod merge;
pub(super) mod parameters;
pub(super) mod sets;
