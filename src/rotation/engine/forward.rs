//! The steps to the new key, from its creation to the old one's retirement.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Done, Engine, Trouble};
use crate::rotation::api::{self, Json};
use crate::rotation::builder::Told;
use crate::rotation::equal::differences;
use crate::rotation::fingerprint::Fingerprint;
use crate::rotation::guard::{Doomed, Holds};
use crate::rotation::journal::{Adopted, Record, Which};
use crate::rotation::marker::Marker;
use crate::rotation::plan::{Ask, OldKey, Retirement, TOLERANCE};
use crate::{Error, Nullable, Secret};

/// How often a create whose outcome is unknown is followed by another, under another marker.
const CREATES: u32 = 4;

impl Engine {
    /// Makes the replacement exactly once: under a name of its own each time, looked for after
    /// every answer that is not a clean success.
    pub(super) async fn create(&mut self) -> Done {
        let mut attempt = 1;
        loop {
            let Some(marker) = Marker::new(&self.plan.old_id) else {
                return Err(Trouble::new("the key's id does not fit into a name"));
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
            if api::unsent(&error) {
                self.record(Record::Settled { marker: marker.to_string() }).await?;
            } else {
                self.last_unknown = self.setup.port.clock.elapsed();
                self.delete_orphans(&marker).await?;
            }
            if attempt >= api::most(CREATES, &error) || !api::passes(&error) || self.out_of_time() {
                return Err(error.into());
            }
            self.setup.port.note(format!("creating again under a new marker: {error}"));
            if self.setup.port.sleep(api::wait(attempt, &error)).await.is_err() {
                return Err(error.into());
            }
            attempt += 1;
        }
    }

    fn create_body(&self, marker: &Marker) -> Result<crate::types::CreateApiKeyRequest, Trouble> {
        let body = crate::types::CreateApiKeyRequest::new(marker.as_str());
        let body = match &self.plan.project_id {
            Some(id) => body.project_id(id.clone()),
            None => body.project_id(Nullable::<String>::Null),
        };
        let body = match &self.setup.policy {
            Some(policy) => body.policy(policy.clone()),
            None => body,
        };
        Ok(match self.plan.ask {
            Ask::Never => body.days_to_expire(Nullable::Null),
            Ask::Days(days) => body.days_to_expire(days),
            Ask::Until(end) => body.expires_at(end),
            Ask::For { milliseconds } => {
                let end = TimeDelta::try_milliseconds(milliseconds)
                    .and_then(|time| self.setup.port.clock.now().checked_add_signed(time));
                body.expires_at(end.ok_or_else(|| Trouble::new("the lifetime is too long"))?)
            }
            Ask::AsServerKnows => {
                return Err(Trouble::new("the plan is for the server's rotation"));
            }
        })
    }

    fn rotate_body(&self, days: i64) -> crate::types::RotateApiKeyRequest {
        let body = crate::types::RotateApiKeyRequest::new().expire_in_days(days);
        match self.plan.ask {
            Ask::Never => body.days_to_expire(Nullable::Null),
            Ask::Days(days) => body.days_to_expire(days),
            _ => body,
        }
    }

    async fn adopt(&mut self, marker: Marker, id: String, key: Secret) -> Done {
        if id == self.plan.old_id {
            return Err(Trouble::new("the server answered with the old key's id"));
        }
        let fingerprint = Fingerprint::new(&key);
        self.new_secret = Some(key);
        self.adopted = Some(Adopted { id: id.clone(), fingerprint: fingerprint.clone() });
        self.facts.adopted = true;
        let record = Record::Created { marker: marker.to_string(), id, fingerprint };
        self.record(record).await
    }

    /// Fetches both keys and holds one against the other. Somebody may have narrowed or deleted the
    /// old one meanwhile: the new one must not outlive that decision.
    async fn both(&mut self) -> Result<(OldKey, Json), Trouble> {
        let new_id = self.new_id()?;
        let mut api = self.api();
        let mut old = api.get(&self.plan.old_id).await;
        if self.plan.own && old.as_ref().is_err_and(Error::is_unauthorized) {
            // Expired or deleted: the new key can tell.
            self.old_is_dead = true;
            api = self.api();
            old = api.get(&self.plan.old_id).await;
        }
        let Some(old) = old? else {
            self.revoked = true;
            // A key cannot delete itself, and there is no other one to do it.
            let hold = self.plan.own;
            let why = "somebody deleted the old key meanwhile, so the new one must go too";
            return Err(Trouble { hold, ..Trouble::new(why) });
        };
        let Some(new) = api.get(&new_id).await? else {
            return Err(Trouble::new("somebody deleted the new key"));
        };
        let fields = differences(&old, &new, &self.plan.allowed);
        if !fields.is_empty() {
            return Err(Trouble::new(format!(
                "the new key is not the old one's equal: they differ in {}; allow that by name, or let the server rotate the key",
                fields.join(", ")
            )));
        }
        let old = OldKey::read(&old).map_err(Trouble::new)?;
        let moved = old.expires_at != self.plan.expires_at;
        if moved && !matches!(self.plan.retirement, Retirement::Grace { .. }) {
            return Err(Trouble::new("somebody moved the old key's end meanwhile"));
        }
        if Marker::parse(&old.name).is_none() {
            self.name.clone_from(&old.name);
        }
        Ok((old, new))
    }

    /// The last look before the store is written. Of two rotations of one key at most one passes:
    /// each has raised its marker before it looks for the other's, lowers it only when the old key
    /// is retired, and looks at the old key after it has looked for markers.
    pub(super) async fn compare(&mut self) -> Done {
        self.no_rival().await?;
        let (_, new) = self.both().await?;
        let read = OldKey::read(&new).map_err(Trouble::new)?;
        if !self.journal.past.markers.iter().any(|marker| marker.is(&read.name)) {
            return Err(Trouble::new("the new key does not bear the name under which it was made"));
        }
        let fits = |secret: &Secret| crate::api_keys::fits_mask(secret.expose(), &read.masked);
        if !self.new_secret.as_ref().is_some_and(fits) {
            return Err(Trouble::new("the new key's masked form is not that of its plaintext"));
        }
        self.check_lifetime(read.created_at, read.expires_at)?;
        self.facts.compared = true;
        Ok(())
    }

    fn check_lifetime(&self, from: DateTime<Utc>, end: Option<DateTime<Utc>>) -> Done {
        let longest = match self.plan.ask {
            Ask::Days(days) => TimeDelta::try_days(days),
            Ask::Until(end) => Some(end - from),
            _ => self.plan.longest_ms.and_then(TimeDelta::try_milliseconds),
        };
        let within = match (longest, end) {
            (None, _) => true,
            (Some(longest), Some(end)) => end - from <= longest + TOLERANCE,
            (Some(_), None) => false,
        };
        match within {
            true => Ok(()),
            false => Err(Trouble::new(
                "the new key would live longer than asked for; say its lifetime in days, and look at this machine's clock",
            )),
        }
    }

    /// No other rotation of this key, on another host with another journal, has made a key.
    async fn no_rival(&self) -> Done {
        let found = self.api().beginning(&Marker::start_for(&self.plan.old_id)).await?;
        let past = &self.journal.past;
        let rival = found.iter().find(|key| {
            !past.markers.iter().chain(&past.unsettled).any(|marker| marker.is(&key.name))
        });
        match rival {
            None => Ok(()),
            Some(key) => Err(Trouble::new(format!(
                "another rotation of this key is under way: it made the key {} ({})",
                key.id, key.name
            ))),
        }
    }

    pub(super) async fn store(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        if setup.store.readable() {
            let expected = if self.plan.store_is_new { Holds::Nothing } else { Holds::Old };
            let holds = self.look_at_store().await?;
            if holds != expected {
                return Err(Trouble::new("the store does not hold the old key any more"));
            }
        }
        let Some(new) = self.new_secret.clone() else {
            return Err(Trouble::new("the new key's plaintext is gone"));
        };
        self.record(Record::Storing { key: Which::New }).await?;
        self.facts.touched = true;
        self.facts.holds = Holds::Unknown;
        let written = self.write_store(Some(&new), true).await;
        if !setup.store.readable() {
            written?;
            self.facts.holds = Holds::New;
            return Ok(());
        }
        // What it holds counts, not what the write said of itself.
        match (self.look_at_store().await, written) {
            (Ok(Holds::New), Ok(())) => Ok(()),
            (Ok(Holds::New), Err(error)) => {
                setup.port.note(format!("the store holds the new key, although it said: {error}"));
                Ok(())
            }
            (_, Err(error)) => Err(error.into()),
            (Ok(_), Ok(())) => Err(Trouble::new("the store does not hold what was written to it")),
            (Err(error), Ok(())) => Err(error.into()),
        }
    }

    pub(super) async fn deploy(&mut self) -> Done {
        self.record(Record::Deploying { key: Which::New }).await?;
        self.facts.deployed = true;
        self.run_deploy(Told::New).await?;
        self.facts.deploy_done = true;
        Ok(())
    }

    pub(super) async fn verify(&mut self) -> Done {
        let Some(new) = self.new_secret.clone() else {
            return Err(Trouble::new("the new key's plaintext is gone"));
        };
        if !self.api().lets_in(&new).await? {
            return Err(Trouble::new("the server refuses the new key (401)"));
        }
        if let Some(verify) = &self.setup.verify {
            let client = self.setup.client.with_key(&new)?;
            self.setup
                .port
                .effect("verify", async { self.within(Told::New, verify(client)).await })
                .await
                .map_err(|why| Trouble::new(format!("the verification failed: {why}")))?;
        }
        self.facts.verified = true;
        Ok(())
    }

    pub(super) async fn overlap(&mut self) -> Done {
        self.setup.port.sleep(self.setup.overlap).await?;
        self.facts.overlapped = true;
        Ok(())
    }

    pub(super) async fn rename(&mut self) -> Done {
        self.facts.rename_tried = true;
        let id = self.new_id()?;
        self.api().rename(&id, &self.name).await?;
        Ok(())
    }

    pub(super) async fn retire(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        if !self.facts.retiring {
            self.both().await?;
            if setup.store.readable() && self.look_at_store().await? != Holds::New {
                return Err(Trouble::hold("the store does not hold the new key any more"));
            }
            self.record(Record::Retiring).await?;
            self.facts.retiring = true;
        }
        if let (true, Some(new)) = (self.plan.own, &self.new_secret) {
            // The caller's own client goes on with the new key.
            self.setup.client.swap_api_key(new.clone())?;
        }
        if self.plan.retirement == Retirement::Delete {
            let old = self.plan.old_id.clone();
            self.delete(Doomed::Old, &old, "", None).await?;
        }
        self.facts.retired = true;
        Ok(())
    }
}
