//! Why a command failed: a message, advice, and an exit code.

use std::io;
use std::process::ExitCode;

use onkernel::rotation::RotationReport;
use onkernel::{Error, ErrorKind};
use serde::Serialize;
use serde_json::json;

use crate::output::style::Tint;
use crate::output::text::safe;
use crate::output::{Output, PrintError};

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    advice: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    rotation: Box<OfRotation>,
    exit: Exit,
}

/// What there is to know of a rotation that failed.
#[derive(Debug, Default)]
struct OfRotation {
    /// For programs.
    report: Option<serde_json::Value>,
    resolutions: Vec<Resolve>,
    /// What failed each by itself, where this is the sum of several.
    parts: Vec<Failure>,
}

/// One way to resolve what needs attention.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resolve {
    /// The whole command.
    pub(crate) command: String,
    /// What it does.
    pub(crate) explanation: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// The reader of standard output has gone away, as `head` does.
    Unread,
    /// An audit has found keys, and was to say so with its exit code only.
    Selected,
    Failed,
    Usage,
    NeedsAttention,
}

impl Failure {
    /// The command failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: None,
            status: None,
            code: None,
            request_id: None,
            rotation: Box::default(),
            exit: Exit::Failed,
        }
    }

    /// The command cannot work as it was called.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message) }
    }

    /// A rotation is not finished and needs attention.
    pub(crate) fn attention(message: impl Into<String>) -> Self {
        Self { exit: Exit::NeedsAttention, ..Self::new(message) }
    }

    /// An audit has selected keys, which it has printed.
    pub(crate) fn selected() -> Self {
        Self { exit: Exit::Selected, ..Self::new("keys are selected") }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into()).filter(|advice| !advice.is_empty());
        self
    }

    /// Adds what to do about it where nothing says so yet.
    #[must_use]
    pub(crate) fn or_advise(self, advice: impl FnOnce() -> String) -> Self {
        match self.advice.is_none() && self.rotation.resolutions.is_empty() {
            true => self.advise(advice()),
            false => self,
        }
    }

    /// The same failure, of a rotation that needs attention.
    #[must_use]
    pub(crate) fn into_attention(self) -> Self {
        Self { exit: Exit::NeedsAttention, ..self }
    }

    /// The failures of several rotations as one.
    pub(crate) fn all(mut failures: Vec<Self>) -> Result<(), Self> {
        if failures.len() < 2 {
            return failures.pop().map_or(Ok(()), Err);
        }
        let attention = failures.iter().any(|failure| failure.exit == Exit::NeedsAttention);
        let mut sum = Self::new(format!("{} rotations are not finished", failures.len()));
        sum.rotation.parts = failures;
        Err(if attention { sum.into_attention() } else { sum })
    }

    /// Adds the report of the rotation that failed.
    #[must_use]
    pub(crate) fn of(mut self, report: Option<&RotationReport>) -> Self {
        self.rotation.report = report.map(|report| json!(report));
        self
    }

    /// Adds the ways to resolve it.
    #[must_use]
    pub(crate) fn resolved_by(mut self, resolutions: Vec<Resolve>) -> Self {
        self.rotation.resolutions = resolutions;
        self
    }

    /// Adds the ways to resolve it where there are none yet.
    #[must_use]
    pub(crate) fn or_resolved_by(self, resolutions: impl FnOnce() -> Vec<Resolve>) -> Self {
        match self.advice.is_none() && self.rotation.resolutions.is_empty() {
            true => self.resolved_by(resolutions()),
            false => self,
        }
    }

    /// Rewords the message.
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
        let mut error = json!({
            "message": self.message,
            "status": self.status,
            "code": self.code,
            "request_id": self.request_id,
            "advice": self.advice,
        });
        let OfRotation { report, resolutions, parts } = &*self.rotation;
        if let Some(report) = report {
            error["report"] = report.clone();
        }
        if !resolutions.is_empty() {
            error["resolutions"] = json!(resolutions);
        }
        if !parts.is_empty() {
            error["errors"] = parts.iter().map(Self::to_json).collect();
        }
        error
    }

    /// Prints it, and yields the exit code.
    pub(crate) fn report(self, output: &Output) -> ExitCode {
        let code = match self.exit {
            Exit::Unread => return ExitCode::SUCCESS,
            Exit::Selected => return ExitCode::from(4),
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NeedsAttention => 3,
        };
        if output.is_json() {
            output.error(&json!({ "error": self.to_json() }).to_string());
        } else if self.rotation.parts.is_empty() {
            self.print(output);
        } else {
            self.rotation.parts.iter().for_each(|part| part.print(output));
        }
        ExitCode::from(code)
    }

    /// Prints it for people.
    fn print(&self, output: &Output) {
        let error = output.paint_error(Tint::Bad, "error:");
        output.error(&format!("{error} {}", safe(&self.message)));
        if let Some(advice) = &self.advice {
            output.error(&safe(advice));
        }
        if !self.rotation.resolutions.is_empty() {
            output.error("To resolve it, run one of these commands:");
        }
        for Resolve { command, explanation } in &self.rotation.resolutions {
            output.error(&format!("  {}\n      {explanation}", safe(command)));
        }
    }
}

impl From<PrintError> for Failure {
    fn from(PrintError(error): PrintError) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::Unread,
            _ => Exit::Failed,
        };
        Self { exit, ..Self::new(format!("cannot write to standard output: {error}")) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Configuration => Exit::Usage,
            _ => Exit::Failed,
        };
        Self {
            message: error.to_string().replace("`allow_plain_http(true)`", "`--allow-plain-http`"),
            advice: advice(&error),
            status: error.status().map(|status| status.as_u16()),
            code: error.code().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            rotation: Box::default(),
            exit,
        }
    }
}

/// The library's advice, with options of the command line where it speaks of Rust.
fn advice(error: &Error) -> Option<String> {
    let operation = error.operation().map_or("", |operation| operation.id);
    let advice = match error.kind() {
        _ if error.outcome_unknown() && operation == "api_keys.create" => LOST_KEY,
        _ if error.outcome_unknown() => "It may have been done. Check before you try again.",
        ErrorKind::Timeout | ErrorKind::Deadline => {
            "Try again, or allow more time with --timeout SECONDS."
        }
        ErrorKind::Connect => "Check --base-url (KERNEL_BASE_URL), the network and the proxy.",
        ErrorKind::Configuration => {
            "Set KERNEL_API_KEY or use --key-file FILE. The base URL comes from --base-url URL or KERNEL_BASE_URL: https://, or http:// for this machine; --allow-plain-http allows it for others. A profile can say all of that: kernel-keys config."
        }
        ErrorKind::TooLarge => "Request fewer keys per page with --limit N.",
        _ if error.is_rate_limited() => {
            let wait = error.retry_after().map(|wait| wait.as_secs_f64().ceil());
            return Some(match wait {
                Some(seconds) => format!("Wait {seconds} seconds, then try again."),
                None => "Wait a few seconds, then try again.".to_owned(),
            });
        }
        _ => error.advice()?,
    };
    Some(advice.to_owned())
}

/// What to do when nobody knows whether a key was created.
pub(crate) const LOST_KEY: &str = "A key may have been created whose plaintext is lost. Run `kernel-keys list --name NAME`, delete what you cannot account for, then create the key again.";
