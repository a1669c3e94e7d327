//! What the commands for interrupted rotations take.

use std::path::PathBuf;
use std::time::Duration;

use onkernel::rotation::StoreHolds;

use super::rotation::Times;
use super::values::{lease, pause};
use crate::program::command_line;
use crate::stores::name::StoreName;

/// Without options it continues every interrupted rotation: one whose old key is not retired yet may
/// be undone, the others are finished. The options below resolve one rotation that needs attention.
#[derive(clap::Args)]
pub(crate) struct Resume {
    /// Only the rotation of this store, even if it began on another host or its journal is lost
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<StoreName>,
    /// Look for journals in this folder [default: a folder in your state folder]
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
    /// Deploy the workload with this command instead
    #[arg(long, value_name = "COMMAND", value_parser = command_line)]
    pub(crate) deploy: Option<String>,
    /// The workload already uses the key that its store holds
    #[arg(long, conflicts_with = "deploy")]
    pub(crate) deployed: bool,
    /// Verify the new key with this command instead
    #[arg(long, value_name = "COMMAND", value_parser = command_line)]
    pub(crate) verify: Option<String>,
    /// Say which key you found in the store, if the rotation cannot tell
    #[arg(long, value_name = "KEY")]
    pub(crate) store_holds: Option<Held>,
    /// End the rotation as it is: change nothing, and list what stays
    #[arg(long, conflicts_with_all = ["deploy", "deployed", "verify", "store_holds"])]
    pub(crate) give_up: bool,
    #[command(flatten)]
    pub(crate) times: Times,
}

/// A key in a store.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Held {
    /// The key that is being replaced
    Old,
    /// Its replacement
    New,
    /// Another key, which stays
    Other,
}

impl From<Held> for StoreHolds {
    fn from(held: Held) -> Self {
        match held {
            Held::Old => Self::Old,
            Held::New => Self::New,
            Held::Other => Self::Other,
        }
    }
}

impl Resume {
    /// Whether an option resolves one rotation.
    pub(crate) fn resolves(&self) -> bool {
        self.changes_the_request() || self.deployed || self.store_holds.is_some() || self.give_up
    }

    /// Whether a hook is to be another one than the journal says.
    pub(crate) fn changes_the_request(&self) -> bool {
        self.deploy.is_some() || self.verify.is_some()
    }
}

#[derive(clap::Args)]
pub(crate) struct Sweep {
    /// Look for journals in this folder [default: a folder in your state folder]
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
    /// How long the server may take to show a change, or to carry out a request whose outcome is
    /// unknown [default: 30; at least twice the timeout]
    #[arg(long, value_name = "SECONDS", value_parser = pause, allow_negative_numbers = true)]
    pub(crate) settle: Option<f64>,
}
