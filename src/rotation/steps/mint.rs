//! Making the new key, and putting it into the pending version.

use chrono::TimeDelta;

use super::error::AwsRotationError;
use super::run::{Current, Result, Run};
use super::step::AwsStepOutcome;
use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::rotation::api::{self, Json, Sight};
use crate::rotation::evidence::delete::{Known, Reason, Seen, delete};
use crate::rotation::evidence::equal::differences;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::evidence::sight::{let_in, seen};
use crate::rotation::plan::lifetime::{Wishes, ask, is_as_asked};
use crate::rotation::plan::old_key::{OldKey, real_name};
use crate::rotation::plan::record::{Ask, Retirement};
use crate::rotation::plan::replacement::{Replacement, policy};
use crate::rotation::store::Put;
use crate::types::ApiKeyPolicy;

/// How often a create whose outcome is unknown is followed by another.
const CREATES: u32 = 4;

/// What the new key is to be.
pub(super) struct Plan {
    old: OldKey,
    old_json: Json,
    policy: Option<ApiKeyPolicy>,
    ask: Ask,
    longest: Option<TimeDelta>,
    marker: Marker,
}

impl Run<'_> {
    /// What the new key is to be. Nothing is changed.
    pub(super) async fn plan(&self, current: &Current, arn: &str) -> Result<Plan> {
        let old_json = self.present(&current.id).await?;
        let old = OldKey::read(&old_json).map_err(AwsRotationError::new)?;
        let name = real_name(&old).map_err(AwsRotationError::new)?;
        let client = &self.settings.common.client;
        let wishes = Wishes {
            end_before: None,
            lifetime: self.settings.lifetime,
            retirement: Retirement::Keep,
            own: client.api_key().await? == current.key,
            now: self.api.effects.server_now(),
        };
        let (ask, longest) = ask(&self.api, &old, &wishes).await?;
        let marker = Marker::for_version(&name, arn, self.token);
        Ok(Plan { policy: policy(&old)?, old, old_json, ask, longest, marker })
    }

    /// Makes a key and puts it into the pending version. Of several runs at once one puts; the others
    /// delete what they have made.
    pub(super) async fn mint(&mut self, arn: &str, current: &Current) -> Result<AwsStepOutcome> {
        let plan = self.plan(current, arn).await?;
        let (id, key) = self.create_key(&plan).await?;
        if let Err(error) = self.check(&plan, &id, &key).await {
            self.discard(&plan, &id).await?;
            return Err(error);
        }
        let put = self.store.put_pending(self.token, &current.version, &key);
        match self.api.effects.effect("put the pending version", put).await {
            Ok(Put::Done) => {
                self.key_id = Some(id);
                Ok(AwsStepOutcome::Created)
            }
            Ok(Put::Taken) => {
                self.discard(&plan, &id).await?;
                let Some(pending) = self.shown(self.shows_by()).await? else {
                    return Err(AwsRotationError::new(
                        "AWS says that the pending version has a value, and does not show it",
                    ));
                };
                self.pending_key(&pending).await?;
                Ok(AwsStepOutcome::AlreadyCreated)
            }
            // It may be there, or come to be there: a later call sees which key the version holds.
            Err(error) if error.outcome_unknown() => Err(error.into()),
            Err(error) => {
                self.discard(&plan, &id).await?;
                Err(error.into())
            }
        }
    }

    /// Makes a key. One whose response is lost bears the same name, and is found by it when the version
    /// has its value.
    async fn create_key(&self, plan: &Plan) -> Result<(String, Secret)> {
        let effects = &self.api.effects;
        let replacement = Replacement {
            project_id: plan.old.project_id.as_deref(),
            policy: plan.policy.as_ref(),
            ask: plan.ask,
        };
        let mut attempt = 1;
        loop {
            let body = replacement.body(plan.marker.as_str(), effects.server_now());
            let error = match self.api.create(body.map_err(AwsRotationError::new)?).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if attempt >= api::most(CREATES, &error) || !api::passes(&error) {
                return Err(error.into());
            }
            effects.note(format!("creating again: {error}"));
            effects.wait("before creating again", api::wait(attempt, &error)).await?;
            attempt += 1;
        }
    }

    /// Whether the key that was made is the one that was asked for, and works.
    async fn check(&self, plan: &Plan, id: &str, key: &Secret) -> Result<()> {
        let fail = |why: String| Err(AwsRotationError::new(why));
        if id == plan.old.id {
            return fail("the server responded with the current key's id".into());
        }
        let json = self.present(id).await?;
        let new = OldKey::read(&json).map_err(AwsRotationError::new)?;
        if !plan.marker.is(&new.name) || !fits_mask(key.expose(), &new.masked) {
            return fail(format!(
                "the server responded to the creation with the id of another key ({id})"
            ));
        }
        let fields = differences(&plan.old_json, &json, &[]);
        if !fields.is_empty() {
            let fields = fields.join(", ");
            return fail(format!(
                "the new key is not the equal of the current key {}: they differ in {fields}",
                plan.old.id
            ));
        }
        if !is_as_asked(plan.ask, plan.longest, new.created_at, new.expires_at) {
            return fail(
                "the new key does not live as long as asked for; choose its lifetime in days"
                    .into(),
            );
        }
        match let_in(&self.api, key, self.visible()).await? {
            true => Ok(()),
            false => fail("the server rejects the new key (401)".into()),
        }
    }

    /// Deletes a key that this run has made and that is put nowhere.
    async fn discard(&mut self, plan: &Plan, id: &str) -> Result<()> {
        let Sight::Present(json) = seen(&self.api, id, self.visible()).await? else {
            return Ok(());
        };
        let Some(made) = Seen::read(&json).filter(|made| plan.marker.is(&made.name)) else {
            return Ok(());
        };
        let markers = std::slice::from_ref(&plan.marker);
        let known = Known { adopted_id: Some(&plan.old.id), markers, ..Known::default() };
        delete(&self.api, Reason::Orphan, &made, &known, self.visible()).await?;
        self.deleted.push(id.to_owned());
        Ok(())
    }
}
