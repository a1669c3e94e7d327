//! Rotations on the command line: exit codes, signals, and processes that are killed at exact points.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod basics;
mod beside;
mod events;
mod killed;
mod postgres;
mod resolved;
mod stopped;
mod support;
mod usage;
mod waits;
