//! `serve`: the embedded server as a program, for clients in any language.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use onkernel::Secret;
use onkernel::testing::{Faults, Server};
use serde_json::json;

use crate::args::Serve;
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::Signals;
use crate::store::NewFile;
use crate::style::Tint;
use crate::words::plural;

/// The project that project-scoped keys can be tried with.
const PROJECT: (&str, &str) = ("proj_demo", "Demo");

pub(super) async fn run(args: Serve, output: &Output) -> Result<(), Failure> {
    let Serve { addr, allow_remote, key_file, faults } = args;
    if !addr.ip().is_loopback() && !allow_remote {
        return Err(Failure::usage(format!("{addr} can be reached by other machines"))
            .advise("Use 127.0.0.1, or say --allow-remote if that is meant."));
    }
    let faults = faults.as_deref().map(read_faults).transpose()?;
    let key_file = key_file.as_deref().map(KeyFile::prepare).transpose()?;
    // Before anybody can know that there is something to stop.
    let mut signals = Signals::listen()?;

    // Nobody who knows the program knows the key.
    let seed = RandomState::new().hash_one(addr);
    let builder = Server::builder().addr(addr).seed(seed).project(PROJECT.0, PROJECT.1);
    let builder = builder.faults(faults.clone().unwrap_or_default());
    let server = builder.start().await.map_err(|error| {
        Failure::new(format!("{addr} cannot be listened on: {error}"))
            .advise("Choose another port with --addr, or port 0 for a free one.")
    })?;
    if let Some(file) = key_file {
        file.write(server.bootstrap_key())?;
    }
    announce(&server, output)?;
    signals.next().await;
    server.shutdown().await;
    output.note("Stopped.");
    faults.map_or(Ok(()), |faults| struck(&faults, output))
}

/// How often each order was carried out: without this nobody knows whether a test met its faults.
fn struck(faults: &Faults, output: &Output) -> Result<(), Failure> {
    let fired = faults.fired();
    if output.is_json() {
        return output.answer(&json!({ "fired": fired }).to_string());
    }
    for (number, times) in (1..).zip(fired) {
        output.note(&format!("Fault {number} struck {}.", plural(times, "time")));
    }
    Ok(())
}

fn announce(server: &Server, output: &Output) -> Result<(), Failure> {
    let (url, key) = (server.url(), server.bootstrap_key());
    if output.is_json() {
        // One line: whoever starts this reads it and goes on.
        return output.answer(&json!({ "url": url, "key": key }).to_string());
    }
    let style = output.style();
    output.answer(&format!(
        "{} {url}\n{} {key}",
        style.paint(Tint::Faint, "URL"),
        style.paint(Tint::Faint, "Key")
    ))?;
    output.note(&format!(
        "\nThe embedded server, with one org-wide key and the project {}. Nothing is kept.\n\
         Try it:  KERNEL_BASE_URL={url} KERNEL_API_KEY={key} kernel-keys list\n\
         Ctrl-C stops it.",
        PROJECT.0
    ));
    Ok(())
}

fn read_faults(path: &Path) -> Result<Faults, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}")))?;
    Faults::from_json(&text).map_err(|error| {
        Failure::usage(format!("{shown}: {error}"))
            .advise("The orders are described at `onkernel::testing::Faults`.")
    })
}

/// Where the key is written for other programs.
struct KeyFile(NewFile);

impl KeyFile {
    /// An empty file, such as `mktemp` makes, may be taken: there is nothing to lose.
    fn prepare(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == 0) {
            fs::remove_file(path).map_err(|error| {
                Failure::new(format!("{} cannot be replaced: {error}", path.display()))
            })?;
        }
        NewFile::prepare(path).map(Self)
    }

    fn write(self, key: &str) -> Result<(), Failure> {
        self.0.write(&Secret::from(key))
    }
}
