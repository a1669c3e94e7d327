//! Which key is which, and which may go.

use super::error::AwsRotationError;
use super::run::{Current, Result, Run};
use crate::Secret;
use crate::helpers::api_keys::fits_mask;
use crate::rotation::api::{Json, Sight};
use crate::rotation::evidence::delete::{Known, Reason, Seen, delete};
use crate::rotation::evidence::held::{Holds, StoreState};
use crate::rotation::evidence::marker::Marker;
use crate::rotation::evidence::sight::{let_in, seen};
use crate::rotation::store::{Store, Version, Versions};

impl Run<'_> {
    /// The id of the key with this plaintext; `None` where it does not work, or is not seen.
    pub(super) async fn identify(&self, key: &Secret) -> Result<Option<String>> {
        if let Some(id) = self.api.with_key(key)?.caller().await?.key_id {
            return Ok(Some(id));
        }
        // It is among those whose masked form fits, if it works at all.
        let all = self.api.all().await?;
        let fits: Vec<_> =
            all.iter().filter(|listed| fits_mask(key.expose(), &listed.masked_key)).collect();
        if fits.is_empty() || !let_in(&self.api, key, self.visible()).await? {
            return Ok(None);
        }
        match fits[..] {
            [key] => Ok(Some(key.id.clone())),
            _ => Err(AwsRotationError::new(format!(
                "{} keys look like one that {} holds ({}), and the server does not say which it is",
                fits.len(),
                self.store.describe(),
                fits[0].masked_key
            ))),
        }
    }

    /// A key that is there.
    pub(super) async fn present(&self, id: &str) -> Result<Json> {
        match seen(&self.api, id, self.visible()).await? {
            Sight::Present(json) => Ok(json),
            Sight::Deleted(_) => {
                Err(AwsRotationError::new(format!("somebody deleted the key {id}")))
            }
            Sight::Absent => Err(AwsRotationError::new(format!(
                "there is no key {id} that the function's key can see"
            ))),
        }
    }

    /// Deletes the key of the version that was current before, so that it can be rotated: it has been
    /// replaced for longer than anybody keeps it.
    pub(super) async fn retire(
        &mut self,
        versions: &Versions,
        current: &Current,
        pending: Option<&Version>,
    ) -> Result<()> {
        let Some(previous) = versions.only_previous().filter(|id| *id != self.token) else {
            return Ok(());
        };
        let mut others = Vec::new();
        for id in versions.ids().filter(|id| *id != previous && *id != self.token) {
            others.extend(self.version(id).await?.and_then(|version| version.key));
        }
        others.extend(pending.and_then(|version| version.key.clone()));
        let Some(key) = self.version(previous).await?.and_then(|version| version.key) else {
            return Ok(());
        };
        // Another field of the secret was changed, and the key is the same.
        if key == current.key || others.contains(&key) {
            return Ok(());
        }
        let Some(id) = self.identify(&key).await? else { return Ok(()) };
        let (new, old) = (self.api.look(&current.id).await?, self.api.look(&id).await?);
        let Some(old) = old.present() else { return Ok(()) };
        let Some(read) = Seen::read(&old).filter(|read| read.id == id && id != current.id) else {
            return Err(AwsRotationError::new(format!(
                "the server does not tell the key {id} of the version {previous} from others"
            )));
        };
        self.is_out_of_use(versions, current)?;
        let known = Known {
            old_id: &id,
            adopted_id: Some(&current.id),
            // What a journal says elsewhere, the label says here.
            retiring: true,
            store: StoreState::Confirmed(Holds::New),
            replaced: new.present().is_some() && self.api.lets_in(&current.key).await?,
            held: &others,
            ..Known::default()
        };
        delete(&self.api, Reason::Retired, &read, &known, self.visible()).await?;
        self.deleted.push(id);
        Ok(())
    }

    /// Whether the key before has been replaced for so long that nobody keeps it. By this machine's
    /// clock, which AWS's signatures need to be right.
    fn is_out_of_use(&self, versions: &Versions, current: &Current) -> Result<()> {
        let place = self.store.describe();
        let Some(since) = current.version.created.max(versions.rotated) else {
            return Err(AwsRotationError::new(format!(
                "{place}: AWS does not say when the current version was made"
            )));
        };
        let overlap = self.settings.overlap;
        let age = (self.settings.common.clock.now() - since).to_std().unwrap_or_default();
        match overlap.checked_sub(age).filter(|left| !left.is_zero()) {
            None => Ok(()),
            Some(left) => Err(AwsRotationError::new(format!(
                "{place}: the key before the current one was replaced only {} minutes ago, and workloads may keep it for {}: rotate in {} minutes, or with a shorter overlap",
                age.as_secs() / 60,
                overlap.as_secs() / 60,
                left.as_secs().div_ceil(60)
            ))),
        }
    }

    /// Deletes what was made for a version of this secret and is in none.
    ///
    /// The keys are listed first and the labels read afterwards: a version has its label before a key
    /// is made for it.
    pub(super) async fn sweep(&mut self) -> Result<()> {
        let arn = self.versions().await?.arn;
        let listed = self.api.mentioning(&Marker::part_for(&arn)).await?;
        let ours: Vec<_> = listed
            .iter()
            .filter_map(|key| Some((key, Marker::of_version(&key.name, &arn)?)))
            .collect();
        if ours.is_empty() {
            return Ok(());
        }
        let versions = self.versions().await?;
        let (mut held, mut decided) = (Vec::new(), Vec::new());
        for id in versions.ids() {
            if let Some(key) = self.version(id).await?.and_then(|version| version.key) {
                held.push(key);
                decided.push(id);
            }
        }
        let fits = |masked: &str| held.iter().any(|key| fits_mask(key.expose(), masked));
        let longest = self.settings.longest_run + self.settings.common.visibility();
        let now = self.api.effects.server_now();
        for (key, (marker, version)) in ours {
            let age = (now - key.created_at).to_std().unwrap_or_default();
            let is_orphan = match versions.is_known(version) {
                // It holds another key, for good.
                true if decided.contains(&version) => true,
                // Somebody who made it may be about to put it there.
                true => version == self.token && age > longest,
                false => age > longest,
            };
            if !is_orphan || fits(&key.masked_key) {
                continue;
            }
            let known = Known { markers: &[marker], held: &held, ..Known::default() };
            delete(&self.api, Reason::Orphan, &Seen::listed(key), &known, self.visible()).await?;
            self.deleted.push(key.id.clone());
        }
        Ok(())
    }

    async fn version(&self, id: &str) -> Result<Option<Version>> {
        Ok(self.api.effects.effect("read a version", self.store.version(id)).await?)
    }
}
