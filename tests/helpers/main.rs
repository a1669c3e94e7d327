//! What takes more than one call, over real sockets: cut streams, dropped futures, servers that are
//! gone for a while.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used)]

mod browsers;
mod deployments;
mod files;
mod invocations;
#[path = "../support/scripted.rs"]
mod scripted;
mod support;
