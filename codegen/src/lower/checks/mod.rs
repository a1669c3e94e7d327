//! What no rule knows, where it is, and whether any operation is the worse for it.

pub(super) mod keywords;
pub(super) mod places;
pub(super) mod relations;
pub(super) mod supported;
pub(crate) mod unused;
