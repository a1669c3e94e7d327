//! The four steps.

use std::time::Duration;

use super::error::AwsRotationError;
use super::settings::Settings;
use super::step::{AwsStep, AwsStepOutcome, AwsStepReport};
use crate::Secret;
use crate::rotation::api::Api;
use crate::rotation::evidence::equal::differences;
use crate::rotation::evidence::sight::let_in;
use crate::rotation::store::{AwsStore, Store, Version, Versions};

pub(super) type Result<T> = std::result::Result<T, AwsRotationError>;

/// One call of the function.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a AwsStore,
    pub(super) api: Api,
    pub(super) token: &'a str,
    /// The id of the key that the pending version holds.
    pub(super) key_id: Option<String>,
    pub(super) deleted: Vec<String>,
}

/// The version that readers get, with the key in it.
pub(super) struct Current {
    pub(super) version: Version,
    pub(super) key: Secret,
    pub(super) id: String,
}

impl<'a> Run<'a> {
    pub(super) fn new(settings: &'a Settings, token: &'a str) -> Self {
        let api = Api::new(&settings.common.client, settings.common.effects());
        let store = &settings.store;
        Self { settings, store, api, token, key_id: None, deleted: Vec::new() }
    }

    pub(super) async fn step(mut self, step: AwsStep) -> Result<AwsStepReport> {
        let versions = self.begin().await?;
        let outcome = if versions.is_current(self.token) {
            self.settle(&versions).await?
        } else {
            match step {
                AwsStep::CreateSecret => self.create(&versions).await?,
                AwsStep::SetSecret => self.set().await?,
                AwsStep::TestSecret => self.test(&versions).await?,
                AwsStep::FinishSecret => self.finish(&versions).await?,
            }
        };
        Ok(AwsStepReport { outcome, key_id: self.key_id, deleted: self.deleted })
    }

    /// The labels, among them the token's. AWS attaches it before it calls, and reads lag.
    async fn begin(&self) -> Result<Versions> {
        let (until, mut looks) = (self.shows_by(), 0);
        loop {
            let versions = self.versions().await?;
            if versions.is_current(self.token) {
                return Ok(versions);
            }
            let problem = match () {
                () if !versions.rotation_enabled => {
                    "the rotation of the secret is not enabled: configure it with `aws secretsmanager rotate-secret`"
                }
                () if !versions.is_known(self.token) => {
                    "no version of the secret has this token, or its labels were taken away: rotate again"
                }
                () if !versions.is_pending(self.token) => {
                    "the version of this token does not bear AWSPENDING: another rotation came after it"
                }
                () => return Ok(versions),
            };
            if self.api.effects.elapsed() >= until {
                return Err(AwsRotationError::new(format!(
                    "{}: {problem} (token {})",
                    self.store.describe(),
                    self.token
                )));
            }
            let why = "for AWS to show the label of the pending version";
            self.api.effects.wait_to_look(why, looks, until).await?;
            looks += 1;
        }
    }

    async fn create(&mut self, versions: &Versions) -> Result<AwsStepOutcome> {
        let current = self.current().await?;
        let effects = std::sync::Arc::clone(&self.api.effects);
        let pending = effects.effect("read the pending version", self.store.version(self.token));
        let pending = pending.await?;
        self.retire(versions, &current, pending.as_ref()).await?;
        // Before another is made: an organization may have so many keys and no more.
        self.sweep().await?;
        let outcome = match pending {
            Some(pending) => {
                self.pending_key(&pending).await?;
                AwsStepOutcome::AlreadyCreated
            }
            None => self.mint(&versions.arn, &current).await?,
        };
        self.sweep().await?;
        Ok(outcome)
    }

    async fn set(&mut self) -> Result<AwsStepOutcome> {
        self.ready().await?;
        Ok(AwsStepOutcome::Compared)
    }

    async fn test(&mut self, versions: &Versions) -> Result<AwsStepOutcome> {
        match self.pending().await? {
            Some(pending) => {
                self.pending_key(&pending).await?;
                Ok(AwsStepOutcome::Tested)
            }
            None => {
                let current = self.current().await?;
                self.plan(&current, &versions.arn).await?;
                Ok(AwsStepOutcome::ConfigurationTested)
            }
        }
    }

    async fn finish(&mut self, versions: &Versions) -> Result<AwsStepOutcome> {
        let current = self.ready().await?;
        // Once more: a creation whose response was lost may have shown since.
        self.sweep().await?;
        let moved = self.store.make_current(self.token, &current.version.id);
        if !self.api.effects.effect("move AWSCURRENT", moved).await? {
            return Err(AwsRotationError::new(format!(
                "{}: somebody else has put another value there meanwhile; the next call compares with that",
                self.store.describe()
            )));
        }
        self.unlabel(versions).await?;
        Ok(AwsStepOutcome::Finished)
    }

