//! The command line, as clap reads it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgAction, Parser, Subcommand};
use onkernel::types::{ListApiKeysSortBy, ListApiKeysSortDirection, ListApiKeysStatus};

use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::store::StoreSpec;
use crate::store::StoreName;

const GLOBAL: &str = "Global options";

const AFTER_HELP: &str = "\
Environment:
  KERNEL_API_KEY   the API key, unless --key-file names a file that holds it
  KERNEL_BASE_URL  where the API is, unless --base-url says it
  NO_COLOR         set to anything, it turns colours off

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a rotation needs attention.

No account at hand? `kernel-keys demo` shows it all on a server of its own.";

/// Create, list, inspect, rename and delete Kernel API keys
#[derive(Parser)]
#[command(name = "kernel-keys", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(clap::Args)]
pub(crate) struct Global {
    /// Where the API is
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub(crate) base_url: Option<String>,
    /// Read the API key from this file instead of the environment
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) key_file: Option<PathBuf>,
    /// Confine every request to this project
    #[arg(long, global = true, value_name = "ID", help_heading = GLOBAL)]
    pub(crate) project: Option<String>,
    /// How long one attempt of a call may take [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, help_heading = GLOBAL)]
    pub(crate) timeout: Option<Duration>,
    /// Answer in JSON, errors too
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Show the calls on standard error; twice, everything about them
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a key and print its plaintext, alone, on standard output
    Create(Create),
    /// Say which of the listed keys is the one in use, as far as masked forms tell
    Whoami,
    /// List the keys, all pages
    List(List),
    /// Show one key
    Get(Get),
    /// Give a key another name
    Rename(Rename),
    /// Delete a key: it stops working at once
    Delete(Delete),
    /// Replace a key by another one without an outage
    Rotate(Box<Rotate>),
    /// Finish or undo the rotations that were interrupted
    Resume(Journals),
    /// Look again for keys that interrupted rotations may have left, and delete them
    Sweep(Journals),
    /// Say which keys a policy would have rotated, and why
    Audit(Pick),
    /// Rotate every key that a policy picks and whose store is known
    RotateAll(Box<RotateAll>),
    /// Run the embedded server, to try clients against without an account
    Serve(Serve),
    /// Watch one key's whole life, on an embedded server
    Demo,
}

/// The plaintext is shown once: pipe it into a secret manager, or have it stored. If it can be
/// neither printed nor stored, the key is deleted again.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// A label for people, 1 to 255 characters
    pub(crate) name: String,
    /// Let the key expire after so many days, 1 to 3650
    #[arg(long, value_name = "N", conflicts_with = "never")]
    pub(crate) days: Option<i64>,
    /// Let the key never expire, which is also what happens without --days
    #[arg(long)]
    pub(crate) never: bool,
    /// Confine the key to this project; without it the key is org-wide
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// Allow the key only what the policy in this file lists:
    /// {"statements": [{"action": "…", "resource": "…"}]}
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) policy: Option<PathBuf>,
    /// Write the plaintext there instead of printing it: file:PATH, a new file
    #[arg(long)]
    pub(crate) store: Option<StoreName>,
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Keys whose name, creator or project holds this text, or whose id or masked form begins so
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    /// Keys with exactly this name, in any case
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// created_at, name or expires_at [default: created_at]
    #[arg(long, value_name = "FIELD")]
    pub(crate) sort_by: Option<ListApiKeysSortBy>,
    /// asc or desc [default: desc]
    #[arg(long, value_name = "DIRECTION")]
    pub(crate) sort_direction: Option<ListApiKeysSortDirection>,
    /// active (expired ones included), deleted or all [default: active]
    #[arg(long)]
    pub(crate) status: Option<ListApiKeysStatus>,
    /// The same as --status all, which replaces it
    #[arg(long, hide = true)]
    pub(crate) include_deleted: bool,
    /// How many keys to ask for at once, up to 100
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<i64>,
    /// Leave out so many keys at the beginning
    #[arg(long, value_name = "N")]
    pub(crate) offset: Option<i64>,
    /// Stop after so many keys
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<usize>,
}

#[derive(clap::Args)]
pub(crate) struct Get {
    /// The key's id
    pub(crate) id: String,
    /// Find the key even when it has been deleted
    #[arg(long)]
    pub(crate) include_deleted: bool,
}

#[derive(clap::Args)]
pub(crate) struct Rename {
    /// The key's id
    pub(crate) id: String,
    /// The new name, 1 to 255 characters
    pub(crate) name: String,
}

