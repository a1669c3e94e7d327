//! When a workload sees what was written to its store.

use std::fmt;

use serde::{Deserialize, Serialize};

/// When a workload that is running sees a change of its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TakesEffect {
    /// When it reads the store the next time, which it does while it runs.
    NextRead,
    /// When it is started again.
    Restart,
    /// With its next deployment: a restart brings the old key back.
    NextDeployment,
    /// With the next job that is queued: one that waits or runs keeps the old key.
    NextJob,
}

impl TakesEffect {
    /// Whether somebody has to deploy, or to await the end of jobs, before the old key can go: an
    /// overlap does not outlast a deployment that nobody makes.
    pub fn needs_deployment(self) -> bool {
        matches!(self, Self::NextDeployment | Self::NextJob)
    }
}

impl fmt::Display for TakesEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NextRead => "next read",
            Self::Restart => "restart",
            Self::NextDeployment => "next deployment",
            Self::NextJob => "next queued job",
        })
    }
}
