//! The command line, as clap reads it.

mod global;
mod keys;
mod resume;
mod rotation;
mod serve;
mod stores;
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use self::global::Global;
pub(crate) use self::keys::{Create, Delete, Get, List, Rename};
pub(crate) use self::resume::{Resume, Sweep};
pub(crate) use self::rotation::{
    GRACE_DAYS, OVERLAP, Retire, Rotate, RotateAll, RotationOptions, Selection, Times,
};
pub(crate) use self::serve::Serve;
pub(crate) use self::stores::{StoreAction, StoreCommand};
use crate::failure::Failure;
use crate::output::Output;

const AFTER_HELP: &str = "\
Environment:
  KERNEL_API_KEY   your API key, unless you use --key-file
  KERNEL_BASE_URL  the API's base URL, unless you use --base-url
  NO_COLOR         turns colours off when it is set

Exit codes: 0 success, 1 failure, 2 usage error, 3 a rotation needs attention.

No account yet? Run `kernel-keys demo`: it brings a server of its own.";

/// Create, list, inspect, rename, rotate and delete Kernel API keys
#[derive(Parser)]
#[command(name = "kernel-keys", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a key and print its plaintext to standard output
    Create(Create),
    /// Show which key you are using, its organization, scope and project
    Whoami,
    /// List keys
    List(List),
    /// Show a key
    Get(Get),
    /// Rename a key
    Rename(Rename),
    /// Delete a key; it stops working at once
    Delete(Delete),
    /// Replace a key without an outage
    Rotate(Box<Rotate>),
    /// Finish or undo interrupted rotations
    Resume(Box<Resume>),
    /// Delete keys that interrupted rotations may have left behind
    Sweep(Sweep),
    /// List the keys that a policy selects for rotation, and why
    Audit(Selection),
    /// Rotate every key that a policy selects and that has a store
    RotateAll(Box<RotateAll>),
    /// List the kinds of stores and the presets, with what each can do
    Stores,
    /// Try a store
    Store(StoreCommand),
    /// Run the embedded server, to try clients without an account
    Serve(Serve),
    /// Watch a key's whole life on an embedded server
    Demo,
}

/// Reads the command line; help and mistakes are shown here and leave only an exit code.
pub(crate) fn parse() -> Result<Args, ExitCode> {
    Args::try_parse().map_err(|error| {
        // Clap could not say whether JSON was requested.
        let json = std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json");
        if json && error.use_stderr() {
            let text = error.render().to_string();
            let (first, rest) = text.split_once("\n").unwrap_or((&text, ""));
            let message = first.strip_prefix("error: ").unwrap_or(first);
            return Failure::usage(message).advise(rest.trim()).report(&Output::new(true));
        }
        // Standard error is closed: there is nowhere to report that.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
