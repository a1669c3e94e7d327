//! `demo`: a key's whole life on an embedded server, by the real client over a real socket.

mod clock;
mod errors;
mod keys;
mod presenter;
mod rotation;
mod server;
mod workload;

use std::time::Duration;

use self::keys::DemoKeys;
use self::presenter::Presenter;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::style::Tint;

/// On a terminal every response takes this long, so that a person can follow.
const LATENCY: Duration = Duration::from_millis(40);

pub(super) async fn run(output: &Output) -> Result<(), Failure> {
    let mut presenter = Presenter::new(output);
    let latency = if presenter.is_interactive() { LATENCY } else { Duration::ZERO };
    let server = server::start(latency).await?;
    let client = server::client(&server, server.bootstrap_key())?;

    presenter.line(&presenter.style().paint(Tint::Strong, "The life of an API key"))?;
    presenter.line(&format!(
        "The real client against an embedded server, {}.\n\
         It runs inside this process: no account, no network.\n",
        server.url()
    ))?;
    let mut keys = DemoKeys::default();
    keys::create(&mut presenter, &client, &mut keys).await?;
    keys::list(&mut presenter, &client, &server).await?;
    keys::inspect(&mut presenter, &client, &keys).await?;
    keys::rename(&mut presenter, &client, &mut keys).await?;
    rotation::rotate(&mut presenter, &client, &server, &mut keys).await?;
    keys::delete(&mut presenter, &client, &mut keys).await?;
    errors::provoke(&mut presenter, &client, &server, &keys).await?;
    keys::summary(&mut presenter, &client, &keys).await?;

    server.shutdown().await;
    presenter.line(
        "This was the embedded server: no account was touched, and all of it is gone now.\n\n\
         Next:  kernel-keys serve         the same server, for your own programs\n       \
         kernel-keys list          your own keys, with KERNEL_API_KEY set\n       \
         kernel-keys --help        everything else",
    )?;
    presenter.finish()
}
