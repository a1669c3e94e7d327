//! The loop: asks the table what is next, does it, and turns round when it fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::{Engine, OldEnd};
use super::facts::{Course, course};
use super::step_error::{Done, StepError};
use super::table::{Row, next};
use crate::rotation::api::Sight;
use crate::rotation::effects::stop::StopRequested;
use crate::rotation::evidence::held::{Holds, StoreState};
use crate::rotation::journal::record::Record;
use crate::rotation::plan::old_key::OldKey;
use crate::rotation::report::{Event, RotationReport, Step, StepReport};

impl Engine {
    /// Runs to the end. The only ways out are the end and the end of the process.
    pub(crate) async fn run(mut self) -> RotationReport {
        self.decide().await;
        loop {
            self.facts.unsettled = !self.journal.past.unsettled.is_empty();
            self.heed_stop();
            let Some(row) = next(&self.facts).filter(|_| !self.stopped) else { break };
            let effects = Arc::clone(&self.setup.effects);
            effects.report(&Event::Started { step: row.step });
            let began = effects.elapsed();
            let done = match self.out_of_time() {
                true => Err(StepError::new("the deadline has passed")),
                false => self.take(row).await,
            };
            let took = effects.elapsed().saturating_sub(began);
            let failed = done.err().map(|error| {
                let why = self.scrub(&error.why);
                self.turn(row, StepError { why: why.clone(), ..error });
                why
            });
            effects.report(&match &failed {
                None => Event::Done { step: row.step, took },
                Some(why) => Event::Failed { step: row.step, took, why: why.clone() },
            });
            self.steps.push(StepReport { step: row.step, took, failed });
            self.decide().await;
        }
        self.finish().await
    }

    /// One more step that was taken before this engine was: the plan.
    pub(crate) fn planned(&mut self, report: StepReport) {
        self.steps.push(report);
    }

    /// Looks, writes down what is about to be done, does it.
    async fn take(&mut self, row: &Row) -> Done {
        self.asks = row.asks;
        if let Some(check) = row.check {
            check(self).await?;
        }
        if let Some(record) = row.before.and_then(|before| before(self)) {
            match self.facts.course {
                Course::Forward => self.record(record).await?,
                // A full disk must not stop an undo.
                _ => self.record_if_possible(record).await,
            }
        }
        (row.work)(self).await?;
        if let Some(record) = row.after.and_then(|after| after(self)) {
            self.record_if_possible(record).await;
        }
        Ok(())
    }

    /// Where it heads, once that can be told.
    async fn decide(&mut self) {
        if self.facts.course == Course::Undecided && !self.facts.store.is_unconfirmed() {
            self.facts.course = course(&self.facts);
        }
        if !self.steps.iter().any(|step| step.step != Step::Plan && step.step != Step::Confirm) {
            self.decide_at_first().await;
        }
    }

    /// A retirement that was begun and not done is called off when the old key is the one in use.
    async fn decide_at_first(&mut self) {
        if self.facts.course == Course::Attention
            && self.facts.retiring
            && self.facts.store.is_as_before()
            && let Some(old) = self.old_secret.clone()
            && self.api().lets_in(&old).await.unwrap_or(false)
        {
            self.facts.course = Course::Back;
        }
        self.see_whether_the_old_key_lives().await;
        match self.facts.course {
            Course::Back if self.facts.retiring => {
                self.facts.retiring = false;
                self.record_if_possible(Record::NotRetiring).await;
            }
            Course::Attention if self.resolutions.is_empty() => self.cannot_tell(),
            _ => {}
        }
    }

    /// A resumption says of the old key what the server says of it, and never goes back to one that is
    /// dead: the journal may be older than the retirement, and so may be what the store shows and a
    /// person remembers.
    async fn see_whether_the_old_key_lives(&mut self) {
        let course = self.facts.course;
        if self.facts.fresh
            || self.old_end.is_some()
            || !matches!(course, Course::Back | Course::Attention)
        {
            return;
        }
        let seen = match self.api().look(&self.plan.old_id).await {
            Ok(seen) => seen,
            // It is not known, and what was not known before is no reason to ask.
            Err(_) if course == Course::Attention => return,
            Err(error) => {
                self.facts.course = Course::Attention;
                return self.because(&error.to_string());
            }
        };
        self.old_end = match seen {
            Sight::Deleted(_) => Some(OldEnd::Deleted),
            Sight::Present(json) => {
                let now = self.setup.effects.server_now();
                let ends = OldKey::read(&json).ok().and_then(|old| old.expires_at);
                self.see_end(ends);
                ends.filter(|end| *end <= now).map(|_| OldEnd::Expired)
            }
            Sight::Absent => None,
        };
        if self.old_end.is_some() && !self.facts.foreign_by_word {
            self.facts.course = Course::Attention;
        }
    }

    /// What comes of a requested stop, at the boundary between two steps.
    fn heed_stop(&mut self) {
        let facts = &mut self.facts;
        let effects = &self.setup.effects;
        // Only this process knows what a store that cannot be read back holds.
        let nowhere = facts.stored
            && !facts.retiring
            && facts.course == Course::Forward
            && !self.setup.store.readable();
        effects.unstoppable.store(nowhere, Ordering::SeqCst);
        // After the retirement has begun only what need not be waited for is left, and where a
        // person has to choose there is nothing to stop.
        if facts.retiring || facts.course == Course::Attention || !effects.stopping() {
            return;
        }
        if facts.undoing() || facts.course == Course::Undecided {
            self.stopped = true;
        } else if facts.course == Course::Forward {
            facts.course = Course::Back;
        } else {
            return;
        }
        self.because(&StopRequested.to_string());
    }

    /// One more reason why it does not go on.
    fn because(&mut self, reason: &str) {
        match &mut self.why {
            Some(why) => *why = format!("{why}; then: {reason}"),
            None => self.why = Some(reason.to_owned()),
        }
    }

    /// A deadline stops what goes forward, and never an undo.
    pub(super) fn out_of_time(&self) -> bool {
        self.facts.course == Course::Forward
            && !self.facts.retiring
            && self.deadline.is_some_and(|end| self.setup.effects.elapsed() >= end)
    }

    /// What a failure does to the course.
    fn turn(&mut self, row: &Row, error: StepError) {
        match row.step {
            // A verified rotation is not undone for a name, nor for what can be looked at later.
            Step::Rename if self.facts.rename_tried => {
                self.rename_failed = true;
                let why = format!("the new key keeps its marker for now: {}", error.why);
                self.setup.effects.note(why);
                return;
            }
            Step::Settle => {
                self.facts.settle_tried = true;
                self.resolutions.extend(error.resolutions);
                return;
            }
            Step::Unmark => {
                self.facts.old_is_marked = false;
                self.rename_failed = true;
                self.todo.push(format!(
                    "give the key {} its name {:?} back: resume the rotation ({})",
                    self.plan.old_id, self.name, error.why
                ));
                return;
            }
            // Nothing went wrong: it ends at the boundary.
            _ if error.stop && !self.facts.retiring => return,
            _ => {}
        }
        let course = match self.facts.course {
            Course::Forward if !error.attention && !self.facts.retiring => Course::Back,
            _ => Course::Attention,
        };
        self.facts.course = course;
        if course == Course::Attention {
            self.resolutions.extend(error.resolutions);
            self.offer(row.ways_out);
            if self.facts.store == StoreState::Confirmed(Holds::New) {
                self.offer(self.ways_on);
            }
        } else {
            self.ways_on = row.ways_out;
        }
        self.because(&error.why);
        self.decision = self.decision.or(error.decision);
    }
}
