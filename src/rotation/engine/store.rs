//! Writing the store, reading it back, and mending what was broken in it.

use std::sync::Arc;
use std::time::Duration;

use super::core::{Engine, OldEnd, PATIENT_ATTEMPTS};
use super::facts::Course;
use super::step_error::{Done, StepError};
use crate::Secret;
use crate::rotation::api::Sight;
use crate::rotation::evidence::held::{Holds, StoreState, Which};
use crate::rotation::evidence::sight::let_in;
use crate::rotation::journal::record::Record;
use crate::rotation::store::StoreError;

/// How often the old key is put back before somebody else is taken to be at it.
const MOST_RESTORES: u32 = 3;

impl Engine {
    /// Reads the store and takes in what it shows.
    pub(super) async fn read_store(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        let read = setup.effects.effect("read the store", setup.store.read()).await;
        self.take_in_read(read).await
    }

    pub(super) async fn take_in_read(&mut self, read: Result<Option<Secret>, StoreError>) -> Done {
        let held = match read {
            Ok(held) => held,
            Err(error) => {
                self.believe_word();
                return match self.journal.past.store_by_word {
                    Some(_) if !self.facts.store.is_unconfirmed() => Ok(()),
                    _ => Err(error.into()),
                };
            }
        };
        let mut shows = self.recognise(held);
        if shows == Holds::Debris && self.is_foreign().await? {
            shows = Holds::Foreign;
        }
        self.believe(shows);
        Ok(())
    }

    /// Whether what the store holds beside our keys lets somebody in. What is shaped like a whole
    /// key may be a young one, which the server does not know everywhere yet.
    async fn is_foreign(&mut self) -> Result<bool, StepError> {
        let Some(held) = self.held.clone() else { return Ok(false) };
        let whole = self.old_secret.iter().chain(&self.new_secret).any(|key| {
            key.expose().len() == held.expose().len()
                && key.expose().get(..3) == held.expose().get(..3)
        });
        let now = self.setup.effects.elapsed();
        let until = if whole { self.visible(now) } else { now };
        Ok(let_in(&self.api(), &held, until).await?)
    }

    /// Before the store is written it must hold what it held.
    pub(super) async fn check_store(&mut self) -> Done {
        if self.setup.store.readable() {
            self.read_store().await?;
            if !self.facts.store.is_as_before() {
                // Untouched by us, whatever it is.
                self.facts.store = StoreState::Untouched;
                return Err(StepError::new("the store does not hold the old key any more"));
            }
        }
        match self.new_secret {
            Some(_) => Ok(()),
            None => Err(StepError::new("the new key's plaintext is gone")),
        }
    }

    pub(super) async fn store(&mut self) -> Done {
        let Some(new) = self.new_secret.clone() else {
            return Err(StepError::new("the new key's plaintext is gone"));
        };
        let written = self.write_store(Which::New, Some(&new)).await;
        self.facts.stored |=
            written.is_ok() || written.as_ref().is_err_and(StoreError::outcome_unknown);
        if !self.setup.store.readable() {
            written?;
            // A store that cannot be read is taken at its word.
            self.facts.store = StoreState::Confirmed(Holds::New);
            return Ok(());
        }
        // What it holds counts, not what the write says of itself.
        let read = self.read_store().await;
        let in_store = self.facts.store == StoreState::Confirmed(Holds::New);
        match (written, read) {
            (Err(error), Ok(())) if in_store => {
                let why = format!("the store holds the new key, although it reported: {error}");
                self.setup.effects.note(self.scrub(&why));
                Ok(())
            }
            (Err(error), _) => Err(error.into()),
            // Not yet, or not any more: reading it back tells.
            (Ok(()), _) => Ok(()),
        }
    }

    /// Reads the store until what it shows can be believed.
    pub(super) async fn confirm(&mut self) -> Done {
        let written = self.facts.store;
        let until = written.proven_at(self.setup.times);
        let (mut looks, mut failures) = (0, 0);
        loop {
            match self.read_store().await {
                Ok(()) if !self.facts.store.is_unconfirmed() => break,
                Err(error) if error.stop => return Err(error),
                Err(error) => {
                    failures += 1;
                    if failures >= PATIENT_ATTEMPTS && self.setup.effects.elapsed() >= until {
                        return self.ask_what_it_holds(error).await;
                    }
                }
                Ok(()) => {}
            }
            let now = self.setup.effects.elapsed();
            // One that cannot be read just now is given time beyond that moment.
            let until = until.max(now + Duration::from_secs(1));
            let why = "for the store to show what was written to it";
            self.setup.effects.wait_to_look(why, looks, until).await?;
            looks += 1;
        }
        if self.shown_at_first.is_some_and(|first| self.facts.store != StoreState::Confirmed(first))
        {
            // The workload was said to have what the store held then.
            (self.facts.deploy_done, self.facts.redeployed) = (false, false);
        }
        match (self.facts.course, self.facts.store) {
            (Course::Undecided, _) => Ok(()),
            (_, StoreState::Confirmed(Holds::Foreign)) if !self.facts.foreign_by_word => {
                Err(StepError::attention("the store holds another key, which works"))
            }
            (Course::Forward, StoreState::Confirmed(Holds::New)) => Ok(()),
            (Course::Forward, _) => {
                // It was acknowledged, so that it may show yet: the old key is written after it.
                self.facts.store = written;
                Err(StepError::new("the store does not hold what was written to it"))
            }
            _ => Ok(()),
        }
    }

