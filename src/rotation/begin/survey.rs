//! What the store and the server show before a rotation begins. Nothing is changed.

use std::sync::Arc;

use chrono::TimeDelta;

use super::checks::{self, Check, unchanged, undecided};
use super::looks::Looks;
use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::rotation::api::{Api, Sight};
use crate::rotation::effects::Effects;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::journal::record::{Ending, Past};
use crate::rotation::plan::lifetime::{Wishes, ask};
use crate::rotation::plan::old_key::{OldKey, real_name};
use crate::rotation::plan::record::{Ask, EndBefore, Retirement};
use crate::rotation::plan::replacement::policy;
use crate::rotation::report::{Decision, RotationError};
use crate::rotation::settings::{Subject, Wanted};
use crate::rotation::store::Store;
use crate::types::{ApiKey, ApiKeyPolicy};

/// What was seen.
pub(super) struct Survey {
    pub(super) api: Api,
    pub(super) old: OldKey,
    /// The old key's end before an earlier rotation had the server move it.
    pub(super) end_before: Option<EndBefore>,
    pub(super) held: Option<Secret>,
    /// Whether the server lets in what the store holds.
    let_in: bool,
    /// The client's own key is the one that is rotated.
    pub(super) own: bool,
    pub(super) client_key: Secret,
    /// Keys that bear a marker of the old one.
    pub(super) marked: Vec<ApiKey>,
    pub(super) organization: Option<String>,
}

impl Survey {
    pub(super) async fn make(
        wanted: &Wanted,
        store: &dyn Store,
        past: &Past,
        effects: &Arc<Effects>,
    ) -> Result<Self, RotationError> {
        let held = match store.readable() {
            true => effects.effect("read the store", store.read()).await?,
            false => None,
        };
        let client = &wanted.common.client;
        let api = Api::new(client, Arc::clone(effects));
        let client_key = client.api_key().await?;
        // The caller's own is tried by every call that it makes.
        let other = held.as_ref().filter(|held| **held != client_key);
        let looks = Looks::new(&api, other)?;
        let shown = match (&wanted.subject, &held) {
            (Subject::Id(id), _) => looks.by_id(id.clone()).await?,
            (Subject::Stored, Some(held)) => match rotated_last(past, held) {
                Some(id) => looks.by_id(id).await?,
                None => looks.by_store(held).await?,
            },
            (Subject::Stored, None) => {
                let why = "the store holds no key: say which one is to be rotated";
                return undecided(Decision::Key, why);
            }
        };
        let id = shown.id;
        let Sight::Present(json) = shown.key else {
            return unchanged(format!(
                "there is no key {id}: it was deleted, or it is in a project that this client's key does not see"
            ));
        };
        let old = OldKey::read(&json).map_err(RotationError::unchanged)?;
        if old.id != id {
            return unchanged("the server responded with another key than the one asked for");
        }
        let own = is_own(&client_key, &api, &old, held.as_ref()).await?;
        let end_before = past.end_before(&old.id, old.expires_at);
        let (let_in, marked, organization) = (shown.let_in, shown.marked, shown.organization);
        Ok(Self { api, old, end_before, held, let_in, own, client_key, marked, organization })
    }

    /// What does not allow a rotation.
    pub(super) fn checks(
        &self,
        wanted: &Wanted,
        past: &Past,
        retirement: Retirement,
    ) -> [Check; 5] {
        [
            checks::no_concurrent(&self.old.id, past, &self.marked),
            checks::held(wanted, &self.old, self.held.as_ref(), self.let_in),
            self.policy(retirement).map(drop),
            self.real_name().map(drop),
            match Marker::new(&self.old.id) {
                Some(_) => Ok(()),
                None => {
                    unchanged(format!("the id {:?} does not fit into a key's name", self.old.id))
                }
            },
        ]
    }

    /// The policy in the form that creating takes, if nothing is lost by that.
    pub(super) fn policy(
        &self,
        retirement: Retirement,
    ) -> Result<Option<ApiKeyPolicy>, RotationError> {
        match retirement {
            // The server copies it, also what this client does not know.
            Retirement::Grace { .. } => Ok(None),
            Retirement::Delete | Retirement::Keep => policy(&self.old),
        }
    }

    /// The name that the new key is to bear.
    pub(super) fn real_name(&self) -> Result<String, RotationError> {
        real_name(&self.old).map_err(|why| RotationError::undecided(Decision::Marked, why))
    }

    /// The lifetime to ask for, and the longest that the new key may live.
    pub(super) async fn ask(
        &self,
        wanted: &Wanted,
        retirement: Retirement,
    ) -> Result<(Ask, Option<TimeDelta>), RotationError> {
        let now = self.api.effects.server_now();
        let (lifetime, end_before) = (wanted.lifetime, self.end_before);
        let wishes = Wishes { lifetime, end_before, retirement, own: self.own, now };
        ask(&self.api, &self.old, &wishes).await
    }
}

/// The id of the key that the store holds, if the journal's last rotation has put it there: its
/// fingerprint tells for certain.
fn rotated_last(past: &Past, held: &Secret) -> Option<String> {
    let adopted = past.adopted.as_ref().filter(|_| past.ended == Some(Ending::Rotated))?;
    adopted.fingerprint.is_of(held).then(|| adopted.id.clone())
}

/// Whether the client's own key is the one that is rotated.
async fn is_own(
    own: &Secret,
    api: &Api,
    old: &OldKey,
    held: Option<&Secret>,
) -> Result<bool, RotationError> {
    if let Some(held) = held {
        return Ok(held == own);
    }
    // Where no plaintext is at hand there is only the masked form, which others may share.
    if !fits_mask(own.expose(), &old.masked) {
        return Ok(false);
    }
    let all = api.all().await?;
    match all.iter().filter(|key| fits_mask(own.expose(), &key.masked_key)).count() {
        0 | 1 => Ok(true),
        _ => unchanged(format!(
            "several keys ({}) look like the one that this client uses, so it may be the one to be \
             rotated: put the key {} into the store first, or use another key",
            old.masked, old.id
        )),
    }
}
