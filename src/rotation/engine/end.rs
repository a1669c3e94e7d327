//! The end: where each key stands, what a person must do, and the ways out.

use super::core::{Engine, OldEnd};
use super::facts::{Course, course};
use crate::rotation::evidence::held::{Holds, StoreState};
use crate::rotation::journal::record::{Ending, Record};
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::{Disposition, Outcome, Resolution, RotationReport};

impl Engine {
    pub(super) async fn finish(mut self) -> RotationReport {
        let outcome = self.outcome();
        let complete = match outcome {
            Outcome::Rotated => {
                self.facts.retired && !self.rename_failed && !self.facts.old_is_marked
            }
            Outcome::AsBefore => !self.rename_failed && !self.facts.old_is_marked,
            _ => false,
        };
        if complete {
            let outcome = match outcome {
                Outcome::Rotated => Ending::Rotated,
                _ => Ending::AsBefore,
            };
            self.record_if_possible(Record::Ended { outcome }).await;
        }
        self.report_what_is_left(outcome, complete);
        let resolutions = self.ways_out(outcome);
        let scrubbed = self.why.take().map(|why| self.scrub(&why));
        let in_store = self.facts.store == StoreState::Confirmed(Holds::New);
        RotationReport {
            outcome,
            name: self.name.clone(),
            store: self.plan.store.clone(),
            old_id: self.plan.old_id.clone(),
            old: self.old_stands(outcome),
            old_ends: self.old_ends,
            new_id: self.adopted.as_ref().map(|adopted| adopted.id.clone()),
            new: match outcome {
                Outcome::Rotated => Disposition::InUse,
                Outcome::Stopped if in_store => Disposition::InUse,
                _ if self.adopted.is_none() => Disposition::NeverMade,
                _ if self.facts.removed => Disposition::Deleted,
                _ => Disposition::Kept,
            },
            steps: self.steps,
            unsettled: self.journal.past.unsettled.iter().map(ToString::to_string).collect(),
            todo: self.todo,
            resolutions,
            why: scrubbed,
            decision: self.decision,
        }
    }

    fn outcome(&self) -> Outcome {
        let facts = &self.facts;
        // Not what it held, nor what the journal knows as the new key.
        let other = matches!(facts.store, StoreState::Confirmed(holds) if holds != Holds::Old);
        let no_way_back = self.old_end.is_some() && !facts.fresh && !facts.foreign_by_word;
        match facts.course {
            _ if self.stopped => Outcome::Stopped,
            Course::Forward => Outcome::Rotated,
            Course::Back => Outcome::AsBefore,
            // The retirement failed, and the new key was in its place.
            Course::Attention
                if facts.retiring
                    && self.replaced
                    && facts.store == StoreState::Confirmed(Holds::New) =>
            {
                Outcome::Rotated
            }
            Course::Attention
                if !facts.undoing() && (!other || facts.foreign_by_word) && !no_way_back =>
            {
                Outcome::AsBefore
            }
            Course::Attention | Course::Undecided => Outcome::NeedsAttention,
        }
    }

    fn old_stands(&self, outcome: Outcome) -> Disposition {
        let grace = matches!(self.plan.retirement, Retirement::Grace { .. });
        match (outcome, self.plan.retirement) {
            (Outcome::Rotated, Retirement::Delete) if self.facts.retired => Disposition::Deleted,
            _ if self.old_end == Some(OldEnd::Deleted) => Disposition::Deleted,
            _ if self.old_end == Some(OldEnd::Expired) => Disposition::Expired,
            // The server's own rotation has moved its end, whatever came of the rest.
            _ if grace && (self.facts.adopted || !self.journal.past.markers.is_empty()) => {
                Disposition::Expires
            }
            (Outcome::Rotated, _) => Disposition::Kept,
            (Outcome::AsBefore, _) if !self.facts.foreign_by_word => Disposition::InUse,
            (Outcome::Stopped, _) if self.facts.store.is_as_before() => Disposition::InUse,
            _ => Disposition::Kept,
        }
    }

    /// Each of them ends it, or leads to where another one does.
    fn ways_out(&mut self, outcome: Outcome) -> Vec<Resolution> {
        let unsettled = !self.journal.past.unsettled.is_empty();
        let open = self.journal.past.is_open();
        if outcome != Outcome::NeedsAttention && self.todo.is_empty() && !unsettled {
            return Vec::new();
        }
        let mut ways = vec![Resolution::Retry];
        ways.append(&mut self.resolutions);
        if open {
            ways.push(Resolution::GiveUp);
        }
        let mut seen = Vec::new();
        ways.retain(|way| {
            let new = !seen.contains(way);
            seen.push(*way);
            new
        });
        ways
    }

    /// What a person does about the store.
    fn advice(&self, neither: bool) -> String {
        let store = &self.plan.store;
        match neither && self.setup.store.readable() {
            true => format!("put a key that works into {store}, then resume the rotation"),
            false => format!(
                "find out which key {store} holds and that it works, then resume the rotation"
            ),
        }
    }

    fn report_what_is_left(&mut self, outcome: Outcome, complete: bool) {
        let old = &self.plan.old_id;
        let store = self.store_shows();
        let neither = store == StoreState::Confirmed(Holds::Debris);
        let dead = self.old_end.filter(|_| store.is_as_before());
        let are_both_kept = |new: &str| match self.old_end {
            None => format!("the old key {old} and the new key {new} are both kept"),
            Some(end) => format!("the old key {old} {end}, and the new key {new} is kept"),
        };
        if let Some(end) = dead {
            self.todo.push(format!(
                "store another key: the old key {old}, which {} holds, {end}",
                self.plan.store
            ));
        }
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
            (Outcome::NeedsAttention, _) if dead.is_some() => {}
            (Outcome::NeedsAttention, Some(new)) => {
                let stand = are_both_kept(&new.id);
                self.todo.push(format!("{}; {stand}", self.advice(neither)));
            }
            (Outcome::NeedsAttention, None) => {
                let stands = self.old_end.map_or("is kept".to_owned(), |end| end.to_string());
                self.todo.push(format!("{}; the old key {old} {stands}", self.advice(neither)));
            }
            (Outcome::Stopped, Some(new)) => {
                let (new, store) = (&new.id, &self.plan.store);
                let will = match course(&self.facts) {
                    Course::Forward => format!(
                        "{store} holds the new key {new}, the old key {old} is not retired, and resuming goes on from there"
                    ),
                    Course::Back => {
                        format!("{store} does not hold the new key {new}, and resuming deletes it")
                    }
                    Course::Attention | Course::Undecided => format!(
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
        let unsettled = !self.journal.past.unsettled.is_empty();
        // A sweep is rejected while the journal is open, and resuming sweeps too.
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