    /// The store cannot be read, and no write of ours can land any more. What was said of it before
    /// that may have been true then.
    async fn ask_what_it_holds(&mut self, error: StepError) -> Done {
        let said = self.journal.past.store_by_word;
        self.facts.store = self.facts.store.settle();
        self.record_if_possible(Record::StoreSettled).await;
        let why = match said {
            Some(_) => format!(
                "a write may have landed after it was said what the store holds: look again, and say it again ({})",
                error.why
            ),
            None => error.why,
        };
        Err(StepError { attention: true, ..StepError::new(why) })
    }

    /// What the store is to hold again: the old key, or nothing.
    pub(super) fn restored(&self) -> Which {
        if self.plan.store_is_new { Which::Nothing } else { Which::Old }
    }

    /// Whether the old key can be put back, and is worth it.
    pub(super) async fn check_restore(&mut self) -> Done {
        self.restores += 1;
        if self.restores > MOST_RESTORES {
            return Err(StepError::attention("the store goes back to another key each time"));
        }
        if !self.setup.store.readable() {
            let why = "the store cannot be read back, so the new key stays in it";
            return Err(StepError::attention(why));
        }
        // Somebody may have put another key there meanwhile.
        let known = matches!(self.facts.store, StoreState::Confirmed(_));
        if known
            && self.read_store().await.is_ok()
            && self.facts.store == StoreState::Confirmed(Holds::Foreign)
        {
            return Err(StepError::attention("the store holds another key, which works"));
        }
        match (self.restored(), self.old_secret.clone()) {
            (Which::Old, None) => Err(StepError::attention(
                "the old key's plaintext is gone, so it cannot be put back into the store",
            )),
            (Which::Old, Some(old)) if self.old_end.is_none() => self.must_work(&old).await,
            _ => Ok(()),
        }
    }

    pub(super) async fn restore(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        let which = self.restored();
        let old = self.old_secret.clone().filter(|_| which == Which::Old);
        let mut attempt = 1;
        loop {
            let written = self.write_store(which, old.as_ref()).await;
            let read = self.read_store().await;
            let why = match (read, written) {
                (Err(error), Ok(())) => error.why,
                (_, Err(error)) if !self.facts.store.is_as_before() => error.to_string(),
                _ => match self.facts.store {
                    StoreState::Confirmed(Holds::Foreign) => {
                        let why = "the store holds another key, which works";
                        return Err(StepError::attention(why));
                    }
                    StoreState::Confirmed(Holds::Debris | Holds::New) => {
                        "the store does not hold what was written to it".to_owned()
                    }
                    // Not confirmed yet is read back in a step of its own.
                    _ => return Ok(()),
                },
            };
            if attempt >= PATIENT_ATTEMPTS {
                let why = format!("the old key could not be put back into the store: {why}");
                return Err(StepError::attention(why));
            }
            setup
                .effects
                .note(format!("trying again to put the old key back: {}", self.scrub(&why)));
            let wait = Duration::from_secs(1 << attempt.min(4));
            setup.effects.wait("before writing the store again", wait).await?;
            attempt += 1;
        }
    }

    /// The old key is worth going back to, unless somebody decided otherwise.
    async fn must_work(&mut self, old: &Secret) -> Done {
        let until = self.visible(self.old_seen);
        match let_in(&self.api(), old, until).await {
            Ok(false) => {}
            // It did when we began, and nothing of ours has changed that.
            Ok(true) | Err(_) => return Ok(()),
        }
        match self.api().look(&self.plan.old_id).await {
            // By somebody, since nothing of ours was to delete it yet. A journal that is taken up again
            // may be older than the retirement.
            Ok(Sight::Deleted(_)) if self.facts.fresh => {
                self.old_end = Some(OldEnd::Deleted);
                Ok(())
            }
            _ => Err(StepError::attention(
                "the old key does not work any more, so the new one stays",
            )),
        }
    }

    /// Writes a key to the store, or empties it.
    async fn write_store(&mut self, which: Which, key: Option<&Secret>) -> Result<(), StoreError> {
        let setup = Arc::clone(&self.setup);
        let expected = match which {
            Which::New => &self.old_secret,
            Which::Old | Which::Nothing => match self.facts.store {
                StoreState::Confirmed(Holds::New) => &self.new_secret,
                _ => &self.held,
            },
        };
        // A dropped future may leave a write behind, as a crash does.
        let writing = self.facts.store.writing(which, setup.effects.elapsed());
        let write = async {
            match (key, expected) {
                (Some(key), Some(expected)) => match setup.store.compare_and_swap(expected, key) {
                    Some(swapped) => match swapped.await? {
                        true => Ok(()),
                        false => Err(StoreError::failed("the store held something else")),
                    },
                    None => setup.store.write(key).await,
                },
                (Some(key), None) => setup.store.write(key).await,
                (None, _) => setup.store.clear().await,
            }
        };
        let result = setup.effects.effect("write the store", write).await;
        let now = setup.effects.elapsed();
        self.written = now;
        self.facts.store = match &result {
            Ok(()) => writing.acknowledge(now),
            Err(error) if error.outcome_unknown() => self.facts.store.writing(which, now),
            // Nothing was changed, and nothing will be.
            Err(_) => self.facts.store,
        };
        result
    }
}
