//! The command line.

use crate::{Outcome, Trouble, check, fetch, files, regen};
use chrono::Utc;
use clap::{Parser, Subcommand, ValueEnum};
use onkernel_codegen::Source;
use onkernel_codegen::diff::Effect;
use std::path::{Path, PathBuf};

/// Takes new API documents, says what they change, and checks the repository.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 done, 1 failed or out of order, 2 wrong usage."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a new document: check it, write it, show what changes for callers
    Regen {
        /// Where to read it; without this, from where the vendor publishes it
        #[arg(long, value_name = "FILE|URL")]
        from: Option<String>,
        /// Say what would change, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say what changed between two documents, and what that does to callers
    Diff {
        /// The document before
        old: PathBuf,
        /// The document after
        new: PathBuf,
        /// How to say it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Exit with 1 if a change is as grave as this, or graver
        #[arg(long, value_enum, value_name = "EFFECT")]
        fail_on: Option<FailOn>,
    },
    /// Check what a pull request must satisfy; writes nothing
    Check,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Breaking,
    Behaviour,
    Additive,
    Documentation,
}

/// Does what the command line says, in the workspace at `root`.
///
/// # Errors
/// Why it could not be done, with the exit code.
pub fn run(cli: Cli, root: &Path) -> Result<Outcome, Trouble> {
    match cli.command {
        Command::Regen { from, dry_run } => {
            let input = match from.as_deref() {
                None => fetch::published()?,
                Some(place) => fetch::from(place, root)?,
            };
            let plan = regen::plan(root, input, Utc::now().date_naive())?;
            if !dry_run {
                files::write_all(root, &plan.writes)?;
            }
            Ok(Outcome { text: plan.summary(dry_run), code: 0 })
        }
        Command::Diff { old, new, format, fail_on } => compare(root, &old, &new, format, fail_on),
        Command::Check => {
            let report = check::run(root);
            Ok(Outcome { text: report.to_string(), code: u8::from(!report.is_fine()) })
        }
    }
}

fn compare(
    root: &Path,
    old: &Path,
    new: &Path,
    format: Format,
    fail_on: Option<FailOn>,
) -> Result<Outcome, Trouble> {
    let read = |path: &Path| -> Result<Source, Trouble> {
        let text = files::read(path).map_err(Trouble::usage)?;
        Ok(Source { name: path.display().to_string(), text })
    };
    let report = regen::compare(&read(old)?, &read(new)?, &files::overlays(root)?)
        .map_err(|trouble| Trouble { code: 2, ..trouble })?;
    let limit = fail_on.map(|limit| match limit {
        FailOn::Breaking => Effect::Breaking,
        FailOn::Behaviour => Effect::Behaviour,
        FailOn::Additive => Effect::Additive,
        FailOn::Documentation => Effect::Documentation,
    });
    // The gravest effect is the least.
    let applies =
        limit.is_some_and(|limit| report.changes.iter().any(|change| change.effect <= limit));
    let text = match format {
        Format::Text => report.to_text(),
        Format::Markdown => report.to_markdown(),
        Format::Json => report.to_json(),
    };
    Ok(Outcome { text, code: u8::from(applies) })
}
