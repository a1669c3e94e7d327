//! Options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;

use super::values::seconds;

const HEADING: &str = "Global options";

#[derive(clap::Args)]
pub(crate) struct Global {
    /// The API's base URL [default: api.onkernel.com]
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING)]
    pub(crate) base_url: Option<String>,
    /// Read your API key from this file instead of KERNEL_API_KEY
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub(crate) key_file: Option<PathBuf>,
    /// Limit every request to this project
    #[arg(long, global = true, value_name = "ID", help_heading = HEADING)]
    pub(crate) project: Option<String>,
    /// Time limit for each attempt of a request [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, help_heading = HEADING)]
    pub(crate) timeout: Option<Duration>,
    /// Print JSON, errors included
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) json: bool,
    /// Log requests to standard error; -vv logs every detail
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = HEADING)]
    pub(crate) verbose: u8,
}
