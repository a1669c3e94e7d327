//! What the commands take that concern this program itself.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};

use super::help;
#[cfg(feature = "postgres")]
use super::values::days;
use crate::settings::NAMES;
use crate::stores::name::StoreName;

/// The days for which what has ended is kept unless --keep sets others.
#[cfg(feature = "postgres")]
pub(crate) const KEEP: i64 = 90;

/// Checks the configuration, your key and what it may do, the clock, the proxy, certificates, stores
/// and journals. Nothing is changed. Exit codes: 0 all is well, 1 something is wrong, 2 usage error.
#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// Also look at this store; stores of unfinished rotations are looked at anyway
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Vec<StoreName>,
    /// Look for journals in this folder [default: a folder in your state folder]
    ///
    /// `postgres` is no folder but the database of DATABASE_URL, or of the PG* variables.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
}

/// The database of --journal postgres: that of DATABASE_URL, a URL, or of libpq's PG* variables.
#[cfg(feature = "postgres")]
#[derive(clap::Args)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    pub(crate) command: LedgerAction,
}

#[cfg(feature = "postgres")]
#[derive(Subcommand)]
pub(crate) enum LedgerAction {
    /// Make the schema kernel_keys, or bring it up to date
    ///
    /// The first command that needs it does the same, where its role may. Any number may do so at a
    /// time.
    #[command(after_long_help = help::LEDGER_MIGRATE)]
    Migrate,
    /// Remove what has ended
    ///
    /// Journals in which nothing is left to do, and what fleets have done. `rotate-all` does the same
    /// when it begins.
    #[command(after_long_help = help::LEDGER_PRUNE)]
    Prune {
        /// Keep what has ended within this many days
        #[arg(long, value_name = "DAYS", default_value_t = KEEP, value_parser = days)]
        keep: i64,
    },
}

/// Workers of `rotate-all --journal postgres` that select the same, and name the same stores, are a
/// fleet: they share the work.
#[cfg(feature = "postgres")]
#[derive(clap::Args)]
pub(crate) struct Fleet {
    #[command(subcommand)]
    pub(crate) command: FleetAction,
}

#[cfg(feature = "postgres")]
#[derive(Subcommand)]
pub(crate) enum FleetAction {
    /// Show how far each fleet is: its run that is under way, or the last one
    ///
    /// It reads the database of DATABASE_URL, or of libpq's PG* variables, and nothing else.
    #[command(after_long_help = help::FLEET_STATUS)]
    Status,
}

/// What counts, the strongest first: an option, the environment (KERNEL_API_KEY, KERNEL_BASE_URL,
/// KERNEL_PROJECT), the profile, the default. The profile is the one that --profile names, or
/// KERNEL_PROFILE, or `config use`, or the one named default. A profile never holds a key: it names a
/// file, a variable or a store.
#[derive(clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigAction,
}

#[derive(Subcommand)]
pub(crate) enum ConfigAction {
    /// Print where the configuration file is
    #[command(after_long_help = help::CONFIG_PATH)]
    Path,
    /// Show what counts now, and where each setting comes from
    #[command(after_long_help = help::CONFIG_SHOW)]
    Show,
    /// List the profiles
    #[command(after_long_help = help::CONFIG_LIST)]
    List,
    /// Set a setting of the profile
    ///
    /// base-url URL, allow-plain-http true or false, key-file FILE, key-env VARIABLE, key-store STORE,
    /// project ID, timeout SECONDS, output table, json or ndjson. Of the settings for the key the last
    /// one set is kept.
    #[command(after_long_help = help::CONFIG_SET)]
    Set {
        /// The setting
        #[arg(value_parser = NonEmptyStringValueParser::new(), value_name = "SETTING")]
        name: String,
        /// Its value
        value: String,
    },
    /// Remove a setting of the profile
    #[command(after_long_help = help::CONFIG_UNSET)]
    Unset {
        /// The setting
        #[arg(value_parser = PossibleValuesParser::new(NAMES), value_name = "SETTING")]
        name: String,
    },
    /// Use this profile when nothing names another
    #[command(after_long_help = help::CONFIG_USE)]
    Use {
        /// The profile
        name: String,
    },
}

/// Writes to standard output; put it where your shell looks for completions.
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Without options the page of the program itself, to standard output.
#[derive(clap::Args)]
pub(crate) struct Man {
    /// Write a page for each command into this folder, which is created
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
