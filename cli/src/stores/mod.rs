//! Stores as the command line names them.

mod command;
pub(crate) mod name;
pub(crate) mod new_file;
