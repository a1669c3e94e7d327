//! No plaintext in anything that the library says: errors, `Debug`, serialised values, traces.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "testing")]
mod embedded;
mod recorder;
mod redaction;
#[path = "../support/scripted.rs"]
mod scripted;
mod traces;
