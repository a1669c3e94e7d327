//! What is left in any case: writes and requests that may still land, and names.

use std::sync::Arc;

use super::{Done, Engine, Trouble};
use crate::rotation::decide::Course;
use crate::rotation::guard::{Doomed, Holds};
use crate::rotation::journal::Record;
use crate::rotation::marker::Marker;
use crate::rotation::plan::OldKey;

impl Engine {
    pub(super) async fn settle_store(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        let before = self.facts.holds;
        self.wait_since(self.last_write).await?;
        if setup.store.readable() {
            let holds = self.look_at_store().await.map_err(|e| Trouble::hold(e.to_string()))?;
            if holds != before {
                // It has landed: nothing is late any more, and the course is set by what it did.
                self.facts.late = false;
                return match (self.facts.course, holds) {
                    (Course::Back, Holds::New) | (Course::Back, Holds::Old) => Ok(()),
                    _ => Err(Trouble::hold("the store changed after the last write to it")),
                };
            }
        }
        self.facts.late = false;
        Ok(())
    }

    pub(super) async fn settle(&mut self) -> Done {
        self.wait_since(self.last_unknown).await?;
        self.facts.settle_tried = true;
        // A late rotation by the server copies the name that the old key bears by then, which may
        // be the marker of another attempt.
        for marker in self.journal.past.markers.clone() {
            self.delete_orphans(&marker).await?;
        }
        for marker in self.journal.past.unsettled.clone() {
            if !self.journal.past.markers.contains(&marker) {
                self.delete_orphans(&marker).await?;
            }
            self.record(Record::Settled { marker: marker.to_string() }).await?;
        }
        Ok(())
    }

    /// Deletes what was made under a marker and is not in use: nobody has its plaintext.
    pub(super) async fn delete_orphans(&mut self, marker: &Marker) -> Done {
        for key in self.api().named(marker.as_str()).await? {
            let in_use = self.adopted.as_ref().is_some_and(|adopted| adopted.id == key.id)
                || self.journal.past.in_use.contains(&key.id)
                || key.id == self.plan.old_id;
            if !in_use {
                self.delete(Doomed::Orphan, &key.id, &key.name, Some(&key.masked_key)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn unmark(&mut self) -> Done {
        let api = self.api();
        let markers = self.journal.past.markers.clone();
        match api.get(&self.plan.old_id).await? {
            Some(old) => {
                let name = OldKey::read(&old).map_err(Trouble::new)?.name;
                if markers.iter().any(|marker| marker.is(&name)) {
                    api.rename(&self.plan.old_id, &self.name).await?;
                }
            }
            None => {
                let names: Vec<&str> = markers.iter().map(Marker::as_str).collect();
                if !api.is_gone(&self.plan.old_id, &names).await? {
                    return Err(Trouble::new("the server cannot find the old key just now"));
                }
            }
        }
        self.facts.old_is_marked = false;
        Ok(())
    }
}
