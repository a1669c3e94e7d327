//! What the commands about stores take.

use clap::Subcommand;

use super::help;
use crate::stores::name::StoreName;

#[derive(clap::Args)]
pub(crate) struct StoreCommand {
    #[command(subcommand)]
    pub(crate) command: StoreAction,
}

#[derive(Subcommand)]
pub(crate) enum StoreAction {
    /// Try a store without a rotation
    ///
    /// It is locked as by a rotation, read, and what it holds is written back unchanged; where it
    /// holds nothing, nothing is written. Then it is watched until its propagation time is over, or for
    /// a minute, and if it shows something else the value is put back. Exit codes: 0 all of that works,
    /// 1 something does not.
    #[command(after_long_help = help::STORE_TEST)]
    Test {
        /// The store, as --store of rotate
        store: StoreName,
    },
}
