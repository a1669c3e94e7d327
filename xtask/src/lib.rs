//! The maintainer's week as three commands: take a new document, compare two, and check that the
//! repository is in order.
//!
//! Each command is a function from the workspace's folder to an [`Outcome`](error::Outcome), which
//! `main` prints.

pub mod args;
pub mod changelog;
pub mod check;
pub mod command;
pub mod dist;
pub mod error;
pub mod fetch;
pub mod files;
pub mod merge;
pub mod pictures;
pub mod provenance;
pub mod regen;
pub mod snapshots;
pub mod tree;
pub mod yaml;
