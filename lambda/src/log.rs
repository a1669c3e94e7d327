//! The log: one JSON object a line, as CloudWatch reads it. No line holds a secret.

use chrono::{SecondsFormat, Utc};
use onkernel::rotation::AwsStepReport;
use serde::Serialize;

use crate::event::Event;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: &'a str,
    #[serde(flatten)]
    call: Option<&'a Call>,
    #[serde(flatten)]
    report: Option<&'a AwsStepReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u128>,
}

/// Which call a line is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    request_id: String,
    secret: String,
    version: String,
    step: String,
}

impl Call {
    pub(crate) fn new(request_id: String, event: &Event) -> Self {
        let Event { secret_id: secret, client_request_token: version, step } = event.clone();
        Self { request_id, secret, version, step }
    }

    /// Something worth knowing.
    pub(crate) fn note(&self, message: &str) {
        self.write("INFO", message, None, None);
    }

    /// The step is done.
    pub(crate) fn done(&self, report: &AwsStepReport, milliseconds: u128) {
        self.write("INFO", "done", Some(report), Some(milliseconds));
    }

    /// The step is not done.
    pub(crate) fn failed(&self, why: &str, milliseconds: u128) {
        self.write("ERROR", why, None, Some(milliseconds));
    }

    fn write(
        &self,
        level: &'static str,
        message: &str,
        report: Option<&AwsStepReport>,
        milliseconds: Option<u128>,
    ) {
        let timestamp = now();
        write(&Line { timestamp, level, message, call: Some(self), report, milliseconds });
    }
}

/// Something that is about no call.
pub(crate) fn failed(why: &str) {
    let (timestamp, level) = (now(), "ERROR");
    let line =
        Line { timestamp, level, message: why, call: None, report: None, milliseconds: None };
    write(&line);
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn write(line: &Line<'_>) {
    // What is no JSON cannot be written; nothing of this is.
    if let Ok(line) = serde_json::to_string(line) {
        println!("{line}");
    }
}
