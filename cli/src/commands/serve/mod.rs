//! `serve`: the embedded server as a program, for clients in any language.

mod record;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use onkernel::Secret;
use onkernel::testing::{Faults, Server, Stub};
use serde_json::json;

use self::record::Record;
use crate::args::Serve;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::style::Tint;
use crate::output::text::plural;
use crate::signals::Signals;
use crate::stores::new_file::NewFile;

/// A project to try project-scoped keys with.
const PROJECT: (&str, &str) = ("proj_demo", "Demo");

pub(super) async fn run(args: Serve, output: &Output) -> Result<(), Failure> {
    let Serve { addr, allow_remote, key_file, faults, stubs, record } = args;
    if !addr.ip().is_loopback() && !allow_remote {
        return Err(Failure::usage(format!("other machines can reach {addr}"))
            .advise("Use 127.0.0.1, or --allow-remote if you mean it."));
    }
    let faults = faults.as_deref().map(read_faults).transpose()?;
    let stubs = stubs.as_deref().map(read_stubs).transpose()?;
    let record = record.as_deref().map(Record::open).transpose()?;
    let key_file = key_file.as_deref().map(KeyFile::prepare).transpose()?;
    // Before anyone knows that there is something to stop.
    let mut signals = Signals::listen()?;

    // Knowing the program must not mean knowing the key.
    let seed = RandomState::new().hash_one(addr);
    let builder = Server::builder().addr(addr).seed(seed).project(PROJECT.0, PROJECT.1);
    let builder = builder.faults(faults.clone().unwrap_or_default());
    let builder = match record.clone() {
        Some(record) => builder.on_request(move |request| record.add(request)),
        None => builder,
    };
    let server = builder.start().await.map_err(|error| {
        Failure::new(format!("cannot listen on {addr}: {error}"))
            .advise("Choose another port with --addr, or port 0 for a free one.")
    })?;
    for (operation, stub) in stubs.into_iter().flatten() {
        server.respond(&operation, stub).map_err(|error| Failure::usage(error.to_string()))?;
    }
    if let Some(file) = key_file {
        file.write(server.bootstrap_key())?;
    }
    announce(&server, output)?;
    signals.next().await;
    server.shutdown().await;
    output.note("Stopped.");
    if let Some(faults) = faults {
        print_fired(&faults, output)?;
    }
    record.map_or(Ok(()), |record| record.finish())
}

/// Prints how often each fault fired: without this nobody knows whether a test met its faults.
fn print_fired(faults: &Faults, output: &Output) -> Result<(), Failure> {
    let fired = faults.fired();
    if output.is_json() {
        return Ok(output.print(&json!({ "fired": fired }).to_string())?);
    }
    for (number, times) in (1..).zip(fired) {
        output.note(&format!("Fault {number} fired {}.", plural(times, "time")));
    }
    Ok(())
}

fn announce(server: &Server, output: &Output) -> Result<(), Failure> {
    let (url, key) = (server.url(), server.bootstrap_key());
    if output.is_json() {
        // One line, which the program that started this reads.
        return Ok(output.print(&json!({ "url": url, "key": key }).to_string())?);
    }
    let style = output.style();
    output.print(&format!(
        "{} {url}\n{} {key}",
        style.paint(Tint::Faint, "URL"),
        style.paint(Tint::Faint, "Key")
    ))?;
    output.note(&format!(
        "\nThe embedded server has one org-wide key and the project {}. It keeps nothing.\n\
         Try it:  KERNEL_BASE_URL={url} KERNEL_API_KEY={key} kernel-keys list\n\
         Stop it with Ctrl-C.",
        PROJECT.0
    ));
    Ok(())
}

fn read_faults(path: &Path) -> Result<Faults, Failure> {
    Faults::from_json(&read(path)?).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display()))
            .advise("The documentation of `onkernel::testing::Faults` describes the format.")
    })
}

fn read_stubs(path: &Path) -> Result<Vec<(String, Stub)>, Failure> {
    Stub::all_from_json(&read(path)?).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display())).advise(
            "The documentation of `onkernel::testing::Stub::all_from_json` describes the format.",
        )
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// Where the key is written for other programs.
struct KeyFile(NewFile);

impl KeyFile {
    /// An empty file, such as `mktemp` creates, may be replaced: there is nothing to lose.
    fn prepare(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == 0) {
            fs::remove_file(path).map_err(|error| {
                Failure::new(format!("cannot replace {}: {error}", path.display()))
            })?;
        }
        NewFile::prepare(path).map(Self)
    }

    fn write(self, key: &str) -> Result<(), Failure> {
        self.0.write(&Secret::from(key))
    }
}
