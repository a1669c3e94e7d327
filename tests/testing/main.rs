//! The embedded server keeps to the facts of the API-keys resource and does wrong what it is told to,
//! seen over a real socket.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod change;
mod create;
mod documented;
mod faults;
#[path = "../support/http.rs"]
mod http;
mod http_errors;
mod list;
mod machine;
mod organizations;
mod record;
mod streams;
mod support;
mod tool;
mod uploads;
