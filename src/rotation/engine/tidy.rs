//! What is left in any case: requests that may still land, and names.

use super::compare::unseen;
use super::core::Engine;
use super::step_error::{Done, StepError};
use crate::rotation::api::Sight;
use crate::rotation::evidence::delete::is_gone;
use crate::rotation::journal::record::Record;
use crate::rotation::plan::old_key::OldKey;

impl Engine {
    pub(super) async fn settle(&mut self) -> Done {
        let until = self.visible(self.last_unknown);
        let why = "for requests whose outcome is unknown";
        self.setup.effects.wait_until(why, until).await?;
        self.facts.settle_tried = true;
        self.witness().await?;
        if self.setup.store.readable() && self.shown_at_first.is_none() {
            // What it holds is no orphan, however little an older journal knows of it.
            let effects = std::sync::Arc::clone(&self.setup.effects);
            let held = effects.effect("read the store", self.setup.store.read()).await?;
            self.take_in_read(Ok(held)).await?;
        }
        // A late rotation by the server copies the name that the old key bears by then, which may
        // be the marker of another attempt.
        for marker in self.journal.past.markers.clone() {
            self.remove_orphans(&marker).await?;
        }
        for marker in self.journal.past.unsettled.clone() {
            if !self.journal.past.markers.contains(&marker) {
                self.remove_orphans(&marker).await?;
            }
            self.record(Record::Settled { marker: marker.to_string() }).await?;
        }
        Ok(())
    }

    /// A caller who sees nothing that is known to exist learns nothing from what it does not see.
    async fn witness(&self) -> Done {
        let api = self.api();
        let ids = [Some(&self.plan.old_id), self.adopted.as_ref().map(|adopted| &adopted.id)];
        for id in ids.into_iter().flatten() {
            if api.look(id).await?.is_seen() {
                return Ok(());
            }
        }
        Err(unseen())
    }

    /// Beside another request, when all goes well: the old key was looked at just now, and nothing is
    /// under way that could copy its name. Whatever fails is left to the step of its own.
    pub(super) async fn unmark_at_once(&self) -> bool {
        let seen = match &self.retiring_old {
            Some(Sight::Present(json)) => OldKey::read(json).ok(),
            _ => None,
        };
        let bears = |old: OldKey| self.journal.past.markers.iter().any(|it| it.is(&old.name));
        let due = self.facts.fresh && self.facts.old_is_marked && !self.facts.unsettled;
        due && seen.is_some_and(bears)
            && self.api().rename(&self.plan.old_id, &self.name).await.is_ok()
    }

    pub(super) async fn unmark(&mut self) -> Done {
        let api = self.api();
        match api.look(&self.plan.old_id).await? {
            Sight::Present(old) => {
                let name = OldKey::read(&old).map_err(StepError::new)?.name;
                let marked = self.journal.past.markers.iter().any(|marker| marker.is(&name));
                // A replica that lags shows the name of before the marker; what is neither is
                // somebody else's choice.
                if marked || name == self.name {
                    api.rename(&self.plan.old_id, &self.name).await?;
                }
            }
            Sight::Deleted(_) => {}
            Sight::Absent => {
                let until = self.visible(self.old_seen);
                if !is_gone(&api, &self.plan.old_id, until).await? {
                    return Err(StepError::new("the server cannot find the old key just now"));
                }
            }
        }
        self.facts.old_is_marked = false;
        Ok(())
    }
}
