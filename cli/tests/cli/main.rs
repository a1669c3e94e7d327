//! The real binary against the embedded server, over a real socket.

// Helpers of tests are tests to all but clippy.
#![allow(clippy::unwrap_used)]

mod create;
mod delete;
mod demo;
mod errors;
mod formats;
mod help;
mod list;
mod secrets;
#[cfg(unix)]
mod serve;
mod setup;
mod single;
mod support;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod watch;
