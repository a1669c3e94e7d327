//! The command line, as clap reads it.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Take new API documents, report what they change, and check the repository
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 success, 1 failure or something to repair, 2 usage error."
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take a new document: check it, write it, and show what changes for callers
    Regen {
        /// Read the document from here [default: where the vendor publishes it]
        #[arg(long, value_name = "FILE|URL")]
        from: Option<String>,
        /// Show what would change, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare two documents, and show what changes for callers
    Diff {
        /// The old document
        old: PathBuf,
        /// The new document
        new: PathBuf,
        /// Print the report in this format
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Exit with 1 if a change has this effect or a graver one
        #[arg(long, value_enum, value_name = "EFFECT")]
        fail_on: Option<FailOn>,
    },
    /// Check what a pull request must satisfy, and write nothing
    Check,
    /// Draw the pictures of the documentation anew
    Pictures,
    /// Build kernel-keys, and put it with its completions and man pages into a folder
    Dist {
        /// The folder, which is created
        #[arg(long, value_name = "DIR", default_value = "target/dist")]
        out: PathBuf,
        /// Build in this profile
        #[arg(long, default_value = "release")]
        profile: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FailOn {
    Breaking,
    Behaviour,
    Additive,
    Documentation,
}
