//! The steps, by the names that AWS gives them, and what came of one.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One of the four steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AwsStep {
    /// Makes the new key and puts it into the pending version. Before that, the key of the version
    /// that was current before the current one is deleted.
    CreateSecret,
    /// Holds the new key against the current one: the server made it, so that nothing is to be set.
    SetSecret,
    /// Sees that the server lets the new key in. Without a pending value, as when rotation is only
    /// configured, the current key and what a rotation needs are looked at.
    TestSecret,
    /// Makes the pending version the current one.
    FinishSecret,
}

impl AwsStep {
    /// As AWS calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }
}

impl fmt::Display for AwsStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is none of the four steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStep(String);

impl fmt::Display for UnknownStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no step of a rotation: AWS sends createSecret, setSecret, testSecret and finishSecret",
            self.0
        )
    }
}

impl std::error::Error for UnknownStep {}

impl FromStr for AwsStep {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::CreateSecret, Self::SetSecret, Self::TestSecret, Self::FinishSecret]
            .into_iter()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| UnknownStep(text.chars().take(64).collect()))
    }
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AwsStepOutcome {
    /// The pending version holds a new key.
    Created,
    /// It held one already.
    AlreadyCreated,
    /// The pending key is the current one's equal, and the server lets it in.
    Compared,
    /// The server lets the pending key in.
    Tested,
    /// There is no pending value; a rotation could be done.
    ConfigurationTested,
    /// The pending version is the current one now.
    Finished,
    /// It was the current one already.
    AlreadyCurrent,
}

/// What came of a step. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AwsStepReport {
    /// What it has done.
    pub outcome: AwsStepOutcome,
    /// The id of the key that the pending version holds, where the step has looked.
    pub key_id: Option<String>,
    /// The ids of keys that were deleted: the one of the version before, and those that nobody holds.
    pub deleted: Vec<String>,
}
