//! The command line, as clap reads it.

mod global;
mod help;
mod keys;
mod resume;
mod rotation;
mod serve;
mod stores;
mod tools;
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use self::global::Global;
pub(crate) use self::keys::{Create, Delete, Get, List, Rename};
pub(crate) use self::resume::{Resume, Sweep};
pub(crate) use self::rotation::{
    Audit, GRACE_DAYS, OVERLAP, Retire, Rotate, RotateAll, RotationOptions, Selection, Times,
};
pub(crate) use self::serve::Serve;
pub(crate) use self::stores::{StoreAction, StoreCommand};
pub(crate) use self::tools::{Completions, Config, ConfigAction, Doctor, Man};
#[cfg(feature = "postgres")]
pub(crate) use self::tools::{Fleet, FleetAction, KEEP, Ledger, LedgerAction};
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::settings::Settings;

/// Create, list, inspect, rename, rotate and delete Kernel API keys
#[derive(Parser)]
#[command(name = "kernel-keys", version, after_help = help::SHORT, after_long_help = help::LONG)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a key and print its plaintext to standard output
    #[command(after_long_help = help::CREATE)]
    Create(Create),
    /// Show which key you are using, its organization, scope and project
    #[command(after_long_help = help::WHOAMI)]
    Whoami,
    /// List keys
    #[command(after_long_help = help::LIST)]
    List(List),
    /// Show a key
    #[command(after_long_help = help::GET)]
    Get(Get),
    /// Rename a key
    #[command(after_long_help = help::RENAME)]
    Rename(Rename),
    /// Delete a key; it stops working at once
    #[command(after_long_help = help::DELETE)]
    Delete(Delete),
    /// Replace a key without an outage
    #[command(after_long_help = help::ROTATE)]
    Rotate(Box<Rotate>),
    /// Finish or undo interrupted rotations
    #[command(after_long_help = help::RESUME)]
    Resume(Box<Resume>),
    /// Delete keys that interrupted rotations may have left behind
    #[command(after_long_help = help::SWEEP)]
    Sweep(Sweep),
    /// List the keys that a policy selects for rotation, and why
    #[command(after_long_help = help::AUDIT)]
    Audit(Box<Audit>),
    /// Rotate every key that a policy selects and that has a store
    #[command(after_long_help = help::ROTATE_ALL)]
    RotateAll(Box<RotateAll>),
    /// Show how far the workers are that share the work of rotate-all
    #[cfg(feature = "postgres")]
    #[command(after_long_help = help::FLEET)]
    Fleet(Fleet),
    /// List the kinds of stores and the presets, with what each can do
    #[command(after_long_help = help::STORES)]
    Stores,
    /// Try a store
    #[command(after_long_help = help::STORE)]
    Store(StoreCommand),
    /// Find out what is wrong, and the command that mends it
    #[command(after_long_help = help::DOCTOR)]
    Doctor(Doctor),
    /// Look after the database of the journals
    #[cfg(feature = "postgres")]
    #[command(after_long_help = help::LEDGER)]
    Ledger(Ledger),
    /// Show and change the configuration file and its profiles
    #[command(after_long_help = help::CONFIG)]
    Config(Config),
    /// Print the completions of a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(Completions),
    /// Print the manual
    #[command(after_long_help = help::MAN)]
    Man(Man),
    /// Run the embedded server, to try clients without an account
    #[command(after_long_help = help::SERVE)]
    Serve(Serve),
    /// Watch a key's whole life on an embedded server
    #[command(after_long_help = help::DEMO)]
    Demo,
}

/// Reads the command line; help and mistakes are shown here and leave only an exit code.
pub(crate) fn parse() -> Result<Args, ExitCode> {
    Args::try_parse().map_err(|error| {
        let format = requested();
        if matches!(format, Format::Json | Format::Ndjson) && error.use_stderr() {
            let text = error.render().to_string();
            let (first, rest) = text.split_once("\n").unwrap_or((&text, ""));
            let message = first.strip_prefix("error: ").unwrap_or(first);
            return Failure::usage(message).advise(rest.trim()).report(&Output::new(format));
        }
        // Standard error is closed: there is nowhere to report that.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// The format that was requested, where clap could not say so.
fn requested() -> Format {
    let words: Vec<_> = std::env::args_os()
        .take_while(|word| word != "--")
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let after = words.windows(2).filter(|two| two[0] == "--output").map(|two| two[1].as_str());
    let attached = words.iter().filter_map(|word| word.strip_prefix("--output="));
    let named = after.chain(attached).find_map(|name| Format::from_str(name, false).ok());
    let json = words.iter().any(|word| word == "--json").then_some(Format::Json);
    named.or(json).unwrap_or_default()
}

impl Args {
    /// Adds what the configuration file says, and checks what clap cannot check.
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        if self.global.formats_differ() {
            return Err(Failure::usage("--json and --output name different formats")
                .advise("Leave one of them out; --json is --output json."));
        }
        if self.command.uses_settings() {
            self.global.settings = Settings::load(self.global.profile.as_deref())?;
        }
        let has_rows =
            matches!(self.command, Command::List(_) | Command::Get(_) | Command::Audit(_));
        if self.global.format() == Format::Csv && !has_rows {
            return Err(Failure::usage("--output csv is for list, get and audit")
                .advise("Use --output json or ndjson."));
        }
        Ok(())
    }
}

impl Args {
    /// That the key of the profile that a person has named is not the one in use.
    pub(crate) fn overridden(&self) -> Option<String> {
        let Global { key_file, settings, .. } = &self.global;
        let overridden = settings.is_chosen()
            && key_file.is_none()
            && settings.profile().key().is_some()
            && std::env::var_os("KERNEL_API_KEY").is_some_and(|key| !key.is_empty());
        let name = settings.name().unwrap_or_default();
        overridden.then(|| format!("KERNEL_API_KEY is used, not the key of profile {name}."))
    }
}

impl Command {
    /// Whether it goes by the profile. What helps to make one, or needs none, must work without it.
    fn uses_settings(&self) -> bool {
        !matches!(
            self,
            Self::Stores
                | Self::Store(_)
                | Self::Doctor(_)
                | Self::Config(_)
                | Self::Completions(_)
                | Self::Man(_)
                | Self::Serve(_)
                | Self::Demo
        )
    }
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
