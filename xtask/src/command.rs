//! Runs what the command line says.

use crate::args::{Cli, Command, FailOn, Format};
use crate::error::{Error, Outcome};
use crate::{check, dist, fetch, files, pictures, regen};
use chrono::Utc;
use onkernel_codegen::Source;
use onkernel_codegen::diff::Effect;
use std::path::Path;

/// Runs a command in the workspace at `root`.
///
/// # Errors
/// Why it failed, with the exit code.
pub fn run(cli: Cli, root: &Path) -> Result<Outcome, Error> {
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
        Command::Dist { out, profile } => dist::run(root, &out, &profile),
        Command::Pictures => pictures::run(root),
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
) -> Result<Outcome, Error> {
    let read = |path: &Path| -> Result<Source, Error> {
        let text = files::read(path).map_err(Error::usage)?;
        Ok(Source { name: path.display().to_string(), text })
    };
    let report = regen::compare(&read(old)?, &read(new)?, &files::overlays(root)?)
        .map_err(|error| Error { code: 2, ..error })?;
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
