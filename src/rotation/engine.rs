//! The rotation as it runs: asks what is next, does it, and writes down what came of it.
//!
//! What to do is decided in [`decide`](super::decide), what may be deleted in
//! [`guard`](super::guard). Here is only how each step is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout;

use super::api::{self, Api, Json};
use super::builder::{Setup, Told};
use super::decide::{Action, Course, Facts, next};
use super::equal::differences;
use super::fingerprint::Fingerprint;
use super::guard::{Doomed, Holds, Known, may_delete};
use super::journal::{Adopted, Ending, Journal, JournalError, Record, Which};
use super::lock::Lock;
use super::marker::Marker;
use super::plan::{Ask, OldKey, Plan, Retirement, TOLERANCE};
use super::report::{Event, Fate, Outcome, RotationReport, Step, StepReport};
use super::resume;
use super::stop::Asked;
use super::store::StoreError;
use crate::scrub::Scrubber;
use crate::{Error, ErrorKind, Nullable, Secret};

/// How often a create whose outcome is unknown is followed by another, under another marker.
const CREATES: u32 = 4;
/// How often a step that undoes something is tried.
const UNDO_ATTEMPTS: u32 = 6;

/// Why a step failed.
pub(crate) struct Trouble {
    why: String,
    /// Going back would not be safe either.
    hold: bool,
    /// Nothing but a wait that was cut short.
    asked: bool,
}

