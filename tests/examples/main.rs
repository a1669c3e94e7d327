//! The examples, run: what users read first does what it says.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

#[cfg(all(feature = "testing", feature = "rotation"))]
mod api_keys;
#[cfg(feature = "full")]
mod resources;
#[path = "../support/scripted.rs"]
#[cfg(feature = "full")]
mod scripted;
