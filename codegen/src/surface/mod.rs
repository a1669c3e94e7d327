//! What the generated client must offer, read from the lowered document before the generator sees
//! it: directions, bounds, the three states of a field, what is secret, what is paged.
//!
//! `types` and `rule` say what the surface is; the other files read it.

mod operations;
mod reach;
mod read;
mod relations;
mod rule;
mod schemas;
mod types;

pub use relations::{Relations, Term};
pub use rule::Rule;
pub use types::*;

pub use crate::openapi::Content;