    /// What is left when the version is the current one.
    async fn settle(&mut self, versions: &Versions) -> Result<AwsStepOutcome> {
        self.unlabel(versions).await?;
        Ok(AwsStepOutcome::AlreadyCurrent)
    }

    /// Left on a version that is rolled back, the label would block the next rotation.
    async fn unlabel(&self, versions: &Versions) -> Result<()> {
        if versions.is_pending(self.token) {
            let unlabelled = self.store.not_pending(self.token);
            self.api.effects.effect("take AWSPENDING away", unlabelled).await?;
        }
        Ok(())
    }

    /// Holds the pending key against the current one. Somebody may have narrowed that meanwhile: the new
    /// key must not outlive that decision.
    async fn ready(&mut self) -> Result<Current> {
        let Some(pending) = self.pending().await? else {
            return Err(AwsRotationError::new(format!(
                "{}: the pending version has no value: createSecret comes first (token {})",
                self.store.describe(),
                self.token
            )));
        };
        let id = self.pending_key(&pending).await?;
        let current = self.current().await?;
        let (old, new) = (self.present(&current.id).await?, self.present(&id).await?);
        let fields = differences(&old, &new, &[]);
        if !fields.is_empty() {
            return Err(AwsRotationError::new(format!(
                "the pending key {id} is not the equal of the current key {}: they differ in {}; take AWSPENDING away from version {} and rotate again",
                current.id,
                fields.join(", "),
                self.token
            )));
        }
        Ok(current)
    }

    /// What readers get, which works.
    pub(super) async fn current(&self) -> Result<Current> {
        let effects = &self.api.effects;
        let read = effects.effect("read the current version", self.store.current_version());
        let place = self.store.describe();
        let Some(version) = read.await? else {
            return Err(AwsRotationError::new(format!(
                "{place}: the secret has no value yet: put a key there first"
            )));
        };
        let Some(key) = version.key.clone() else {
            return Err(AwsRotationError::new(format!(
                "{place}: the current version holds no key: put one there first"
            )));
        };
        let Some(id) = self.identify(&key).await? else {
            return Err(AwsRotationError::new(format!(
                "{place}: the key of the current version does not work, or is one that the function's key does not see: put one there that works"
            )));
        };
        Ok(Current { version, key, id })
    }

    /// The pending version, once it shows a value; `None` where it does not.
    async fn pending(&self) -> Result<Option<Version>> {
        self.shown(self.shows_by()).await
    }

    pub(super) async fn shown(&self, until: Duration) -> Result<Option<Version>> {
        let (effects, mut looks) = (&self.api.effects, 0);
        loop {
            let read = effects.effect("read the pending version", self.store.version(self.token));
            let read = read.await?;
            if read.is_some() || effects.elapsed() >= until {
                return Ok(read);
            }
            effects.wait_to_look("for AWS to show the pending version", looks, until).await?;
            looks += 1;
        }
    }

    /// The id of the key that the pending version holds, which works.
    pub(super) async fn pending_key(&mut self, pending: &Version) -> Result<String> {
        let dead = |why: &str| {
            AwsRotationError::new(format!(
                "{}: {why}, and a version's value never changes: take AWSPENDING away with `aws secretsmanager update-secret-version-stage --version-stage AWSPENDING --remove-from-version-id {}`, and rotate again",
                self.store.describe(),
                self.token
            ))
        };
        let Some(key) = &pending.key else {
            return Err(dead("the pending version holds no key"));
        };
        if !let_in(&self.api, key, self.visible()).await? {
            return Err(dead("the server rejects the key of the pending version (401)"));
        }
        let Some(id) = self.identify(key).await? else {
            return Err(dead("the function's key does not see the key of the pending version"));
        };
        self.key_id = Some(id.clone());
        Ok(id)
    }

    pub(super) async fn versions(&self) -> Result<Versions> {
        Ok(self.api.effects.effect("read the labels", self.store.versions()).await?)
    }

    /// Until when the server shows what has just happened.
    pub(super) fn visible(&self) -> Duration {
        self.api.effects.elapsed().saturating_add(self.settings.common.visibility())
    }

    /// Until when AWS shows what has just happened.
    pub(super) fn shows_by(&self) -> Duration {
        self.api.effects.elapsed().saturating_add(self.store.propagation())
    }
}
