//! Rotations in a world that lags, lies and is shared: each sequence ends with a key in the store that
//! works, with no key that nobody holds, and with a way out.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod callers;
mod files;
mod hooks;
mod hosts;
mod person;
mod server;
mod stores;
mod support;
