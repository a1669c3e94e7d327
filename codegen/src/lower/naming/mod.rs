//! Every type and every method gets its name.

pub(super) mod hoist;
pub(crate) mod names;
mod rule;
pub(super) mod type_names;
