//! Stores as the command line names them.

mod command;
pub(crate) mod name;
mod native;
pub(crate) mod new_file;
