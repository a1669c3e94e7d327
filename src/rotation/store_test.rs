//! A store, tried without a rotation: what it holds is read, and written back unchanged.
//!
//! A program that truncates is found out here, so nothing may be lost by that: the value stays in
//! memory until the store has shown it again, and is put back where it shows something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::effects::clock::{Clock, SystemClock};
use super::effects::rate_limit::RateLimit;
use super::effects::stop::Stop;
use super::effects::{Effects, Listener};
use super::report::Event;
use super::site::lock_store;
use super::store::profile::seconds;
use super::store::{Store, StoreError, StoreProfile};
use crate::Secret;

/// How long the store is watched at most, however long a write may take to show.
const LONGEST_WATCH: Duration = Duration::from_secs(60);
/// How often the value is put back, as often as a rotation does.
const ATTEMPTS: u32 = 6;

/// The test of a store. It needs no key and no server.
///
/// ```no_run
/// use onkernel::rotation::{FileStore, StoreTest};
///
/// # async fn example() {
/// let report = StoreTest::new(FileStore::new("/etc/agent/kernel-key")).run().await;
/// assert!(report.passed());
/// # }
/// ```
#[must_use = "nothing happens before `run`"]
pub struct StoreTest {
    store: Arc<dyn Store>,
    stop: Stop,
    clock: Arc<dyn Clock>,
    listeners: Vec<Listener>,
}

/// What is tried of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreCheck {
    /// It is locked, as a rotation locks it.
    Lock,
    /// It looks as if it could be written.
    Ready,
    /// It is read.
    Read,
    /// What it holds is written back unchanged.
    Write,
    /// It shows what was written.
    Show,
    /// What it held is put back, since it showed something else.
    PutBack,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckResult {
    /// It can be done.
    Passed,
    /// It was not tried, for this reason.
    Skipped(String),
    /// It cannot be done, for this reason.
    Failed(String),
}

/// What the store is left with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreLeft {
    /// Nothing was written.
    Untouched,
    /// It shows what it held before.
    AsBefore,
    /// It shows something else, or nothing.
    Different,
    /// It was written, and cannot be read now or was not watched long enough.
    Unknown,
}

/// What a test of a store found. It holds no secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StoreTestReport {
    /// What the store is like.
    pub store: StoreProfile,
    /// Each check, in order.
    pub checks: Vec<(StoreCheck, CheckResult)>,
    /// How long it took until the store showed what was written, for good; in JSON, seconds. What was
    /// written is what it held, so that a store that shows old values for a while seems quick.
    #[serde(serialize_with = "optional_seconds")]
    pub shown_after: Option<Duration>,
    /// What it is left with.
    pub left: StoreLeft,
    /// What a person must do, in a sentence.
    pub todo: Option<String>,
}

impl StoreTestReport {
    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(|(_, result)| matches!(result, CheckResult::Failed(_)))
    }
}

/// What the store shows, beside what it held at first.
enum Shown {
    Same,
    /// A stop was requested before that was sure.
    SameSoFar,
    /// Something that may be what our write made of it, or nothing.
    Debris(Option<Secret>),
    /// Another whole value, which a write of ours cannot have made.
    Foreign,
    Unreadable(StoreError),
}

impl StoreTest {
    /// The test of this store.
    pub fn new(store: impl Store + 'static) -> Self {
        Self::shared(Arc::new(store))
    }

    /// As [`new`](Self::new), for a store that is shared.
    pub fn shared(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self { store, stop: Stop::new(), clock, listeners: Vec::new() }
    }

    /// Watches the store no longer than needed once a stop is requested. What was changed is put
    /// right first.
    pub fn stop_on(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What it waits for is reported to this.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// Tries the store. Dropping the future after the write may leave what the write made of it.
    pub async fn run(self) -> StoreTestReport {
        let report = StoreTestReport {
            store: StoreProfile::of(&*self.store),
            checks: Vec::new(),
            shown_after: None,
            left: StoreLeft::Untouched,
            todo: None,
        };
        let effects = Effects {
            rate_limit: Arc::new(RateLimit::new(Arc::clone(&self.clock))),
            clock: self.clock,
            listeners: self.listeners,
            probe: None,
            stop: self.stop,
            unstoppable: AtomicBool::new(false),
            server_time: std::sync::Mutex::default(),
            hold: std::sync::OnceLock::new(),
            barred: tokio::sync::Notify::new(),
        };
        let mut trial = Trial { store: self.store, effects, report };
        let lock = lock_store(&*trial.store);
        if trial.check(StoreCheck::Lock, lock.as_ref().err()) {
            trial.run().await;
        }
        trial.report
    }
}

/// A test under way.
struct Trial {
    store: Arc<dyn Store>,
    effects: Effects,
    report: StoreTestReport,
}

impl Trial {
    /// Takes down what came of a check, and says whether to go on.
    fn check(&mut self, check: StoreCheck, error: Option<&impl ToString>) -> bool {
        self.report.checks.push((
            check,
            match error {
                None => CheckResult::Passed,
                Some(error) => CheckResult::Failed(error.to_string()),
            },
        ));
        error.is_none()
    }

    fn skip(&mut self, check: StoreCheck, why: &str) {
        self.report.checks.push((check, CheckResult::Skipped(why.to_owned())));
    }

    async fn run(&mut self) {
        let ready = self.store.check().await;
        if !self.check(StoreCheck::Ready, ready.as_ref().err()) {
            return;
        }
        if !self.store.readable() {
            self.skip(StoreCheck::Read, "the store is one-way: it cannot be read");
            return self.skip(StoreCheck::Write, "what it holds is not known");
        }
        let read = self.store.read().await;
        if !self.check(StoreCheck::Read, read.as_ref().err()) {
            return;
        }
        let Ok(Some(held)) = read else {
            return self.skip(StoreCheck::Write, "the store holds nothing");
        };
        if self.effects.stopping() {
            return self.skip(StoreCheck::Write, "a stop was requested");
        }
        self.write_back(&held).await;
    }

