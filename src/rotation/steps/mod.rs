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
mod settings;
mod step;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::run::Run;
use self::settings::Settings;
use super::effects::Probe;
use super::effects::clock::Clock;
use super::plan::record::Lifetime;
use super::report::Event;
use super::settings::Common;
use super::store::AwsStore;
use crate::Client;

pub use self::error::AwsRotationError;
pub use self::step::{AwsStep, AwsStepOutcome, AwsStepReport, UnknownStep};

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
pub struct AwsRotation(Settings);

impl AwsRotation {
    /// The rotation of this secret, by this client.
    pub fn new(client: &Client, store: AwsStore) -> Self {
        Self(Settings {
            common: Common::new(client),
            store,
            lifetime: Lifetime::default(),
            overlap: Duration::from_secs(3600),
            longest_run: Duration::from_secs(900),
        })
    }

    /// How long new keys live; without this, as long as the key before.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.0.lifetime = lifetime;
        self
    }

    /// How long a key may still be in use after another took its place (1 h, which is what AWS's caching
    /// clients keep a value): a rotation that would delete it sooner is rejected.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.0.overlap = overlap;
        self
    }

    /// The longest that a step can run: the timeout of the function (15 min, which is the longest there
    /// is). What is older belongs to no step that is under way.
    pub fn longest_run(mut self, time: Duration) -> Self {
        self.0.longest_run = time;
        self
    }

    /// How long what has happened on the server may stay unseen: without this 30 s, and never less than
    /// twice the client's timeout.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.0.common.settle = Some(time);
        self
    }

    /// Everything that is waited for and tried again is reported to this.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.0.common.listeners.push(Arc::new(listener));
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.0.common.clock = Arc::new(clock);
        self
    }

    #[doc(hidden)]
    pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
        self.0.common.probe = Some(probe);
        self
    }

    /// Runs a step of the rotation with this token, which is the id of the version that is to become
    /// the current one.
    ///
    /// # Errors
    /// The step is not done. AWS calls it again; where that is of no use, the error says what is to be
    /// done.
    pub async fn run(&self, step: AwsStep, token: &str) -> Result<AwsStepReport, AwsRotationError> {
        Run::new(&self.0, token).step(step).await
    }
}

impl fmt::Debug for AwsRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsRotation").field("store", &self.0.store).finish_non_exhaustive()
    }
}
