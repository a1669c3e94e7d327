//! The events of rotations for programs: with `--output ndjson` a line of JSON each, as it happens.
//! docs/events.md documents them, and a test holds their shapes.

use chrono::{SecondsFormat, Utc};
use onkernel::rotation::{Event, RotationError, RotationReport};
use serde_json::{Value, json};

use crate::output::{Format, Output};

/// Prints an event. Whether somebody reads it must not decide about a rotation.
fn print(output: &Output, store: &str, mut event: Value) {
    event["at"] = json!(Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
    event["store"] = json!(store);
    let _ = output.print(&event.to_string());
}

/// Whether programs get events.
pub(crate) fn are_wanted(output: &Output) -> bool {
    output.format() == Format::Ndjson
}

/// Something that happens in the rotation of a store.
pub(crate) fn happened(output: &Output, store: &str, event: &Event) {
    let event = match event {
        Event::Started { step } => json!({ "event": "started", "step": step }),
        Event::Done { step, took } => {
            json!({ "event": "done", "step": step, "seconds": took.as_secs_f64() })
        }
        Event::Failed { step, took, why } => {
            json!({ "event": "failed", "step": step, "seconds": took.as_secs_f64(), "why": why })
        }
        Event::Waiting { why, left } => {
            json!({ "event": "waiting", "why": why, "seconds_left": left.as_secs_f64() })
        }
        Event::Note { text } => json!({ "event": "note", "text": text }),
        _ => return,
    };
    print(output, store, event);
}

/// How a rotation has ended: always its last event.
pub(crate) fn ended(output: &Output, store: &str, report: &RotationReport) {
    print(output, store, result(json!(report.outcome), Some(report), None));
}

/// How a rotation has failed: its last event.
pub(crate) fn failed(output: &Output, store: &str, error: &RotationError) {
    let report = error.report();
    let outcome = report.map_or(json!("rejected"), |report| json!(report.outcome));
    print(output, store, result(outcome, report, Some(error.to_string())));
}

/// A rotation that did not begin, and why.
pub(crate) fn not_begun(output: &Output, store: &str, key: (&str, &str), outcome: &str, why: &str) {
    let mut event = result(json!(outcome), None, Some(why.to_owned()));
    (event["id"], event["name"]) = (json!(key.0), json!(key.1));
    print(output, store, event);
}

fn result(outcome: Value, report: Option<&RotationReport>, why: Option<String>) -> Value {
    json!({
        "event": "result",
        "outcome": outcome,
        "id": report.map(|report| &report.old_id),
        "name": report.map(|report| &report.name),
        "report": report,
        "why": why,
    })
}
