//! Why a step was not done.

use std::fmt;

use crate::Error;
use crate::rotation::effects::stop::StopRequested;
use crate::rotation::evidence::delete::DeleteError;
use crate::rotation::report::RotationError;
use crate::rotation::store::StoreError;

/// Why a step of a rotation by AWS was not done: one sentence, without a secret.
pub struct AwsRotationError {
    problem: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AwsRotationError {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), source: None }
    }

    fn caused_by(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { problem: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl From<Error> for AwsRotationError {
    fn from(error: Error) -> Self {
        Self::caused_by(error)
    }
}

impl From<StoreError> for AwsRotationError {
    fn from(error: StoreError) -> Self {
        Self::caused_by(error)
    }
}

impl From<RotationError> for AwsRotationError {
    fn from(error: RotationError) -> Self {
        Self::caused_by(error)
    }
}

impl From<StopRequested> for AwsRotationError {
    fn from(stop: StopRequested) -> Self {
        Self::new(stop.to_string())
    }
}

impl From<DeleteError> for AwsRotationError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Call(error) => error.into(),
            DeleteError::Unproven(why) => Self::new(format!("a key is not deleted: {why}")),
        }
    }
}

impl fmt::Display for AwsRotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl fmt::Debug for AwsRotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsRotationError").field("problem", &self.problem).finish_non_exhaustive()
    }
}

impl std::error::Error for AwsRotationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Its own text is already in ours.
        self.source.as_ref().and_then(|source| source.source())
    }
}
