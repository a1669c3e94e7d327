//! Why a step failed, and what that leaves to be done.

use crate::rotation::effects::stop::StopRequested;
use crate::rotation::evidence::delete::DeleteError;
use crate::rotation::journal::JournalError;
use crate::rotation::report::{Decision, Resolution};
use crate::rotation::store::StoreError;
use crate::{Error, ErrorKind};

/// Why a step failed.
pub(super) struct StepError {
    pub(super) why: String,
    /// Going back would not be safe either: a person has to choose.
    pub(super) attention: bool,
    /// Nothing but a wait that was cut short.
    pub(super) stop: bool,
    /// The ways out, beside those of the step.
    pub(super) resolutions: Vec<Resolution>,
    /// What a person has to decide first.
    pub(super) decision: Option<Decision>,
}

impl StepError {
    pub(super) fn new(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { why, attention: false, stop: false, resolutions: Vec::new(), decision: None }
    }

    pub(super) fn undecided(decision: Decision, why: impl Into<String>) -> Self {
        Self { decision: Some(decision), ..Self::new(why) }
    }

    pub(super) fn attention(why: impl Into<String>) -> Self {
        Self { attention: true, ..Self::new(why) }
    }

    pub(super) fn ended_by(mut self, resolution: Resolution) -> Self {
        self.resolutions.push(resolution);
        self
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self { stop: error.kind() == ErrorKind::Stopped, ..Self::new(error.to_string()) }
    }
}

impl From<DeleteError> for StepError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Call(error) => error.into(),
            DeleteError::Unproven(why) => Self::attention(format!("a key is not deleted: {why}")),
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<JournalError> for StepError {
    fn from(error: JournalError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<StopRequested> for StepError {
    fn from(stop: StopRequested) -> Self {
        Self { stop: true, ..Self::new(stop.to_string()) }
    }
}

pub(super) type Done = Result<(), StepError>;
