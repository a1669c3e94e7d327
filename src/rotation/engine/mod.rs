//! The rotation as it runs: asks what is next, does it, and writes down what came of it.
//!
//! What to do is decided in [`decide`](super::decide), what may be deleted in
//! [`guard`](super::guard). How each step is done is in the files of this folder.

mod back;
mod end;
mod forward;
mod tidy;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use self::trouble::{Done, Trouble};
use super::api::Api;
use super::builder::{HookError, Setup, Told};
use super::decide::{Action, Course, Facts, next};
use super::guard::{Doomed, Holds, Known, may_delete};
use super::journal::{Adopted, Journal, Record};
use super::lock::Lock;
use super::marker::Marker;
use super::plan::Plan;
use super::report::{Event, RotationReport, Step, StepReport};
use super::stop::Asked;
use super::store::StoreError;
use crate::Secret;
use crate::error::Scrubber;

/// How often a step is tried when there is no other way out: back, and past the retirement's start.
const PATIENT_ATTEMPTS: u32 = 6;

/// A rotation under way.
pub(crate) struct Engine {
    pub(crate) setup: Arc<Setup>,
    pub(crate) plan: Plan,
    pub(crate) journal: Journal,
    pub(crate) facts: Facts,
    pub(crate) adopted: Option<Adopted>,
    pub(crate) old_secret: Option<Secret>,
    pub(crate) new_secret: Option<Secret>,
    /// What the store held when it held neither key.
    pub(crate) held: Option<Secret>,
    pub(crate) api: Api,
    /// The name that the key is to bear: it may be changed by somebody meanwhile.
    pub(crate) name: String,
    /// Since when a request may still land unseen.
    pub(crate) last_unknown: Duration,
    /// Since when a write to the store may still land.
    pub(crate) last_write: Duration,
    pub(crate) deadline: Option<Duration>,
    /// Somebody deleted the old key meanwhile.
    pub(crate) revoked: bool,
    /// The old key, which was asking for its own replacement, is not let in any more.
    pub(crate) old_is_dead: bool,
    /// It ends here because it was asked to stop.
    pub(crate) stopped: bool,
    pub(crate) rename_failed: bool,
    pub(crate) restores: u32,
    pub(crate) steps: Vec<StepReport>,
    pub(crate) why: Option<String>,
    pub(crate) todo: Vec<String>,
    pub(crate) _store_lock: Option<Lock>,
}

impl Engine {
    /// Runs to the end. The only ways out are the end and the end of the process.
    pub(crate) async fn run(mut self) -> RotationReport {
        loop {
            self.facts.unsettled = !self.journal.past.unsettled.is_empty();
            self.heed_stop();
            let action = next(&self.facts);
            let Some(step) = step(action).filter(|_| !self.stopped) else { break };
            self.setup.port.tell(&Event::Started { step });
            let began = self.setup.port.clock.elapsed();
            let done = match self.out_of_time() {
                true => Err(Trouble::new("the deadline has passed")),
                false => self.perform(action).await,
            };
            let took = self.setup.port.clock.elapsed().saturating_sub(began);
            let failed = done.err().map(|trouble| {
                let why = self.scrub(&trouble.why);
                let trouble = Trouble { why: why.clone(), ..trouble };
                self.turn(action, trouble);
                why
            });
            self.setup.port.tell(&match &failed {
                None => Event::Done { step, took },
                Some(why) => Event::Failed { step, took, why: why.clone() },
            });
            self.steps.push(StepReport { step, took, failed });
        }
        self.finish().await
    }

    /// What comes of being asked to stop, at the boundary between two steps.
    fn heed_stop(&mut self) {
        let facts = &mut self.facts;
        // Only this process knows what a store that cannot be read back holds.
        let nowhere = facts.touched
            && !facts.retiring
            && facts.course == Course::Forward
            && !self.setup.store.readable();
        self.setup.port.deaf.store(nowhere, Ordering::SeqCst);
        // After the retirement has begun only what need not be waited for is left, and where a
        // person has to look there is nothing to stop.
        if facts.retiring || facts.course == Course::Hold || !self.setup.port.stopping() {
            return;
        }
        if facts.adopted && !facts.removed {
            self.stopped = true;
        } else if facts.course == Course::Forward {
            facts.course = Course::Back;
        } else {
            return;
        }
        self.because(&Asked.to_string());
    }

