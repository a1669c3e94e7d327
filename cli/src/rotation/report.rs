//! How a rotation is shown: a line for each step, the report, and what to do when it failed.

use onkernel::rotation::{
    Decision, Disposition, Event, Outcome, Resolution, RotationError, RotationReport, Step,
};
use serde_json::json;

use super::events;
use super::journals::Kept;
use super::resolutions::ResumeCommand;
use crate::failure::Failure;
use crate::output::style::Tint;
use crate::output::text::safe;
use crate::output::time::exact;
use crate::output::{Output, PrintError};
use crate::stores::name::StoreName;

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
        Disposition::Expired => "has expired",
        Disposition::Deleted => "deleted",
        Disposition::Unknown => "not looked at",
        _ => "unknown",
    };
    let outcome = match report.outcome {
        Outcome::Rotated => "is rotated",
        Outcome::AsBefore => "is as before",
        Outcome::Stopped => "is stopped",
        Outcome::GivenUp => "is given up",
        _ => "needs attention",
    };
    output.print(&format!("{} {outcome}.", safe(&report.name)))?;
    let old = match (report.old, report.old_ends) {
        (Disposition::Expires, Some(end)) => {
            format!("{}, at {}", disposition(report.old), exact(end))
        }
        (old, None) => disposition(old).to_owned(),
        (old, Some(end)) => format!("{}, and expires at {}", disposition(old), exact(end)),
    };
    output.print(&format!("  old key {}: {old}", safe(&report.old_id)))?;
    if let Some(new) = &report.new_id {
        output.print(&format!("  new key {}: {}", safe(new), disposition(report.new)))?;
    }
    report.todo.iter().try_for_each(|todo| output.print(&format!("  to do: {}", safe(todo))))
}

/// The result of a rotation as an exit code: 0 rotated, 1 as before, 3 needs attention.
pub(crate) fn conclude(
    output: &Output,
    result: Result<RotationReport, RotationError>,
    store: &StoreName,
    resume: &ResumeCommand,
) -> Result<(), Failure> {
    let report = result.map_err(|error| {
        if events::are_wanted(output) {
            events::failed(output, &store.to_string(), &error);
        }
        failure(&error, Some(store), resume)
    })?;
    match events::are_wanted(output) {
        true => events::ended(output, &store.to_string(), &report),
        false => report_print_error(output, print(output, &report)),
    }
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
pub(crate) fn is_settled(report: &RotationReport, resume: &ResumeCommand) -> Result<(), Failure> {
    match report.is_settled() || report.outcome == Outcome::GivenUp {
        true => Ok(()),
        false => Err(Failure::attention(report.todo.join("; ")).advise(resume_advice(resume))),
    }
}

/// Whether it needs attention, or an earlier rotation does, which it found unfinished.
pub(crate) fn needs_attention(error: &RotationError) -> bool {
    let unfinished = matches!(error.decision(), Some(Decision::Unfinished | Decision::Marked));
    error.needs_attention() || unfinished
}

/// A rotation that failed, with the ways to resolve it where it needs attention.
pub(crate) fn failure(
    error: &RotationError,
    store: Option<&StoreName>,
    resume: &ResumeCommand,
) -> Failure {
    let failure = match needs_attention(error) {
        false => Failure::new(error.to_string()),
        true => Failure::attention(error.to_string()),
    };
    let failure = match (store, error.resolutions()) {
        _ if error.is_stopped() => failure.advise(resume_advice(resume)),
        (Some(store), resolutions @ [_, ..]) => {
            failure.resolved_by(resume.resolve(store, resolutions))
        }
        _ if error.needs_attention() => failure.advise(resume_advice(resume)),
        (store, _) => match (error.decision(), store) {
            (Some(Decision::Unfinished), _) => failure.advise(resume_advice(resume)),
            (Some(Decision::Marked), Some(store)) => {
                failure.resolved_by(resume.resolve(store, &[Resolution::Adopt]))
            }
            (Some(decision), _) => match option(decision) {
                Some(option) => failure.advise(option),
                None => failure,
            },
            (None, _) => failure,
        },
    };
    failure.of(error.report())
}

/// A rotation that cannot be resumed as its journal describes it.
pub(crate) fn cannot_resume(
    why: impl Into<String>,
    store: &StoreName,
    resolutions: &[Resolution],
    resume: &ResumeCommand,
) -> Failure {
    Failure::attention(why).resolved_by(resume.resolve(store, resolutions))
}

/// The option that decides it.
pub(crate) fn option(decision: Decision) -> Option<&'static str> {
    match decision {
        Decision::Key => Some("Name the key by its id: kernel-keys rotate ID --store …"),
        Decision::InPlace => Some(
            "Use --store in-place:file:PATH. Whoever reads the file at that moment, or a power cut, may find half a key.",
        ),
        Decision::NewStore => Some("Use --store-is-new."),
        Decision::Retirement => Some("Use --retire delete, keep or grace."),
        Decision::Deployment => Some(
            "Use --deploy COMMAND, whose command makes a new deployment or awaits the queued jobs; or --retire keep or grace.",
        ),
        Decision::Lifetime => Some("Use --days N, --expires-at TIME or --never."),
        Decision::LifetimeInDays => Some("Use --days N."),
        Decision::GracePeriod => Some("Use --days N, or a smaller --grace-days N."),
        Decision::ServerRotation => Some("Use --retire grace."),
        Decision::UnderWay => Some("Wait until it has ended."),
        Decision::Difference => Some("Use --allow-difference FIELD, or --retire grace."),
        _ => None,
    }
}

/// Work that a second signal has dropped. It can be resumed from any point.
pub(crate) fn dropped(journals: &Kept, resume: &ResumeCommand) -> Failure {
    Failure::attention(format!(
        "stopped at once; the unfinished rotations are in the journals in {journals}"
    ))
    .advise(resume_advice(resume))
}

/// What the first signal prints.
pub(crate) const STOPPING: &str = "Stopping at the next safe point. Press Ctrl-C again to stop at once; the journal makes that safe.";

/// How to continue an unfinished rotation.
pub(crate) fn resume_advice(resume: &ResumeCommand) -> String {
    format!("To finish or undo the rotation, run: {}", resume.all())
}

/// A failed rotation, for programs.
pub(crate) fn failure_json(
    error: &RotationError,
    store: Option<&StoreName>,
    resume: &ResumeCommand,
) -> serde_json::Value {
    let resolutions = store.map(|store| resume.resolve(store, error.resolutions()));
    json!({
        "message": error.to_string(),
        "report": error.report(),
        "resolutions": resolutions.unwrap_or_default(),
    })
}
