//! The workload's part: deploying it, verifying that it works, and letting both keys work for a
//! while, on the way there and on the way back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::core::Engine;
use super::step_error::{Done, StepError};
use crate::rotation::evidence::sight::let_in;
use crate::rotation::plan::record::Retirement;
use crate::rotation::settings::{DeployTarget, HookError};

impl Engine {
    pub(super) async fn deploy(&mut self) -> Done {
        self.facts.deployed = true;
        self.run_deploy(DeployTarget::New).await?;
        self.facts.deploy_done = true;
        Ok(())
    }

    pub(super) async fn redeploy(&mut self) -> Done {
        self.run_deploy(DeployTarget::Old).await.map_err(|error| {
            let why = format!("{}, so the workload may still have the new key", error.why);
            StepError::attention(why)
        })?;
        self.facts.redeployed = true;
        Ok(())
    }

    pub(super) async fn verify(&mut self) -> Done {
        if let Some(new) = self.new_secret.clone() {
            let until = self.visible(self.new_seen);
            if !let_in(&self.api(), &new, until).await? {
                return Err(StepError::new("the server rejects the new key (401)"));
            }
            if let Some(verify) = &self.setup.verify {
                let client = self.setup.client.with_key(&new)?;
                let hook = async { self.within(DeployTarget::New, verify(client)).await };
                let verified = self.setup.effects.effect("verify", hook).await;
                verified
                    .map_err(|why| StepError::new(format!("the verification failed: {why}")))?;
            }
        }
        self.facts.verified = true;
        Ok(())
    }

    pub(super) async fn overlap(&mut self) -> Done {
        let overlap = match self.plan.retirement {
            Retirement::Delete => self.least_overlap(),
            // The old key goes on working.
            Retirement::Keep | Retirement::Grace { .. } => self.setup.overlap,
        };
        self.setup.effects.wait("for the overlap", overlap).await?;
        self.facts.overlapped = true;
        Ok(())
    }

    /// The way back is as gentle as the way there.
    pub(super) async fn overlap_back(&mut self) -> Done {
        let overlap = self.least_overlap();
        self.setup.effects.wait("for the overlap on the way back", overlap).await?;
        self.facts.overlapped_back = true;
        Ok(())
    }

    /// The overlap, and no less than the store may take to show everywhere what was written to it.
    fn least_overlap(&self) -> Duration {
        let shown = self.written.saturating_add(self.setup.times.propagation);
        self.setup.overlap.max(shown.saturating_sub(self.setup.effects.elapsed()))
    }

    async fn run_deploy(&self, target: DeployTarget) -> Done {
        let Some(deploy) = &self.setup.deploy else { return Ok(()) };
        let hook = async { self.within(target, deploy(target)).await };
        let deployed = self.setup.effects.effect("deploy", hook).await;
        deployed.map_err(|why| StepError::new(format!("the deployment failed: {why}")))
    }

    /// Runs a hook within its time; a forward one only as long as the deadline allows, too.
    async fn within(
        &self,
        target: DeployTarget,
        hook: impl Future<Output = Result<(), HookError>>,
    ) -> Result<(), String> {
        let setup = Arc::clone(&self.setup);
        let mut limit = (setup.hook_timeout, "took longer than its time and was stopped");
        if let (Some(end), DeployTarget::New) = (self.deadline, target) {
            let left = end.saturating_sub(setup.effects.elapsed());
            if left < limit.0 {
                limit = (left, "was still running at the deadline");
            }
        }
        match timeout(limit.0, hook).await {
            Ok(result) => result.map_err(|error| self.scrub(&error.to_string())),
            Err(_) => Err(format!("the hook {}", limit.1)),
        }
    }
}
