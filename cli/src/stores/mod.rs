//! Stores as the command line names them.

mod command;
pub(crate) mod kinds;
pub(crate) mod missing;
pub(crate) mod name;
mod native;
pub(crate) mod new_file;
mod parameter;
mod preset;
pub(crate) mod state;
