//! The four steps in which AWS Secrets Manager rotates a secret, each a function call of its own.
//!
//! There is no journal: what was done stands in the labels of the secret's versions and in the names
//! of the keys. A key is made under a lasting name that says which version is to hold it, and what a
//! version holds never changes. So of all keys that were made for a version one is the right one as
//! soon as the version has its value, whoever was killed or ran twice before, and the others go.

mod error;
mod keys;
mod mint;
mod run;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use self::run::Run;
use super::effects::Probe;
use super::effects::clock::Clock;
use super::plan::record::Lifetime;
use super::report::Event;
use super::settings::Common;
use super::store::AwsStore;
use crate::Client;

pub use self::error::AwsRotationError;

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

/// The rotation of one secret by AWS: what its rotation function calls.
///
/// AWS calls the function once for each step, again after a failure, sometimes late or twice at once.
/// Every step may be called so, and killed anywhere: the next call goes on.
///
/// The client needs a key that may manage keys: one of its own, in another secret, or the very key
/// that the secret holds. [`Credentials::from_fn`](crate::Credentials::from_fn) reads either.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use onkernel::rotation::{AwsRotation, AwsStep, AwsStore, Store};
/// use onkernel::{Client, Credentials};
///
/// # async fn example(secret_id: &str, token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let caller = Arc::new(AwsStore::new("kernel/rotation"));
/// let credentials = Credentials::from_fn(move || {
///     let caller = Arc::clone(&caller);
///     async move { caller.read().await.map(|key| key.unwrap_or_else(|| "".into())) }
/// });
/// let client = Client::builder().credentials(credentials).build()?;
/// let rotation = AwsRotation::new(&client, AwsStore::new(secret_id));
/// let report = rotation.run("createSecret".parse::<AwsStep>()?, token).await?;
/// println!("{:?}", report.outcome);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens before a step is run"]
pub struct AwsRotation {
    common: Common,
    store: AwsStore,
    lifetime: Lifetime,
    overlap: Duration,
    longest_run: Duration,
}

impl AwsRotation {
    /// The rotation of this secret, by this client.
    pub fn new(client: &Client, store: AwsStore) -> Self {
        Self {
            common: Common::new(client),
            store,
            lifetime: Lifetime::default(),
            overlap: Duration::from_secs(3600),
            longest_run: Duration::from_secs(900),
        }
    }

    /// How long new keys live; without this, as long as the key before.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long a key may still be in use after another took its place (1 h, which is what AWS's caching
    /// clients keep a value): a rotation that would delete it sooner is rejected.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap;
        self
    }

    /// The longest that a step can run: the timeout of the function (15 min, which is the longest there
    /// is). What is older belongs to no step that is under way.
    pub fn longest_run(mut self, time: Duration) -> Self {
        self.longest_run = time;
        self
    }

    /// How long what has happened on the server may stay unseen: without this 30 s, and never less than
    /// twice the client's timeout.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.common.settle = Some(time);
        self
    }

    /// Everything that is waited for and tried again is reported to this.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.common.listeners.push(Arc::new(listener));
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.common.clock = Arc::new(clock);
        self
    }

    #[doc(hidden)]
    pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
        self.common.probe = Some(probe);
        self
    }

    /// Runs a step of the rotation with this token, which is the id of the version that is to become
    /// the current one.
    ///
    /// # Errors
    /// The step is not done. AWS calls it again; where that is of no use, the error says what is to be
    /// done.
    pub async fn run(&self, step: AwsStep, token: &str) -> Result<AwsStepReport, AwsRotationError> {
        Run::new(self, token).step(step).await
    }
}

impl fmt::Debug for AwsRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsRotation").field("store", &self.store).finish_non_exhaustive()
    }
}
