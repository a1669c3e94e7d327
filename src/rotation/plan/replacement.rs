//! The request for a replacement: what the old key is, under another name.

use chrono::{DateTime, TimeDelta, Utc};

use super::old_key::OldKey;
use super::record::Ask;
use crate::Nullable;
use crate::rotation::report::{Decision, RotationError};
use crate::types::{ApiKeyPolicy, CreateApiKeyRequest};

/// What the old key gives to the new one.
pub(crate) struct Replacement<'a> {
    pub(crate) project_id: Option<&'a str>,
    pub(crate) policy: Option<&'a ApiKeyPolicy>,
    pub(crate) ask: Ask,
}

impl Replacement<'_> {
    /// The request under this name, at this moment of the server's clock.
    pub(crate) fn body(
        &self,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<CreateApiKeyRequest, &'static str> {
        let body = CreateApiKeyRequest::new(name);
        let body = match self.project_id {
            Some(id) => body.project_id(id),
            None => body.project_id(Nullable::<String>::Null),
        };
        let body = match self.policy {
            Some(policy) => body.policy(policy.clone()),
            None => body,
        };
        Ok(match self.ask {
            Ask::Never => body.days_to_expire(Nullable::Null),
            Ask::Days(days) => body.days_to_expire(days),
            Ask::Until(end) => body.expires_at(end),
            Ask::For { milliseconds } => {
                let end = TimeDelta::try_milliseconds(milliseconds)
                    .and_then(|time| now.checked_add_signed(time));
                body.expires_at(end.ok_or("the lifetime is too long")?)
            }
            Ask::AsServerKnows => return Err("the plan is for the server's rotation"),
        })
    }
}

/// The old key's policy in the form that creating takes, if nothing is lost by that.
pub(crate) fn policy(old: &OldKey) -> Result<Option<ApiKeyPolicy>, RotationError> {
    let Some(raw) = &old.policy else { return Ok(None) };
    let typed: Option<ApiKeyPolicy> = serde_json::from_value(raw.clone()).ok();
    let same = typed.as_ref().and_then(|policy| serde_json::to_value(policy).ok());
    match typed {
        Some(policy) if same.as_ref() == Some(raw) => Ok(Some(policy)),
        _ => Err(RotationError::undecided(
            Decision::ServerRotation,
            "the key's policy holds something that this client does not know and would drop: let the server rotate the key (a grace period), or use a newer client",
        )),
    }
}
