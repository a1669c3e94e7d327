//! What was found out, and what mends it.

use serde::Serialize;

use crate::failure::Failure;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Good,
    /// It works, and should be otherwise.
    Warning,
    Wrong,
    /// It cannot be looked at before something else is mended.
    Skipped,
}

/// What was found out about one thing.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) message: String,
    /// The command, or what else mends it.
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Good, message: message.into(), mend: None }
    }

    pub(super) fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Self { status: Status::Skipped, ..Self::good(check, message) }
    }

    pub(super) fn warning(
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        let mend = Some(mend.into());
        Self { status: Status::Warning, mend, ..Self::good(check, message) }
    }

    pub(super) fn wrong(
        check: &'static str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { status: Status::Wrong, ..Self::warning(check, message, mend) }
    }

    /// What a failure says.
    pub(super) fn failed(check: &'static str, failure: &Failure) -> Self {
        Self::wrong(check, failure.message(), failure.advice().unwrap_or_default())
    }
}
