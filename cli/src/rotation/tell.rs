//! How a rotation is shown: each step as it happens, and the report.

use std::path::Path;

use onkernel::rotation::{Event, Fate, Outcome, RotationError, RotationReport};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;
use crate::style::Tint;
use crate::words::safe;

/// One line for a thing that happens; none for what only begins.
pub(crate) fn line(output: &Output, event: &Event) -> Option<String> {
    Some(match event {
        Event::Done { step, took } => {
            format!("{} {step} ({:.1} s)", output.paint_error(Tint::Good, "✓"), took.as_secs_f64())
        }
        Event::Failed { step, why, .. } => {
            format!("{} {step}: {}", output.paint_error(Tint::Bad, "✗"), safe(why))
        }
        Event::Note { text } => format!("  {}", safe(text)),
        _ => return None,
    })
}

/// What became of it, for people or programs.
pub(crate) fn report(output: &Output, report: &RotationReport) -> Result<(), Failure> {
    if output.is_json() {
        return output.answer_json(report);
    }
    let fate = |fate: Fate| match fate {
        Fate::NeverMade => "never made",
        Fate::InUse => "in use",
        Fate::Kept => "kept",
        Fate::Expires => "expires after the grace period",
        Fate::Deleted => "deleted",
        _ => "unknown",
    };
    let head = match report.outcome {
        Outcome::Rotated => format!("{} is rotated.", safe(&report.name)),
        Outcome::AsBefore => format!("{} is as before.", safe(&report.name)),
        _ => format!("{} needs attention.", safe(&report.name)),
    };
    output.answer(&head)?;
    output.answer(&format!("  old key {}: {}", safe(&report.old_id), fate(report.old)))?;
    if let Some(new) = &report.new_id {
        output.answer(&format!("  new key {}: {}", safe(new), fate(report.new)))?;
    }
    report.todo.iter().try_for_each(|todo| output.answer(&format!("  to do: {}", safe(todo))))
}

/// The end of a rotation as an exit code: 0 rotated, 1 as before, 3 for a person to look at, with
/// the command that goes on.
pub(crate) fn end(
    output: &Output,
    ended: Result<RotationReport, RotationError>,
    resume: &str,
) -> Result<(), Failure> {
    let done = ended.map_err(|error| failure(&error, resume))?;
    report(output, &done)?;
    settled(&done, resume)
}

/// A rotation that is over, and may have left something to do.
pub(crate) fn settled(report: &RotationReport, resume: &str) -> Result<(), Failure> {
    match report.is_settled() {
        true => Ok(()),
        false => Err(Failure::attention(report.todo.join("; ")).advise(go_on(resume))),
    }
}

/// A rotation that did not go through.
pub(crate) fn failure(error: &RotationError, resume: &str) -> Failure {
    let failure = match error.needs_attention() {
        true if error.is_stopped() => Failure::attention(error.to_string()).advise(go_on(resume)),
        true => Failure::attention(error.to_string())
            .advise(format!("When what is in the way is gone, run: {resume}")),
        false => Failure::new(error.to_string()),
    };
    failure.of(error.report())
}

/// What a second signal dropped where it was. Every point is a safe one to go on from.
pub(crate) fn dropped(journals: &Path, resume: &str) -> Failure {
    Failure::attention(format!(
        "stopped at once; what was under way is in the journals in {}",
        journals.display()
    ))
    .advise(go_on(resume))
}

/// What a second signal will do is said at the first.
pub(crate) const STOPPING: &str =
    "Stopping at the next safe point. Once more stops at once; the journal makes that safe.";

/// What to do about what is not finished.
pub(crate) fn go_on(resume: &str) -> String {
    format!("To finish or undo what is under way, run: {resume}")
}

/// What a program is told of a rotation that failed.
pub(crate) fn failure_json(error: &RotationError) -> serde_json::Value {
    json!({ "message": error.to_string(), "report": error.report() })
}