impl Trouble {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hold: false, asked: false }
    }

    fn hold(why: impl Into<String>) -> Self {
        Self { hold: true, ..Self::new(why) }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { asked: error.kind() == ErrorKind::Stopped, ..Self::new(error.to_string()) }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Asked> for Trouble {
    fn from(asked: Asked) -> Self {
        Self { asked: true, ..Self::new(asked.to_string()) }
    }
}

type Done = Result<(), Trouble>;

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
            Course::Forward if !trouble.hold && !self.facts.retiring => {
                // Going back takes as much patience as it needs.
                self.api = self.api.patient(UNDO_ATTEMPTS);
                Course::Back
            }
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
        match key.map(|key| self.api.with_key(key)) {
            Some(Ok(api)) => api,
            _ => self.api.clone(),
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

    // Forward.

    /// Makes the replacement exactly once: under a name of its own each time, looked for after
    /// every answer that is not a clean success.
    async fn create(&mut self) -> Done {
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

    fn create_body(
        &self,
        marker: &Marker,
    ) -> Result<crate::types::builder::CreateApiKeyRequest, Trouble> {
        let body = crate::types::CreateApiKeyRequest::builder().name(marker.as_str());
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

    fn rotate_body(&self, days: i64) -> crate::types::builder::RotateApiKeyRequest {
        let body = crate::types::RotateApiKeyRequest::builder().expire_in_days(days);
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

    /// The replacement's id; every step but the first has one.
    fn new_id(&self) -> Result<String, Trouble> {
        let adopted = self.adopted.as_ref().ok_or_else(|| Trouble::hold("there is no new key"))?;
        Ok(adopted.id.clone())
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
    async fn compare(&mut self) -> Done {
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

    async fn store(&mut self) -> Done {
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

    async fn deploy(&mut self) -> Done {
        self.record(Record::Deploying { key: Which::New }).await?;
        self.facts.deployed = true;
        self.run_deploy(Told::New).await?;
        self.facts.deploy_done = true;
        Ok(())
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
        hook: impl Future<Output = Result<(), super::builder::HookError>>,
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

    async fn verify(&mut self) -> Done {
        let Some(new) = self.new_secret.clone() else {
            return Err(Trouble::new("the new key's plaintext is gone"));
        };
        if !self.api().lets_in(&new).await? {
            return Err(Trouble::new("the server refuses the new key (401)"));
        }
        if let Some(verify) = &self.setup.verify {
            let client = api::with_key(&self.setup.client, &new)?;
            self.setup
                .port
                .effect("verify", async { self.within(Told::New, verify(client)).await })
                .await
                .map_err(|why| Trouble::new(format!("the verification failed: {why}")))?;
        }
        self.facts.verified = true;
        Ok(())
    }

    async fn overlap(&mut self) -> Done {
        self.setup.port.sleep(self.setup.overlap).await?;
        self.facts.overlapped = true;
        Ok(())
    }

    async fn rename(&mut self) -> Done {
        self.facts.rename_tried = true;
        let id = self.new_id()?;
        self.api().rename(&id, &self.name).await?;
        Ok(())
    }

    async fn retire(&mut self) -> Done {
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

    // Back.

    async fn look(&mut self) -> Done {
        if !self.setup.store.readable() {
            return Err(Trouble::hold("nobody can tell which key the store holds"));
        }
        self.look_at_store().await.map_err(|error| Trouble::hold(error.to_string()))?;
        match self.facts.holds {
            Holds::Old | Holds::New => Ok(()),
            Holds::Nothing if self.plan.store_is_new => Ok(()),
            _ => Err(Trouble::hold("the store holds neither the old nor the new key")),
        }
    }

    async fn restore(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        self.restores += 1;
        if self.restores > 3 {
            return Err(Trouble::hold("the store goes back to the new key each time"));
        }
        if !setup.store.readable() {
            return Err(Trouble::hold("the store cannot be read back, so the new key stays in it"));
        }
        let old = match (self.plan.store_is_new, self.old_secret.clone()) {
            (true, _) => None,
            (false, Some(old)) => Some(old),
            (false, None) => {
                return Err(Trouble::hold(
                    "the old key's plaintext is gone, so it cannot be put back into the store",
                ));
            }
        };
        if let (Some(old), false) = (&old, self.revoked) {
            self.must_work(old).await?;
        }
        let which = if old.is_some() { Which::Old } else { Which::Nothing };
        self.record_if_possible(Record::Storing { key: which }).await;
        let mut attempt = 1;
        loop {
            let written = self.write_store(old.as_ref(), false).await;
            let expected = if old.is_some() { Holds::Old } else { Holds::Nothing };
            let why = match (self.look_at_store().await, written) {
                (Ok(holds), _) if holds == expected => return Ok(()),
                (Ok(Holds::Other), _) => {
                    return Err(Trouble::hold("the store holds neither the old nor the new key"));
                }
                (_, Err(error)) | (Err(error), Ok(())) => error.to_string(),
                (Ok(_), Ok(())) => "the store does not hold what was written to it".to_owned(),
            };
            if attempt >= UNDO_ATTEMPTS {
                let why = format!("the old key could not be put back into the store: {why}");
                return Err(Trouble::hold(why));
            }
            setup.port.note(format!("trying again to put the old key back: {}", self.scrub(&why)));
            setup.port.sleep(Duration::from_secs(1 << attempt.min(4))).await?;
            attempt += 1;
        }
    }

    /// The old key is worth going back to, unless somebody decided otherwise.
    async fn must_work(&mut self, old: &Secret) -> Done {
        match self.api().lets_in(old).await {
            Ok(false) => {}
            // It did when we began, and nothing of ours has changed that.
            Ok(true) | Err(_) => return Ok(()),
        }
        match self.api().get(&self.plan.old_id).await {
            Ok(None) => {
                self.revoked = true;
                Ok(())
            }
            _ => Err(Trouble::hold("the old key does not work any more, so the new one stays")),
        }
    }

    /// Whether the server lets the old key in, as far as it can be asked.
    pub(crate) async fn old_works(&self, old: &Secret) -> bool {
        self.api().lets_in(old).await.unwrap_or(false)
    }

    async fn redeploy(&mut self) -> Done {
        self.record_if_possible(Record::Deploying { key: Which::Old }).await;
        self.run_deploy(Told::Old).await.map_err(|trouble| {
            Trouble::hold(format!("{}, so the workload may still have the new key", trouble.why))
        })?;
        self.facts.redeployed = true;
        Ok(())
    }

    async fn remove(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        let id = self.new_id()?;
        if setup.store.readable() {
            // The last look before what cannot be taken back. Where nothing was ever written, a
            // store that cannot be read now does not hold the key either.
            if let (Err(error), true) = (self.look_at_store().await, self.facts.touched) {
                return Err(Trouble::hold(error.to_string()));
            }
            if self.facts.holds == Holds::New {
                // A write has landed late: back to where it is undone.
                return Ok(());
            }
        }
        self.delete(Doomed::Replacement, &id, "", None).await?;
        self.facts.removed = true;
        self.record_if_possible(Record::Removed).await;
        Ok(())
    }

    // What is left in any case.

    async fn settle_store(&mut self) -> Done {
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

    async fn wait_since(&self, since: Duration) -> Result<(), Asked> {
        let end = since.saturating_add(self.setup.settle);
        let now = self.setup.port.clock.elapsed();
        self.setup.port.sleep(end.saturating_sub(now)).await
    }

    async fn settle(&mut self) -> Done {
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
    async fn delete_orphans(&mut self, marker: &Marker) -> Done {
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

    async fn unmark(&mut self) -> Done {
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

    // The end.

    async fn finish(mut self) -> RotationReport {
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
