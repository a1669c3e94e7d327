//! Options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;

use super::values::seconds;
use crate::output::Format;
use crate::settings::Settings;

const HEADING: &str = "Global options";

#[derive(clap::Args)]
pub(crate) struct Global {
    /// The API's base URL [default: api.onkernel.com]
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING)]
    pub(crate) base_url: Option<String>,
    /// Allow http:// to another machine, such as one inside your cluster
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) allow_plain_http: bool,
    /// Read your API key from this file instead of KERNEL_API_KEY
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub(crate) key_file: Option<PathBuf>,
    /// Use this profile of the configuration file
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub(crate) profile: Option<String>,
    /// Limit every request to this project
    #[arg(long, global = true, value_name = "ID", help_heading = HEADING)]
    pub(crate) project: Option<String>,
    /// Time limit for each attempt of a request [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, help_heading = HEADING)]
    pub(crate) timeout: Option<Duration>,
    /// Print results in this format: table, json, ndjson or csv [default: table]
    #[arg(long, global = true, value_enum, hide_possible_values = true, value_name = "FORMAT", help_heading = HEADING)]
    pub(crate) output: Option<Format>,
    /// The same as --output json: print JSON, errors included
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) json: bool,
    /// Log requests to standard error; -vv logs every detail
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = HEADING)]
    pub(crate) verbose: u8,
    /// What the configuration file says, which these options and the environment override.
    #[arg(skip)]
    pub(crate) settings: Settings,
}

impl Global {
    /// The format that these options ask for, or else the profile.
    pub(crate) fn format(&self) -> Format {
        match self.output {
            Some(format) => format,
            None if self.json => Format::Json,
            None => self.settings.profile().output.unwrap_or_default(),
        }
    }

    /// Whether two options ask for different formats.
    pub(crate) fn formats_differ(&self) -> bool {
        self.json && self.output.is_some_and(|format| format != Format::Json)
    }
}
