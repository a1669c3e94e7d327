//! What went wrong, as the command line tells it: the message, then the advice, and an exit code.

use std::io;
use std::process::ExitCode;

use onkernel::rotation::RotationReport;
use onkernel::{Error, ErrorKind};
use serde_json::json;

use crate::output::Output;
use crate::style::Tint;
use crate::words::safe;

/// Why a command ends without having done what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    advice: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    /// What came of a rotation, for programs.
    report: Option<Box<serde_json::Value>>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The reader of the answer has gone away: there is nobody to tell.
    Unread,
    Failed,
    Usage,
    /// Something is half done, and a person has to look.
    Attention,
}

impl Failure {
    /// It did not work.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: None,
            status: None,
            code: None,
            request_id: None,
            report: None,
            end: End::Failed,
        }
    }

    /// It was asked for in a way that cannot work.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { end: End::Usage, ..Self::new(message) }
    }

    /// It is not finished, and a person has to look.
    pub(crate) fn attention(message: impl Into<String>) -> Self {
        Self { end: End::Attention, ..Self::new(message) }
    }

    /// Standard output cannot be written.
    pub(crate) fn output(error: io::Error) -> Self {
        let end = match error.kind() {
            io::ErrorKind::BrokenPipe => End::Unread,
            _ => End::Failed,
        };
        Self { end, ..Self::new(format!("standard output cannot be written: {error}")) }
    }

    /// What to do about it.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into()).filter(|advice| !advice.is_empty());
        self
    }

    /// The same failure, of something that is not finished.
    #[must_use]
    pub(crate) fn into_attention(self) -> Self {
        Self { end: End::Attention, ..self }
    }

    /// Many failures as one: all but the last are told now.
    pub(crate) fn all(mut failures: Vec<Self>, output: &Output) -> Result<(), Self> {
        let Some(last) = failures.pop() else { return Ok(()) };
        let attention = failures.iter().any(|failure| failure.end == End::Attention);
        for failure in failures {
            let _ = failure.report(output);
        }
        Err(if attention { last.into_attention() } else { last })
    }

    /// What a program may want to know of the rotation that this is about.
    #[must_use]
    pub(crate) fn of(mut self, report: Option<&RotationReport>) -> Self {
        self.report = report.map(|report| Box::new(json!(report)));
        self
    }

    /// The same failure, with what it led to.
    #[must_use]
    pub(crate) fn explain(mut self, message: impl FnOnce(&str) -> String) -> Self {
        self.message = message(&self.message);
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    /// The failure for programs.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut told = json!({
            "message": self.message,
            "status": self.status,
            "code": self.code,
            "request_id": self.request_id,
            "advice": self.advice,
        });
        if let Some(report) = &self.report {
            told["report"] = json!(report);
        }
        told
    }

    /// Tells it, and yields the exit code.
    pub(crate) fn report(self, output: &Output) -> ExitCode {
        let code = match self.end {
            End::Unread => return ExitCode::SUCCESS,
            End::Failed => 1,
            End::Usage => 2,
            End::Attention => 3,
        };
        if output.is_json() {
            output.complain(&json!({ "error": self.to_json() }).to_string());
        } else {
            output.complain(&format!(
                "{} {}",
                output.paint_error(Tint::Bad, "error:"),
                safe(&self.message)
            ));
            if let Some(advice) = &self.advice {
                output.complain(&safe(advice));
            }
        }
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let end = match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Configuration => End::Usage,
            _ => End::Failed,
        };
        Self {
            message: error.to_string(),
            advice: advice(&error),
            status: error.status().map(|status| status.as_u16()),
            code: error.code().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            report: None,
            end,
        }
    }
}

/// The library's advice, in this program's words where it speaks of Rust.
fn advice(error: &Error) -> Option<String> {
    let operation = error.operation().map_or("", |operation| operation.id);
    let advice = match error.kind() {
        _ if error.outcome_unknown() && operation == "create_api_key" => {
            "A key may have been created whose plaintext is lost. Look with `kernel-keys list --name NAME`, delete those you cannot account for, then create again."
        }
        _ if error.outcome_unknown() => "It may have been done. Look before you try again.",
        ErrorKind::Timeout | ErrorKind::Deadline => {
            "Try again, or allow more time with --timeout SECONDS."
        }
        ErrorKind::Connect => "Check --base-url (KERNEL_BASE_URL), the network and the proxy.",
        ErrorKind::Configuration => {
            "The key comes from KERNEL_API_KEY or --key-file FILE, the base URL from --base-url URL or KERNEL_BASE_URL: https://, or http:// on this machine."
        }
        ErrorKind::TooLarge => "Ask for less at once with --limit N.",
        _ if error.is_rate_limited() => {
            let wait = error.retry_after().map(|wait| wait.as_secs_f64().ceil());
            return Some(match wait {
                Some(seconds) => format!("Wait for {seconds} seconds, then try again."),
                None => "Wait for a few seconds, then try again.".to_owned(),
            });
        }
        _ => error.advice()?,
    };
    Some(advice.to_owned())
}