    /// One more reason why it does not go on.
    fn because(&mut self, reason: &str) {
        match &mut self.why {
            Some(why) => *why = format!("{why}; then: {reason}"),
            None => self.why = Some(reason.to_owned()),
        }
    }

    /// A deadline stops what goes forward, and never an undo.
    fn out_of_time(&self) -> bool {
        self.facts.course == Course::Forward
            && !self.facts.retiring
            && self.deadline.is_some_and(|end| self.setup.port.clock.elapsed() >= end)
    }

    /// What a failure does to the course.
    fn turn(&mut self, action: Action, trouble: Trouble) {
        match action {
            // A verified rotation is not undone for a name, nor for what can be looked at later.
            Action::Rename if self.facts.rename_tried => {
                self.rename_failed = true;
                self.setup
                    .port
                    .note(format!("the new key keeps its marker for now: {}", trouble.why));
                return;
            }
            Action::Settle | Action::Unmark => {
                self.facts.settle_tried = true;
                if action == Action::Unmark {
                    self.facts.old_is_marked = false;
                    self.todo.push(format!(
                        "give the key {} its name {:?} back: resume the rotation ({})",
                        self.plan.old_id, self.name, trouble.why
                    ));
                    self.rename_failed = true;
                }
                return;
            }
            // Nothing went wrong: it ends at the boundary.
            _ if trouble.asked && !self.facts.retiring => return,
            _ => {}
        }
        let course = match self.facts.course {
            Course::Forward if !trouble.hold && !self.facts.retiring => Course::Back,
            _ => Course::Hold,
        };
        self.facts.course = course;
        self.because(&trouble.why);
    }

    async fn perform(&mut self, action: Action) -> Done {
        match action {
            Action::Create => self.create().await,
            Action::Compare => self.compare().await,
            Action::Store => self.store().await,
            Action::Deploy => self.deploy().await,
            Action::Verify => self.verify().await,
            Action::Overlap => self.overlap().await,
            Action::Rename => self.rename().await,
            Action::SettleStore => self.settle_store().await,
            Action::Retire => self.retire().await,
            Action::Look => self.look().await,
            Action::Restore => self.restore().await,
            Action::Redeploy => self.redeploy().await,
            Action::Remove => self.remove().await,
            Action::Settle => self.settle().await,
            Action::Unmark => self.unmark().await,
            Action::Finish => Ok(()),
        }
    }

    // Who asks, and what is known.

    /// The API as the caller sees it. When a key replaces itself, the new one takes over with the
    /// retirement of the old.
    fn api(&self) -> Api {
        let key = match self.plan.own {
            false => None,
            true if self.facts.retiring || self.old_is_dead => self.new_secret.as_ref(),
            true => self.old_secret.as_ref(),
        };
        let api = match self.facts.course {
            Course::Forward if !self.facts.retiring => self.api.clone(),
            _ => self.api.patient(PATIENT_ATTEMPTS),
        };
        match key.map(|key| api.with_key(key)) {
            Some(Ok(keyed)) => keyed,
            _ => api,
        }
    }

    async fn record(&mut self, record: Record) -> Done {
        let port = Arc::clone(&self.setup.port);
        let journal = &mut self.journal;
        port.effect("write the journal", async {
            port.disk()?;
            journal.append(&record).map_err(Trouble::from)
        })
        .await
    }

    /// For lines without which an undo goes on: a full disk must not stop it.
    async fn record_if_possible(&mut self, record: Record) {
        if let Err(trouble) = self.record(record).await {
            self.setup
                .port
                .note(format!("{}; the rotation goes on without that line", trouble.why));
        }
    }

    fn scrub(&self, text: &str) -> String {
        let secrets = [&self.old_secret, &self.new_secret, &self.held];
        Scrubber::new(secrets.into_iter().flatten().cloned().collect()).line(text, 1000)
    }

    fn is_new(&self, secret: &Secret) -> bool {
        self.adopted.as_ref().is_some_and(|adopted| adopted.fingerprint.is_of(secret))
    }

    fn is_old(&self, secret: &Secret) -> bool {
        self.plan.old.as_ref().is_some_and(|old| old.is_of(secret))
    }

