//! The commands for what rotations have written down, and for where they do.

#[cfg(feature = "postgres")]
pub(super) mod fleet;
#[cfg(feature = "postgres")]
pub(super) mod ledger;
pub(super) mod resume;
pub(super) mod sweep;
