//! The rotation as it runs: asks what is next, does it, and writes down what came of it.
//!
//! What is known is in `facts`, the steps and when each is due in `table`, the loop in `run`. How
//! each step is done is in the other files of this folder.

mod compare;
mod core;
mod create;
mod end;
pub(crate) mod facts;
mod hooks;
mod retire;
mod run;
mod step_error;
mod store;
mod table;
mod tidy;
#[cfg(test)]
mod walk;

pub(crate) use self::core::{Engine, Opening};
