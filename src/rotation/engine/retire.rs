//! The end of one of the two keys, and the name of the other.

use std::sync::Arc;

use futures_util::future::join;

use super::compare::{Look, unseen};
use super::core::Engine;
use super::step_error::{Done, StepError};
use crate::Secret;
use crate::rotation::api::Sight;
use crate::rotation::evidence::delete::{Known, Reason, Seen, delete};
use crate::rotation::evidence::held::{Holds, StoreState, Which};
use crate::rotation::evidence::sight::seen;
use crate::rotation::journal::record::Record;
use crate::rotation::plan::old_key::OldKey;
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::Resolution;

impl Engine {
    /// The last look before the old key goes: both keys, the store, and whether the new one is let
    /// in, all at once. It is made by the caller who deletes, and again whenever it is taken up.
    pub(super) async fn check_retire(&mut self) -> Done {
        self.can_be_deleted()?;
        let setup = Arc::clone(&self.setup);
        self.replaced = false;
        let api = self.api();
        let read = async {
            match setup.store.readable() {
                true => Some(setup.effects.effect("read the store", setup.store.read()).await),
                false => None,
            }
        };
        let (look, read) = join(self.look(&api), read).await;
        if let Some(read) = read {
            self.take_in_read(read).await?;
        }
        if self.facts.store != StoreState::Confirmed(Holds::New) && setup.store.readable() {
            self.still_there().await?;
        }
        let look = look?;
        match self.facts.retiring {
            false => drop(self.both(&look).await?),
            true => self.still_replaced(&look).await?,
        }
        self.replaced = look.let_in != Some(false);
        self.retiring_old = Some(look.old);
        Ok(())
    }

    /// A key cannot delete itself. The new one does, unless only the store knows its plaintext and cannot
    /// be read.
    fn can_be_deleted(&self) -> Done {
        let by_itself = self.own && self.new_secret.is_none() && !self.facts.retired;
        match by_itself && self.plan.retirement == Retirement::Delete {
            false => Ok(()),
            true => Err(StepError::attention(format!(
                "the old key {} cannot delete itself, and the new one's plaintext is in a store that cannot be read",
                self.plan.old_id
            ))
            .ended_by(Resolution::Caller)),
        }
    }

    /// The store has shown something else than the new key: a replica may lag.
    async fn still_there(&mut self) -> Done {
        let until = self.written.saturating_add(self.setup.times.propagation);
        let mut looks = 0;
        while self.facts.store != StoreState::Confirmed(Holds::New) {
            if self.setup.effects.elapsed() >= until {
                let why = "the store does not hold the new key any more";
                return Err(match self.facts.store {
                    _ if self.facts.retiring => StepError::attention(why),
                    // Somebody has put the old key back, or a replica has fallen behind: writing
                    // it once more is right for both, before the new key is deleted.
                    store if store.is_as_before() => {
                        let written = StoreState::Untouched.writing(Which::New, self.written);
                        self.facts.store = written.acknowledge(self.written);
                        StepError::new(why)
                    }
                    // A value that does not work is mended while this process has the old key. An
                    // empty store may have been moved, with the new key in it.
                    StoreState::Confirmed(Holds::Debris)
                        if self.held.is_some() && self.old_secret.is_some() =>
                    {
                        StepError::new(why)
                    }
                    _ => StepError::attention(why),
                });
            }
            let why = "for the store to show the new key";
            self.setup.effects.wait_to_look(why, looks, until).await?;
            looks += 1;
            self.read_store().await?;
        }
        Ok(())
    }

    /// The retirement has begun: the new key must be there and work all the same.
    async fn still_replaced(&mut self, look: &Look) -> Done {
        self.remove_listed(&look.marked).await?;
        if !look.new.is_seen() && !look.old.is_seen() {
            return Err(unseen());
        }
        let gone = match (&look.new, look.let_in) {
            (Sight::Present(_), None | Some(true)) => return Ok(()),
            (Sight::Present(_), Some(false)) => "is rejected by the server (401)",
            (Sight::Deleted(_), _) => "was deleted",
            (Sight::Absent, _) => "is not there",
        };
        let id = self.new_id()?;
        Err(StepError::attention(format!(
            "the new key {id}, which the store holds, {gone}: put the old key {} back into the store, or another one that works",
            self.plan.old_id
        )))
    }

    pub(super) async fn retire(&mut self) -> Done {
        self.facts.retiring = true;
        if let (true, Some(new)) = (self.plan.own, &self.new_secret) {
            // The caller's own client goes on with the new key.
            self.setup.client.swap_api_key(new.clone())?;
        }
        if self.plan.retirement == Retirement::Delete {
            let old = match self.retiring_old.take() {
                Some(Sight::Present(json)) => Seen::read(&json),
                Some(Sight::Deleted(_)) => None,
                Some(Sight::Absent) | None => {
                    return Err(StepError::attention("the old key is not there to be deleted"));
                }
            };
            if let Some(old) = old {
                let until = self.visible(self.setup.effects.elapsed());
                let api = self.api();
                delete(&api, Reason::Retired, &old, &self.known(&[]), until).await?;
            }
        }
        self.facts.retired = true;
        Ok(())
    }