#[derive(clap::Args)]
pub(crate) struct Delete {
    /// The key's id
    pub(crate) id: String,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// The new key is made, put into the store, and seen to work before the old one is retired;
/// whatever fails before that is undone. Exit codes: 0 rotated, 1 failed and all as before, 2 wrong
/// usage, 3 needs attention.
#[derive(clap::Args)]
pub(crate) struct Rotate {
    /// The key's id; without it the key that the store holds
    pub(crate) id: Option<String>,
    /// Where the workload reads its key: file:PATH, env-file:PATH#NAME, or command:FILE, a TOML
    /// file with `write` and `read`, each a list of a program and its arguments
    #[arg(long, value_name = "STORE")]
    pub(crate) store: StoreSpec,
    /// The store holds nothing yet, or cannot show what it holds
    #[arg(long)]
    pub(crate) store_is_new: bool,
    /// Allow the new key to differ from the old one in this field
    #[arg(long, value_name = "FIELD")]
    pub(crate) allow_difference: Vec<String>,
    #[command(flatten)]
    pub(crate) how: HowToRotate,
}

#[derive(Clone, clap::Args)]
pub(crate) struct HowToRotate {
    /// The command by which the workload takes up what the store holds; run without a shell, with
    /// KERNEL_KEYS_STORE and KERNEL_KEYS_HOLDS (`new` or `old`)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) deploy: Option<String>,
    /// The command that succeeds when the workload has the new key; run in the same way
    #[arg(long, value_name = "COMMAND")]
    pub(crate) verify: Option<String>,
    /// What becomes of the old key [default: delete, with --deploy or --verify]
    #[arg(long)]
    pub(crate) retire: Option<Retire>,
    /// How long the old key goes on working, with --retire grace
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) grace_days: i64,
    /// How long both keys work before the old one is retired
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = pause)]
    pub(crate) overlap: f64,
    /// Let the new key expire after so many days instead of the old key's lifetime
    #[arg(long, value_name = "N", conflicts_with_all = ["expires_at", "never"])]
    pub(crate) days: Option<i64>,
    /// Let the new key expire at this time, such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "never")]
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Let the new key never expire
    #[arg(long)]
    pub(crate) never: bool,
    /// Keep the journals in this folder instead of the user's state folder
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// How long a request whose outcome is unknown may still take effect
    /// [default, and least: twice the timeout]
    #[arg(long, value_name = "SECONDS", value_parser = pause)]
    pub(crate) settle: Option<f64>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Retire {
    /// Delete it
    Delete,
    /// Leave it as it is
    Keep,
    /// Let the server rotate, and end it after --grace-days
    Grace,
}

#[derive(clap::Args)]
pub(crate) struct Journals {
    /// The folder of the journals instead of the user's state folder
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Pick {
    /// Keys made longer ago than this, such as 60d or 12h
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) older_than: Option<TimeDelta>,
    /// Keys that will have expired when this has passed
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) expiring_within: Option<TimeDelta>,
    /// Keys that never expire
    #[arg(long)]
    pub(crate) never_expiring: bool,
    /// Only keys of this name; `*` stands for any characters
    #[arg(long, value_name = "PATTERN")]
    pub(crate) name: Option<String>,
    /// Only keys of this project
    #[arg(long, value_name = "ID")]
    pub(crate) in_project: Option<String>,
    /// The key that this program uses, too
    #[arg(long)]
    pub(crate) own: bool,
}

#[derive(clap::Args)]
pub(crate) struct RotateAll {
    #[command(flatten)]
    pub(crate) pick: Pick,
    /// The store of each key, with {name} or {id} in it, such as file:DIR/{name}
    #[arg(long, value_name = "STORE")]
    pub(crate) store: StoreSpec,
    /// How many keys are rotated at a time
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) concurrency: usize,
    /// Begin no further rotation after so many have failed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) stop_after: usize,
    #[command(flatten)]
    pub(crate) how: HowToRotate,
}

/// State is kept in memory and gone when it stops (Ctrl-C, SIGTERM). There is one org-wide key,
/// and one project, `proj_demo`.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) addr: SocketAddr,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Write the key to this file too, which must not hold anything yet
    // The id of the global option, in whose place it stands here.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Fail to order, as this file says: [{"nth": 3, "method": "POST", "do": "drop"}, …]; how often
    /// each struck is said in the end
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

/// Reads the command line; help and mistakes are shown here and leave only an exit code.
pub(crate) fn parse() -> Result<Args, ExitCode> {
    Args::try_parse().map_err(|error| {
        // Clap could not say whether JSON was asked for.
        let json = std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json");
        if json && error.use_stderr() {
            let text = error.render().to_string();
            let (first, rest) = text.split_once("\n").unwrap_or((&text, ""));
            let message = first.strip_prefix("error: ").unwrap_or(first);
            return Failure::usage(message).advise(rest.trim()).report(&Output::new(true));
        }
        // Nobody is left to tell when even this cannot be written.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

fn pause(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("it must be 0 to 86400 seconds".to_owned()),
    }
}

/// A number and its unit: `60d`, `12h`, `30m`, `5s`.
fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "it must be a number and d, h, m or s, such as 60d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let span = match unit {
        'd' => TimeDelta::try_days(number),
        'h' => TimeDelta::try_hours(number),
        'm' => TimeDelta::try_minutes(number),
        's' => TimeDelta::try_seconds(number),
        _ => None,
    };
    span.filter(|_| number > 0).ok_or_else(wrong)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && seconds <= 86_400.0 => Ok(time),
        _ => Err("it must be above 0 and at most 86400 seconds".to_owned()),
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

    #[test]
    fn timeouts_are_positive_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for wrong in ["0", "-1", "NaN", "inf", "86401", "1m", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
