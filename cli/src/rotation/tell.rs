//! How a rotation is shown: each step as it happens, and the report.

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

/// The end of a rotation as an exit code: 0 rotated, 1 as before, 3 for a person to look at.
pub(crate) fn end(
    output: &Output,
    ended: Result<RotationReport, RotationError>,
) -> Result<(), Failure> {
    match ended {
        Ok(done) => {
            report(output, &done)?;
            match done.is_settled() {
                true => Ok(()),
                false => Err(Failure::attention(done.todo.join("; "))),
            }
        }
        Err(error) => Err(failure(&error)),
    }
}

/// A rotation that did not go through.
pub(crate) fn failure(error: &RotationError) -> Failure {
    match error.needs_attention() {
        true => Failure::attention(error.to_string())
            .advise("Run `kernel-keys resume` when what is in the way is gone."),
        false => Failure::new(error.to_string()),
    }
}

/// What a program is told of a rotation that failed.
pub(crate) fn failure_json(error: &RotationError) -> serde_json::Value {
    json!({ "message": error.to_string(), "report": error.report() })
}