    /// The last look before what cannot be taken back. Where nothing was ever written, a store that
    /// cannot be read now does not hold the key either.
    pub(super) async fn check_remove(&mut self) -> Done {
        if self.setup.store.readable()
            && let Err(error) = self.read_store().await
            && (self.facts.store != StoreState::Untouched || error.stop)
        {
            return Err(StepError { attention: !error.stop, ..error });
        }
        Ok(())
    }

    pub(super) async fn remove(&mut self) -> Done {
        let unread = !self.facts.fresh && self.shown_at_first.is_none();
        if unread && self.setup.store.readable() {
            // An older journal may know nothing of what was stored.
            self.read_store().await?;
        }
        let untouched = !self.facts.stored;
        if untouched && !matches!(self.facts.store, StoreState::Confirmed(Holds::New)) {
            // What was never written is not there, whatever the store holds.
            self.facts.store = StoreState::Untouched;
        }
        if self.facts.store == StoreState::Confirmed(Holds::New)
            || self.facts.store.is_unconfirmed()
        {
            // A write has landed late: back to where it is undone.
            return Ok(());
        }
        let (api, id) = (self.api(), self.new_id()?);
        let new = seen(&api, &id, self.visible(self.new_seen)).await?;
        match new {
            Sight::Present(json) => {
                let Some(key) = Seen::read(&json).filter(|key| key.id == id) else {
                    return Err(StepError::attention("the server responded with another key"));
                };
                let markers = self.journal.past.all_markers();
                let until = self.visible(self.setup.effects.elapsed());
                let copied = self.copied_name(&key).await?;
                let known = Known { copied_name: copied.as_deref(), ..self.known(&markers) };
                delete(&api, Reason::Undone, &key, &known, until).await?;
            }
            Sight::Deleted(_) => {}
            Sight::Absent => {
                if !api.look(&self.plan.old_id).await?.is_seen() {
                    return Err(unseen());
                }
                // It may show later still: the next run looks once more.
                if let Some(marker) = self.journal.past.markers.last() {
                    let marker = marker.to_string();
                    self.record_if_possible(Record::Rejected { marker }).await;
                }
            }
        }
        self.facts.removed = true;
        // A doubled request may have made another one under the same marker. Where that cannot be
        // seen now, the next run looks.
        let mut markers = self.journal.past.markers.clone();
        // Those whose outcome is unknown are looked for when all is settled.
        markers.retain(|marker| !self.journal.past.unsettled.contains(marker));
        for marker in markers {
            if let Err(error) = self.remove_orphans(&marker).await {
                self.setup.effects.note(self.scrub(&error.why));
                self.record_if_possible(Record::Rejected { marker: marker.to_string() }).await;
            }
        }
        Ok(())
    }

    /// The name that a replacement of the server's own rotation has from the old key, if it is ours.
    async fn copied_name(&self, key: &Seen) -> Result<Option<String>, StepError> {
        let fits = |secret: &Secret| {
            let masked = key.masked.as_deref();
            masked
                .is_some_and(|masked| crate::helpers::api_keys::fits_mask(secret.expose(), masked))
        };
        let by_server = matches!(self.plan.retirement, Retirement::Grace { .. });
        if !by_server || !self.new_secret.as_ref().is_some_and(fits) {
            return Ok(None);
        }
        let old = self.api().look(&self.plan.old_id).await?.present();
        Ok(old.as_ref().and_then(Seen::read).map(|old| old.name))
    }

    pub(super) async fn rename(&mut self) -> Done {
        self.facts.rename_tried = true;
        let (renamed, unmarked) = join(self.rename_new(), self.unmark_at_once()).await;
        self.facts.old_is_marked &= !unmarked;
        renamed
    }

    async fn rename_new(&self) -> Done {
        let (api, id) = (self.api(), self.new_id()?);
        if !self.facts.fresh && self.is_renamed(&id).await? {
            return Ok(());
        }
        let until = self.visible(self.new_seen);
        let mut looks = 0;
        loop {
            let error = match api.rename(&id, &self.name).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if matches!(self.is_renamed(&id).await, Ok(true)) {
                return Ok(());
            }
            // It was there just now: a replica lags.
            if !error.is_not_found() || self.setup.effects.elapsed() >= until {
                return Err(error.into());
            }
            let why = "for the server to find the key that is to be renamed";
            self.setup.effects.wait_to_look(why, looks, until).await?;
            looks += 1;
        }
    }

    /// Whether the new key has lost its marker already: a name that somebody else gave it stays.
    async fn is_renamed(&self, id: &str) -> Result<bool, StepError> {
        let Some(json) = self.api().look(id).await?.present() else { return Ok(false) };
        let name = OldKey::read(&json).map_err(StepError::new)?.name;
        Ok(!self.journal.past.markers.iter().any(|marker| marker.is(&name)))
    }
}
