//! What the commands that rotate take.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::builder::PossibleValuesParser;

use super::values::{count, days, duration, grace_days, lease, pause, seconds, time};
use crate::output::columns;
use crate::program::command_line;
use crate::stores::name::StoreName;

/// The grace period unless --grace-days sets one.
pub(crate) const GRACE_DAYS: i64 = 7;

/// The seconds for which both keys work unless --overlap sets them.
pub(crate) const OVERLAP: f64 = 60.0;

/// Makes a new key, writes it to the store, checks that it works, and only then retires the old
/// key. A failure before that undoes everything. Exit codes: 0 rotated, 1 failed and everything is
/// as before, 2 usage error, 3 needs attention.
#[derive(clap::Args)]
pub(crate) struct Rotate {
    /// The key's id [default: the key in the store]
    pub(crate) id: Option<String>,
    /// Where the workload reads its key: file:PATH, env-file:PATH#NAME, aws:NAME or aws:NAME#FIELD
    /// (Secrets Manager), vault:PATH#FIELD (Vault or OpenBao, KV version 2),
    /// k8s:NAMESPACE/NAME#KEY (a Secret), preset:NAME#… for a vendor's own program (see kernel-keys
    /// stores), or command:FILE, a TOML file whose `write` and `read` each list a program and its
    /// arguments (a relative path starts at the file's folder). With in-place: before it, a file is
    /// written over instead of being replaced, as one that is mounted by itself needs
    #[arg(long, value_name = "STORE")]
    pub(crate) store: StoreName,
    /// The store is still empty, or cannot be read
    #[arg(long)]
    pub(crate) store_is_new: bool,
    /// Accept a new key that differs from the old one in this field
    #[arg(long, value_name = "FIELD")]
    pub(crate) allow_difference: Vec<String>,
    #[command(flatten)]
    pub(crate) options: RotationOptions,
}

#[derive(Clone, clap::Args)]
pub(crate) struct RotationOptions {
    /// Run this command to make the workload load the key from its store. It runs without a shell
    /// and gets KERNEL_KEYS_STORE and KERNEL_KEYS_HOLDS (`new` or `old`)
    #[arg(long, value_name = "COMMAND", value_parser = command_line)]
    pub(crate) deploy: Option<String>,
    /// Run this command, in the same way, to check that the workload uses the new key
    #[arg(long, value_name = "COMMAND", value_parser = command_line)]
    pub(crate) verify: Option<String>,
    /// Choose what happens to the old key [default: delete, with --deploy or --verify]
    #[arg(long)]
    pub(crate) retire: Option<Retire>,
    /// With --retire grace, expire the old key after this many days [default: 7]
    #[arg(long, value_name = "N", value_parser = grace_days)]
    pub(crate) grace_days: Option<i64>,
    /// Keep both keys working this long before the old one is retired, and no less than the store may
    /// take to show the new one
    #[arg(long, value_name = "SECONDS", default_value_t = OVERLAP, value_parser = pause,
        allow_negative_numbers = true)]
    pub(crate) overlap: f64,
    /// Expire the new key after this many days [default: the old key's lifetime]
    #[arg(long, value_name = "N", conflicts_with_all = ["expires_at", "never"],
        value_parser = days, allow_negative_numbers = true)]
    pub(crate) days: Option<i64>,
    /// Expire the new key at this time, such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "never", value_parser = time)]
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Never expire the new key
    #[arg(long)]
    pub(crate) never: bool,
    /// Keep journals in this folder [default: a folder in your state folder]
    ///
    /// `postgres` is no folder but the database of DATABASE_URL, or of the PG* variables.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// With --journal postgres, how long a lease is [default: 60]
    ///
    /// For so long the database may be away, and so long after a worker's death another goes on with
    /// its rotation.
    #[arg(long, value_name = "SECONDS", value_parser = lease)]
    pub(crate) lease: Option<Duration>,
    /// Show the whole plan, and what would be rejected. Nothing is changed
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) times: Times,
}

/// How long to wait for what others do.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Times {
    /// Time limit for each run of a hook [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) hook_timeout: Option<Duration>,
    /// How long the server may take to show a change, or to carry out a request whose outcome is
    /// unknown [default: 30; at least twice the timeout]
    #[arg(long, value_name = "SECONDS", value_parser = pause, allow_negative_numbers = true)]
    pub(crate) settle: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Retire {
    /// Delete it
    Delete,
    /// Keep it as it is
    Keep,
    /// Rotate on the server; the old key expires after --grace-days
    Grace,
}

#[derive(clap::Args)]
pub(crate) struct Selection {
    /// Select keys older than this, such as 60d or 12h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<TimeDelta>,
    /// Select keys that expire within this time
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expiring_within: Option<TimeDelta>,
    /// Select keys that never expire
    #[arg(long)]
    pub(crate) never_expiring: bool,
    /// Only keys with this name; `*` matches any characters
    #[arg(long, value_name = "PATTERN")]
    pub(crate) name: Option<String>,
    /// Only keys of this project
    #[arg(long, value_name = "ID")]
    pub(crate) in_project: Option<String>,
    /// Include the key that you are using
    #[arg(long)]
    pub(crate) own: bool,
}

/// Exit codes: 0 success, 1 failure, 2 usage error, and with --exit-code 4 if keys are selected.
#[derive(clap::Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Exit with 4 if the policy selects keys, and with 0 if it selects none
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Also write age, expiry, last rotation and failures to this file, as a whole, for the textfile
    /// collector of Prometheus' node exporter
    #[arg(long, value_name = "FILE.prom")]
    pub(crate) prometheus: Option<PathBuf>,
    /// With --prometheus, read the rotations from the journals in this folder [default: a folder in
    /// your state folder]
    ///
    /// `postgres` is no folder but the database of DATABASE_URL, or of the PG* variables.
    #[arg(long, value_name = "DIR", requires = "prometheus")]
    pub(crate) journal: Option<PathBuf>,
    /// Print a table of these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(columns::OF_AUDIT))]
    pub(crate) columns: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct RotateAll {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The store of each key, with {name} or {id} in it, such as file:DIR/{name}
    #[arg(long, value_name = "STORE")]
    pub(crate) store: StoreName,
    /// Rotate this many keys at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count)]
    pub(crate) concurrency: usize,
    /// Start no further rotation after this many failures
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    pub(crate) stop_after: usize,
    /// With --journal postgres, keep what has ended for this many days [default: 90]
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) keep: Option<i64>,
    #[command(flatten)]
    pub(crate) options: RotationOptions,
}
