//! Stores on the command line: presets over stand-in programs, the test of a store, plans.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod plans;
mod presets;
#[path = "../evidence/support.rs"]
#[allow(dead_code, reason = "a world that is shared with other tests")]
mod support;
mod tried;
