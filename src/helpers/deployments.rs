//! A deployment, followed to its end.

use chrono::{DateTime, Utc};

use super::following::{Follower, Following, Job, Stage};
use crate::resources::deployments::Deployments;
use crate::types::{
    Deployment, DeploymentEvent, DeploymentStateEvent, DeploymentStateEventEvent, DeploymentStatus,
};
use crate::{EventStream, Result};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::resources::deployments::Deployments {}
}

/// Follows deployments.
pub trait DeploymentsExt: sealed::Sealed {
    /// What happens in a deployment, until it runs, has failed or was stopped: the last event is
    /// that state, also where the connection is lost or the stream ends before. See [`Following`].
    ///
    /// [`follow`](Deployments::follow) is the one call that this is made of.
    ///
    /// ```no_run
    /// use onkernel::Upload;
    /// use onkernel::prelude::*;
    /// use onkernel::types::{DeploymentEvent, DeploymentStatus};
    ///
    /// # async fn example(kernel: Client) -> onkernel::Result<()> {
    /// let call = kernel.deployments().create().file(Upload::file("app.zip"));
    /// let deployment = call.entrypoint_rel_path("main.ts").send().await?;
    /// let mut events = kernel.deployments().follow_to_end(&deployment.id);
    /// while let Some(event) = events.next().await {
    ///     match event? {
    ///         DeploymentEvent::Log(line) => println!("{}", line.message),
    ///         DeploymentEvent::DeploymentState(state)
    ///             if state.deployment.status == DeploymentStatus::Failed =>
    ///         {
    ///             eprintln!("it failed: {:?}", state.deployment.status_reason);
    ///         }
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn follow_to_end(&self, id: impl Into<String>) -> Following<DeploymentEvent>;
}

impl DeploymentsExt for Deployments {
    fn follow_to_end(&self, id: impl Into<String>) -> Following<DeploymentEvent> {
        let job = Deploying { deployments: self.clone(), id: id.into() };
        Follower::new(job, self.client.sender.options.retry).stream()
    }
}

struct Deploying {
    deployments: Deployments,
    id: String,
}

impl Job for Deploying {
    type Event = DeploymentEvent;
    type State = Deployment;

    fn events(
        &self,
        since: Option<String>,
    ) -> impl Future<Output = Result<EventStream<DeploymentEvent>>> + Send {
        self.deployments.follow(&self.id).set_since(since).events()
    }

    fn state(&self) -> impl Future<Output = Result<Deployment>> + Send {
        self.deployments.get(&self.id).send()
    }

    fn time(event: &DeploymentEvent) -> Option<DateTime<Utc>> {
        match event {
            DeploymentEvent::Log(it) => Some(it.timestamp),
            DeploymentEvent::DeploymentState(it) => Some(it.timestamp),
            DeploymentEvent::AppVersionSummary(it) => Some(it.timestamp),
            DeploymentEvent::Error(it) => Some(it.timestamp),
            _ => None,
        }
    }

    fn reported(event: &DeploymentEvent) -> Option<&Deployment> {
        match event {
            DeploymentEvent::DeploymentState(it) => Some(&it.deployment),
            _ => None,
        }
    }

    fn report(deployment: Deployment) -> DeploymentEvent {
        DeploymentEvent::DeploymentState(DeploymentStateEvent {
            event: DeploymentStateEventEvent::DeploymentState,
            deployment,
            timestamp: Utc::now(),
        })
    }

    fn stage(deployment: &Deployment) -> Stage {
        use DeploymentStatus::{Failed, InProgress, Queued, Running, Stopped, Unknown};
        match deployment.status {
            Queued | InProgress => Stage::GoesOn,
            Running | Failed | Stopped => Stage::Ended,
            Unknown(_) => Stage::Unknown,
        }
    }
}
