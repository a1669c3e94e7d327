//! `demo`: one key's whole life, on an embedded server, by the real client over a real socket.

mod life;
mod rotation;
mod stage;
mod troubles;

use std::time::Duration;

use onkernel::testing::Server;
use onkernel::{Client, Secret};

use self::life::Cast;
use self::stage::Stage;
use crate::failure::Failure;
use crate::output::Output;
use crate::style::Tint;

/// The project that the demo's project-scoped keys belong to.
const PROJECT: (&str, &str) = ("proj_checkout", "Checkout");

/// On a terminal every answer takes so long: else nobody could follow.
const LATENCY: Duration = Duration::from_millis(40);

pub(super) async fn run(output: &Output) -> Result<(), Failure> {
    let mut stage = Stage::new(output);
    let latency = if stage.is_watched() { LATENCY } else { Duration::ZERO };
    let server = Server::builder()
        .project(PROJECT.0, PROJECT.1)
        .latency(latency)
        .start()
        .await
        .map_err(|error| Failure::new(format!("the embedded server cannot start: {error}")))?;
    let client = client(&server, server.bootstrap_key())?;

    stage.line(&stage.style().paint(Tint::Strong, "The life of an API key"))?;
    stage.line(&format!(
        "The real client against an embedded server, {}.\n\
         It runs inside this process: no account, no network.\n",
        server.url()
    ))?;
    let mut cast = Cast::default();
    life::create(&mut stage, &client, &mut cast).await?;
    life::list(&mut stage, &client, &server).await?;
    life::inspect(&mut stage, &client, &cast).await?;
    life::rename(&mut stage, &client, &mut cast).await?;
    rotation::rotate(&mut stage, &client, &server, &mut cast).await?;
    life::delete(&mut stage, &client, &mut cast).await?;
    troubles::provoke(&mut stage, &client, &server, &cast).await?;
    life::what_is_left(&mut stage, &client, &cast).await?;

    server.shutdown().await;
    stage.line(
        "This was the embedded server: no account was touched, and all of it is gone now.\n\n\
         Next:  kernel-keys serve         the same server, for programs of yours\n       \
         kernel-keys list          your own keys, with KERNEL_API_KEY set\n       \
         kernel-keys --help        everything else",
    )?;
    stage.finish()
}

/// A client of the embedded server.
fn client(server: &Server, key: impl Into<Secret>) -> Result<Client, Failure> {
    Ok(Client::builder().base_url(server.url()).api_key(key).build()?)
}