    /// Reads the store and says which key it holds.
    async fn look_at_store(&mut self) -> Result<Holds, StoreError> {
        let setup = Arc::clone(&self.setup);
        let read = setup.port.effect("read the store", setup.store.read()).await;
        let held = match read {
            Ok(held) => held,
            Err(error) => {
                self.facts.holds = Holds::Unknown;
                return Err(error);
            }
        };
        self.facts.holds = match &held {
            None => Holds::Nothing,
            Some(held) if self.is_new(held) => Holds::New,
            Some(held) if self.is_old(held) => Holds::Old,
            Some(_) => Holds::Other,
        };
        match (self.facts.holds, held) {
            (Holds::New, held) => self.new_secret = held,
            (Holds::Old, held) => self.old_secret = held,
            (_, held) => self.held = held,
        }
        Ok(self.facts.holds)
    }

    /// The replacement's id; every step but the first has one.
    fn new_id(&self) -> Result<String, Trouble> {
        let adopted = self.adopted.as_ref().ok_or_else(|| Trouble::hold("there is no new key"))?;
        Ok(adopted.id.clone())
    }

    /// Writes a key to the store, or empties it.
    async fn write_store(&mut self, key: Option<&Secret>, forward: bool) -> Result<(), StoreError> {
        let setup = Arc::clone(&self.setup);
        let expected = if forward { &self.old_secret } else { &self.new_secret };
        // A dropped future may leave a write behind, as a crash does.
        self.last_write = setup.port.clock.elapsed();
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
        let result = setup.port.effect("write the store", write).await;
        self.last_write = setup.port.clock.elapsed();
        if result.as_ref().is_err_and(StoreError::outcome_unknown) {
            self.facts.late = true;
        }
        result
    }

    async fn run_deploy(&self, told: Told) -> Done {
        let Some(deploy) = &self.setup.deploy else { return Ok(()) };
        self.setup
            .port
            .effect("deploy", async { self.within(told, deploy(told)).await })
            .await
            .map_err(|why| Trouble::new(format!("the deployment failed: {why}")))
    }

    /// Runs a hook; a forward one only as long as the deadline allows.
    async fn within(
        &self,
        told: Told,
        hook: impl Future<Output = Result<(), HookError>>,
    ) -> Result<(), String> {
        let left = match (self.deadline, told) {
            (Some(end), Told::New) => Some(end.saturating_sub(self.setup.port.clock.elapsed())),
            _ => None,
        };
        let result = match left {
            Some(left) => timeout(left, hook)
                .await
                .unwrap_or_else(|_| Err("it was still running at the deadline".into())),
            None => hook.await,
        };
        result.map_err(|error| self.scrub(&error.to_string()))
    }

    async fn wait_since(&self, since: Duration) -> Result<(), Asked> {
        let end = since.saturating_add(self.setup.settle);
        let now = self.setup.port.clock.elapsed();
        self.setup.port.sleep(end.saturating_sub(now)).await
    }

    /// The one function that deletes a key.
    async fn delete(&mut self, doomed: Doomed, id: &str, name: &str, masked: Option<&str>) -> Done {
        let mut markers = self.journal.past.markers.clone();
        markers.extend(self.journal.past.unsettled.iter().cloned());
        let known = Known {
            old_id: &self.plan.old_id,
            adopted_id: self.adopted.as_ref().map(|adopted| adopted.id.as_str()),
            markers: &markers,
            retiring: self.facts.retiring,
            holds: self.facts.holds,
            held: match self.facts.holds {
                Holds::Other | Holds::Unknown => self.held.as_ref(),
                _ => None,
            },
            touched: self.facts.touched,
            late: self.facts.late,
            store_is_new: self.plan.store_is_new,
        };
        may_delete(doomed, id, name, masked, &known)
            .map_err(|why| Trouble::hold(format!("the key {id} is not deleted: {why}")))?;
        let names = match doomed {
            Doomed::Orphan => vec![name],
            _ => {
                let marks = self.journal.past.markers.iter().map(Marker::as_str);
                marks.chain([self.name.as_str()]).collect()
            }
        };
        self.api().delete(id, &names).await?;
        Ok(())
    }
}

fn step(action: Action) -> Option<Step> {
    Some(match action {
        Action::Create => Step::Create,
        Action::Compare => Step::Compare,
        Action::Store => Step::Store,
        Action::Deploy => Step::Deploy,
        Action::Verify => Step::Verify,
        Action::Overlap => Step::Overlap,
        Action::Rename => Step::Rename,
        Action::SettleStore => Step::SettleStore,
        Action::Retire => Step::Retire,
        Action::Look => Step::Look,
        Action::Restore => Step::Restore,
        Action::Redeploy => Step::Redeploy,
        Action::Remove => Step::Remove,
        Action::Settle => Step::Settle,
        Action::Unmark => Step::Unmark,
        Action::Finish => return None,
    })
}