    /// Writes what is held, and sees to it that the store shows it in the end.
    async fn write_back(&mut self, held: &Secret) {
        let written = self.put(Some(held), held).await;
        self.check(StoreCheck::Write, written.as_ref().err());
        if written.as_ref().is_err_and(|error| !error.outcome_unknown()) {
            // Nothing was changed, and nothing will be.
            return;
        }
        let shown = self.watch(held).await;
        self.report.left = left(&shown);
        if matches!(shown, Shown::SameSoFar) {
            self.report.todo = Some(
                "test the store again, or look into it: it was stopped before it was sure that the store goes on holding what it held".to_owned(),
            );
            return self.skip(StoreCheck::Show, "a stop was requested");
        }
        if !self.check(StoreCheck::Show, problem(&shown).as_ref()) {
            self.report.shown_after = None;
        }
        match shown {
            Shown::Same | Shown::SameSoFar => {}
            Shown::Debris(found) => self.put_back(held, found).await,
            Shown::Unreadable(_) if written.is_err() => self.put_back(held, None).await,
            Shown::Foreign => {
                self.report.todo = Some("find out who wrote the store meanwhile: it shows another value, which is left alone".to_owned());
            }
            Shown::Unreadable(_) => {
                self.report.todo = Some(
                    "look into the store: it took the write, and cannot be read now".to_owned(),
                );
            }
        }
    }

    /// Reads until what may show late has shown.
    async fn watch(&mut self, held: &Secret) -> Shown {
        let written = self.effects.elapsed();
        let until = written + self.store.propagation().min(LONGEST_WATCH);
        let (mut since, mut looks) = (None, 0);
        loop {
            let shown = self.look(held).await;
            let now = self.effects.elapsed();
            match shown {
                Shown::Same => _ = since.get_or_insert(now),
                _ => since = None,
            }
            let why = "for the store to go on showing what was written";
            if now >= until {
                self.report.shown_after = since.map(|since| since.saturating_sub(written));
                return shown;
            }
            if self.effects.wait_to_look(why, looks, until).await.is_err() {
                return match shown {
                    Shown::Same => Shown::SameSoFar,
                    shown => shown,
                };
            }
            looks += 1;
        }
    }

    async fn look(&self, held: &Secret) -> Shown {
        match self.store.read().await {
            Ok(Some(found)) if found == *held => Shown::Same,
            Ok(Some(found)) if is_whole(&found, held) => Shown::Foreign,
            Ok(found) => Shown::Debris(found),
            Err(error) => Shown::Unreadable(error),
        }
    }

    async fn put_back(&mut self, held: &Secret, mut found: Option<Secret>) {
        // Only this process knows the value.
        self.effects.unstoppable.store(true, Ordering::SeqCst);
        for attempt in 1.. {
            let written = self.put(found.as_ref(), held).await;
            let shown = self.watch(held).await;
            self.report.left = left(&shown);
            let done = matches!(shown, Shown::Same);
            if done || matches!(shown, Shown::Foreign) || attempt == ATTEMPTS {
                let why = problem(&shown).map(|shown| match &written {
                    Err(error) => format!("{shown}: {error}"),
                    Ok(()) => shown,
                });
                self.check(StoreCheck::PutBack, why.as_ref());
                break;
            }
            found = match shown {
                Shown::Debris(found) => found,
                _ => None,
            };
            let wait = Duration::from_secs(1 << attempt.min(4));
            // It cannot be stopped here.
            let _ = self.effects.wait("before the value is put back again", wait).await;
        }
        self.report.todo = match self.report.left {
            StoreLeft::AsBefore => None,
            _ => Some("put the key back into the store by hand, from where you have it, or rotate it: what the store held is not there any more".to_owned()),
        };
    }

    async fn put(&self, expected: Option<&Secret>, value: &Secret) -> Result<(), StoreError> {
        match expected.and_then(|expected| self.store.compare_and_swap(expected, value)) {
            Some(swapped) => match swapped.await? {
                true => Ok(()),
                false => Err(StoreError::failed("somebody else wrote the store meanwhile")),
            },
            None => self.store.write(value).await,
        }
    }
}

/// Whether this has the shape of the other whole: no truncated write makes that.
fn is_whole(found: &Secret, held: &Secret) -> bool {
    let (found, held) = (found.expose(), held.expose());
    found.len() == held.len() && found.get(..3) == held.get(..3)
}

fn left(shown: &Shown) -> StoreLeft {
    match shown {
        Shown::Same => StoreLeft::AsBefore,
        Shown::Debris(_) | Shown::Foreign => StoreLeft::Different,
        Shown::SameSoFar | Shown::Unreadable(_) => StoreLeft::Unknown,
    }
}

/// What is wrong with what the store shows.
fn problem(shown: &Shown) -> Option<String> {
    Some(match shown {
        Shown::Same | Shown::SameSoFar => return None,
        Shown::Debris(None) => "the store shows nothing now".to_owned(),
        Shown::Debris(Some(_)) => "the store shows something else than was written".to_owned(),
        Shown::Foreign => "the store shows another whole value than was written".to_owned(),
        Shown::Unreadable(error) => format!("the store cannot be read any more: {error}"),
    })
}

fn optional_seconds<S: serde::Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

impl std::fmt::Debug for StoreTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreTest").field("store", &self.store.describe()).finish_non_exhaustive()
    }
}
