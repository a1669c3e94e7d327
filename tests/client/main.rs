//! The client over real sockets: how it is built, what it sends, what it makes of every response.
#![allow(clippy::unwrap_used)]

mod builder;
mod calls;
mod connections;
mod credentials;
#[cfg(all(feature = "testing", feature = "browsers"))]
mod direct;
mod errors;
#[path = "../support/http.rs"]
mod http;
#[cfg(feature = "testing")]
mod life;
mod paging;
mod raw;
#[cfg(feature = "testing")]
mod resilience;
mod retry;
#[path = "../support/scripted.rs"]
mod scripted;
mod wire;
