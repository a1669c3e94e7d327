//! Every fault of the embedded server, as a caller meets it on the socket.

mod connections;
mod file;
mod late;
mod lies;
mod orders;
mod responses;
mod spoiled;
mod stale;

use std::error::Error;
use std::io;

use onkernel::testing::{Fault, Server};
use serde_json::{Value, json};

use crate::support::{Api, noon};

const KEYS: &str = "/org/api_keys";

async fn start() -> (Server, Api) {
    let server = Server::builder().start_at(noon()).start().await.unwrap();
    let api = Api::new(&server);
    (server, api)
}

async fn with(fault: Fault) -> (Server, Api) {
    let (server, api) = start().await;
    server.faults().add(fault);
    (server, api)
}

fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// Whether a key of this name came into being.
fn made(server: &Server, name: &str) -> bool {
    server.keys().iter().any(|key| key.name == name)
}

/// The error of the socket behind an error of the client.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

fn is_lost(error: &reqwest::Error) -> bool {
    !error.is_connect() && io_kind(error).is_none() && error.is_request()
}

fn is_reset(error: &reqwest::Error) -> bool {
    !error.is_connect() && io_kind(error) == Some(io::ErrorKind::ConnectionReset)
}

/// What arrives of a body, and how it ends.
async fn body_of(
    request: reqwest::RequestBuilder,
    at_most: usize,
) -> (Vec<u8>, Result<(), reqwest::Error>) {
    let mut response = request.send().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
        if bytes.len() > at_most {
            return (bytes, Ok(()));
        }
    }
}
