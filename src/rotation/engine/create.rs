//! Making the replacement, exactly once.

use super::core::Engine;
use super::step_error::{Done, StepError};
use crate::rotation::api;
use crate::rotation::evidence::fingerprint::Fingerprint;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::evidence::orphans;
use crate::rotation::journal::record::{Adopted, Record};
use crate::rotation::plan::record::{Ask, Retirement};
use crate::rotation::plan::replacement::Replacement;
use crate::types::{CreateApiKeyRequest, RotateApiKeyRequest};
use crate::{Nullable, Secret};

/// How often a create whose outcome is unknown is followed by another, under another marker.
const CREATES: u32 = 4;

impl Engine {
    /// Makes the replacement exactly once: under a name of its own each time, looked for after
    /// every response that is not a clean success.
    pub(super) async fn create(&mut self) -> Done {
        let mut attempt = 1;
        loop {
            let Some(marker) = Marker::new(&self.plan.old_id) else {
                return Err(StepError::new("the key's id does not fit into a name"));
            };
            self.record(Record::Creating { marker: marker.to_string() }).await?;
            let made = match self.plan.retirement {
                Retirement::Grace { days } => {
                    // The server copies the old key's name to the new one.
                    self.facts.old_is_marked = true;
                    let (api, old) = (self.api(), self.plan.old_id.clone());
                    match api.rename_once(&old, marker.as_str()).await {
                        Ok(()) => api.rotate(&old, self.rotate_body(days)).await,
                        Err(error) => Err(error),
                    }
                }
                _ => self.api().create(self.create_body(&marker)?).await,
            };
            let error = match made {
                Ok((id, key)) => return self.adopt(marker, id, key).await,
                Err(error) => error,
            };
            let marker_text = marker.to_string();
            match () {
                () if api::unsent(&error) => {
                    self.record(Record::Settled { marker: marker_text }).await?;
                }
                // A doubled request may have made one all the same: the next run looks once more.
                () if api::is_clear(&error) => {
                    self.remove_orphans(&marker).await?;
                    self.record(Record::Rejected { marker: marker_text }).await?;
                }
                () => {
                    self.last_unknown = self.setup.effects.elapsed();
                    self.remove_orphans(&marker).await?;
                }
            }
            if attempt >= api::most(CREATES, &error) || !api::passes(&error) || self.out_of_time() {
                return Err(error.into());
            }
            self.setup.effects.note(format!("creating again under a new marker: {error}"));
            let why = "before creating again";
            if self.setup.effects.wait(why, api::wait(attempt, &error)).await.is_err() {
                return Err(error.into());
            }
            attempt += 1;
        }
    }

    fn create_body(&self, marker: &Marker) -> Result<CreateApiKeyRequest, StepError> {
        let replacement = Replacement {
            project_id: self.plan.project_id.as_deref(),
            policy: self.plan.policy.as_ref(),
            ask: self.plan.ask,
        };
        let now = self.setup.effects.server_now();
        replacement.body(marker.as_str(), now).map_err(StepError::new)
    }

    fn rotate_body(&self, days: i64) -> RotateApiKeyRequest {
        let body = RotateApiKeyRequest::new().expire_in_days(days);
        match self.plan.ask {
            Ask::Never => body.days_to_expire(Nullable::Null),
            Ask::Days(days) => body.days_to_expire(days),
            _ => body,
        }
    }

    async fn adopt(&mut self, marker: Marker, id: String, key: Secret) -> Done {
        if id == self.plan.old_id {
            return Err(StepError::new("the server responded with the old key's id"));
        }
        let fingerprint = Fingerprint::new(&key);
        self.new_secret = Some(key);
        self.new_seen = self.setup.effects.elapsed();
        self.adopted = Some(Adopted { id: id.clone(), fingerprint: fingerprint.clone() });
        self.facts.adopted = true;
        let record = Record::Created { marker: marker.to_string(), id, fingerprint };
        self.record(record).await
    }

    /// Deletes what was made under a marker and is not in use: nobody has its plaintext.
    pub(super) async fn remove_orphans(&mut self, marker: &Marker) -> Result<usize, StepError> {
        let api = self.api();
        let markers = self.journal.past.all_markers();
        let until = self.visible(self.setup.effects.elapsed());
        Ok(orphans::remove(&api, marker, &self.known(&markers), until).await?)
    }
}
