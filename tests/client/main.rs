//! The client over real sockets: how it is built, what it sends, what it makes of every response.
#![allow(clippy::unwrap_used)]

mod builder;
mod connections;
mod credentials;
mod dates;
mod downloads;
mod errors;
mod events;
#[path = "../support/http.rs"]
mod http;
#[cfg(feature = "http2")]
mod http2;
mod key_sources;
#[cfg(feature = "testing")]
mod life;
mod options;
mod paging;
mod raw;
#[cfg(feature = "testing")]
mod resilience;
mod retry;
#[path = "../support/scripted.rs"]
mod scripted;
mod sending;
mod success;
mod surroundings;
mod wire;
