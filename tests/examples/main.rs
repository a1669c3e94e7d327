//! The examples, run: what users read first does what it says.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

#[cfg(all(feature = "testing", feature = "rotation"))]
mod api_keys;
#[cfg(all(feature = "testing", feature = "full"))]
mod resources;
