//! The end: what became of each key, and what a person must do.

use super::Engine;
use crate::rotation::decide::{Course, Facts};
use crate::rotation::guard::Holds;
use crate::rotation::journal::{Ending, Journal, Record};
use crate::rotation::plan::Retirement;
use crate::rotation::report::{Fate, Outcome, RotationReport};
use crate::rotation::resume;

impl Engine {
    pub(super) async fn finish(mut self) -> RotationReport {
        let facts = self.facts;
        let outcome = match facts.course {
            _ if self.stopped => Outcome::Stopped,
            Course::Forward => Outcome::Rotated,
            Course::Back => Outcome::AsBefore,
            Course::Hold if facts.retiring && facts.holds == Holds::New => Outcome::Rotated,
            Course::Hold if !facts.adopted || facts.removed => Outcome::AsBefore,
            Course::Hold => Outcome::NeedsAttention,
        };
        let complete = match outcome {
            Outcome::Rotated => facts.retired && !self.rename_failed && !facts.old_is_marked,
            Outcome::AsBefore => !self.rename_failed && !facts.old_is_marked,
            Outcome::NeedsAttention | Outcome::Stopped => false,
        };
        if complete {
            let outcome = match outcome {
                Outcome::Rotated => Ending::Rotated,
                _ => Ending::AsBefore,
            };
            self.record_if_possible(Record::Ended { outcome }).await;
        }
        self.say_what_is_left(outcome, complete);
        let scrubbed = self.why.take().map(|why| self.scrub(&why));
        RotationReport {
            outcome,
            name: self.name.clone(),
            store: self.plan.store.clone(),
            old_id: self.plan.old_id.clone(),
            old: self.fate_of_old(outcome),
            new_id: self.adopted.as_ref().map(|adopted| adopted.id.clone()),
            new: match outcome {
                Outcome::Rotated => Fate::InUse,
                Outcome::Stopped if facts.holds == Holds::New => Fate::InUse,
                _ if self.adopted.is_none() => Fate::NeverMade,
                _ if facts.removed => Fate::Deleted,
                _ => Fate::Kept,
            },
            steps: self.steps,
            unsettled: self.journal.past.unsettled.iter().map(ToString::to_string).collect(),
            todo: self.todo,
            why: scrubbed,
        }
    }

    fn fate_of_old(&self, outcome: Outcome) -> Fate {
        let grace = matches!(self.plan.retirement, Retirement::Grace { .. });
        match (outcome, self.plan.retirement) {
            (Outcome::Rotated, Retirement::Delete) if self.facts.retired => Fate::Deleted,
            _ if self.revoked => Fate::Deleted,
            // The server's own rotation has moved its end, whatever came of the rest.
            _ if grace && self.facts.old_is_expiring(&self.journal) => Fate::Expires,
            (Outcome::Rotated, _) => Fate::Kept,
            (Outcome::AsBefore, _) => Fate::InUse,
            (Outcome::Stopped, _) if self.facts.holds == Holds::Old => Fate::InUse,
            (Outcome::NeedsAttention | Outcome::Stopped, _) => Fate::Kept,
        }
    }

    fn say_what_is_left(&mut self, outcome: Outcome, complete: bool) {
        let old = &self.plan.old_id;
        match (outcome, &self.adopted) {
            (Outcome::Rotated, _) if !self.facts.retired => {
                self.todo
                    .push(format!("resume the rotation: the old key {old} is still to be retired"));
            }
            (Outcome::Rotated, Some(new)) if self.rename_failed => {
                self.todo.push(format!(
                    "resume the rotation: the new key {} still bears its marker instead of {:?}",
                    new.id, self.name
                ));
            }
            (Outcome::NeedsAttention, Some(new)) => {
                self.todo.push(format!(
                    "find out which key {} holds and that it works, then resume the rotation; the old key {old} and the new key {} are both kept",
                    self.plan.store, new.id
                ));
            }
            (Outcome::Stopped, Some(new)) => {
                let (new, store) = (&new.id, &self.plan.store);
                let will = match resume::course(&self.facts, self.plan.store_is_new) {
                    Course::Forward => format!(
                        "{store} holds the new key {new}, the old key {old} is not retired, and resuming goes on from there"
                    ),
                    Course::Back => {
                        format!("{store} does not hold the new key {new}, and resuming deletes it")
                    }
                    Course::Hold => format!(
                        "{store} may hold the old key {old} or the new key {new}, and resuming looks which"
                    ),
                };
                self.todo.push(format!("resume the rotation: {will}"));
            }
            (Outcome::AsBefore, _) if !complete => {
                self.todo.push("resume the rotation: something is left to be tidied up".to_owned());
            }
            _ => {}
        }
        if self.revoked && outcome == Outcome::AsBefore {
            self.todo.push(format!(
                "the old key {old}, which {} holds, was deleted by somebody: store another key there",
                self.plan.store
            ));
        }
        let unsettled = !self.journal.past.unsettled.is_empty();
        // A sweep is refused while the journal is open, and resuming sweeps too.
        match self.journal.past.is_open() {
            false if unsettled => self.todo.push(
                "sweep the journal: a key that nobody holds may still appear under a marker"
                    .to_owned(),
            ),
            true if unsettled && self.todo.is_empty() => self.todo.push(
                "resume the rotation: a key that nobody holds may still appear under a marker"
                    .to_owned(),
            ),
            true if complete => self.todo.push(
                "resume the rotation: its end could not be written into the journal".to_owned(),
            ),
            _ => {}
        }
    }
}

impl Facts {
    /// Whether the server's own rotation may have moved the old key's end.
    fn old_is_expiring(&self, journal: &Journal) -> bool {
        self.adopted || !journal.past.markers.is_empty()
    }
}
