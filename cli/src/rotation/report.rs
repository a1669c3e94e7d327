//! How a rotation is shown: a line for each step, the report, and what to do when it failed.

use std::path::Path;

use onkernel::rotation::{Disposition, Event, Outcome, RotationError, RotationReport, Step};
use serde_json::json;

use crate::failure::Failure;
use crate::output::style::Tint;
use crate::output::text::safe;
use crate::output::{Output, PrintError};

/// One line for an event; none for the start of a step.
pub(crate) fn event_line(output: &Output, event: &Event) -> Option<String> {
    Some(match event {
        Event::Done { step, took } => {
            format!("{} {step} ({:.1} s)", output.paint_error(Tint::Good, "✓"), took.as_secs_f64())
        }
        // The error that follows has the reason.
        Event::Failed { step: Step::Plan, .. } => return None,
        Event::Failed { step, why, .. } => {
            format!("{} {step}: {}", output.paint_error(Tint::Bad, "✗"), safe(why))
        }
        Event::Note { text } => format!("  {}", safe(text)),
        _ => return None,
    })
}

/// Prints the report, for people or programs.
pub(crate) fn print(output: &Output, report: &RotationReport) -> Result<(), PrintError> {
    if output.is_json() {
        return output.print_json(report);
    }
    let disposition = |key: Disposition| match key {
        Disposition::NeverMade => "never created",
        Disposition::InUse => "in use",
        Disposition::Kept => "kept",
        Disposition::Expires => "expires after the grace period",
        Disposition::Deleted => "deleted",
        _ => "unknown",
    };
    let head = match report.outcome {
        Outcome::Rotated => format!("{} is rotated.", safe(&report.name)),
        Outcome::AsBefore => format!("{} is as before.", safe(&report.name)),
        _ => format!("{} needs attention.", safe(&report.name)),
    };
    output.print(&head)?;
    output.print(&format!("  old key {}: {}", safe(&report.old_id), disposition(report.old)))?;
    if let Some(new) = &report.new_id {
        output.print(&format!("  new key {}: {}", safe(new), disposition(report.new)))?;
    }
    report.todo.iter().try_for_each(|todo| output.print(&format!("  to do: {}", safe(todo))))
}

/// The result of a rotation as an exit code: 0 rotated, 1 as before, 3 needs attention.
pub(crate) fn conclude(
    output: &Output,
    result: Result<RotationReport, RotationError>,
    resume: &str,
) -> Result<(), Failure> {
    let report = result.map_err(|error| failure(&error, resume))?;
    report_print_error(output, print(output, &report));
    is_settled(&report, resume)
}

/// Reports that a result could not be printed, without failing: the exit code says what happened to
/// the keys.
pub(crate) fn report_print_error(output: &Output, printed: Result<(), PrintError>) {
    if let Err(error) = printed {
        let _ = Failure::from(error).report(output);
    }
}

/// Fails when a rotation has left something to do.
pub(crate) fn is_settled(report: &RotationReport, resume: &str) -> Result<(), Failure> {
    match report.is_settled() {
        true => Ok(()),
        false => Err(Failure::attention(report.todo.join("; ")).advise(resume_advice(resume))),
    }
}

/// A rotation that failed.
pub(crate) fn failure(error: &RotationError, resume: &str) -> Failure {
    let failure = match error.needs_attention() {
        true if error.is_stopped() => {
            Failure::attention(error.to_string()).advise(resume_advice(resume))
        }
        true => Failure::attention(error.to_string())
            .advise(format!("Remove the cause, then run: {resume}")),
        false => {
            let failure = Failure::new(error.to_string());
            match option(failure.message(), resume) {
                Some(option) => failure.advise(option),
                None => failure,
            }
        }
    };
    failure.of(error.report())
}

/// The option that provides what the library asks for.
fn option(problem: &str, resume: &str) -> Option<String> {
    let options = [
        ("say how long", "Use --days N, --expires-at TIME or --never."),
        ("say that it is new", "Use --store-is-new."),
        ("say that the store is new", "Use --store-is-new."),
        ("say which one", "Name the key by its id: kernel-keys rotate ID --store …"),
        ("allow that by name", "Use --allow-difference FIELD, or --retire grace."),
        ("its lifetime in days", "Use --days N."),
    ];
    if problem.contains("resume it first") {
        return Some(resume_advice(resume));
    }
    let found = options.into_iter().find(|(words, _)| problem.contains(words));
    found.map(|(_, option)| option.to_owned())
}

/// Work that a second signal has dropped. It can be resumed from any point.
pub(crate) fn dropped(journals: &Path, resume: &str) -> Failure {
    Failure::attention(format!(
        "stopped at once; the unfinished rotations are in the journals in {}",
        journals.display()
    ))
    .advise(resume_advice(resume))
}

/// What the first signal prints.
pub(crate) const STOPPING: &str = "Stopping at the next safe point. Press Ctrl-C again to stop at once; the journal makes that safe.";

/// How to continue an unfinished rotation.
pub(crate) fn resume_advice(resume: &str) -> String {
    format!("To finish or undo the rotation, run: {resume}")
}

/// A failed rotation, for programs.
pub(crate) fn failure_json(error: &RotationError) -> serde_json::Value {
    json!({ "message": error.to_string(), "report": error.report() })
}
