//! The demo's server, and clients of it.

use std::time::Duration;

use onkernel::testing::Server;
use onkernel::{Client, Secret};

use crate::failure::Failure;

/// The project that the demo's project-scoped keys belong to.
pub(super) const PROJECT: (&str, &str) = ("proj_checkout", "Checkout");

/// Starts the server, whose responses take this long.
pub(super) async fn start(latency: Duration) -> Result<Server, Failure> {
    let builder = Server::builder().project(PROJECT.0, PROJECT.1).latency(latency);
    builder
        .start()
        .await
        .map_err(|error| Failure::new(format!("the embedded server cannot start: {error}")))
}

/// A client of the server.
pub(super) fn client(server: &Server, key: impl Into<Secret>) -> Result<Client, Failure> {
    Ok(Client::builder().base_url(server.url()).api_key(key).build()?)
}
