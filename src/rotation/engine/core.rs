//! The rotation under way, its one constructor, and what all steps share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::facts::{Course, Facts, course};
use super::step_error::{Done, StepError};
use crate::Secret;
use crate::error::Scrubber;
use crate::rotation::api::{Api, Sight};
use crate::rotation::evidence::delete::Known;
use crate::rotation::evidence::held::{Holds, StoreState, Which};
use crate::rotation::evidence::marker::Marker;
use crate::rotation::journal::Journal;
use crate::rotation::journal::record::{Adopted, Record};
use crate::rotation::plan::record::{Plan, Retirement};
use crate::rotation::report::{Decision, Resolution, StepReport, StoreHolds};
use crate::rotation::settings::Setup;
use crate::rotation::store::StoreError;
use crate::rotation::system::lock::Lock;

/// How often a step is tried when there is no other way out: back, and past the retirement's start.
pub(super) const PATIENT_ATTEMPTS: u32 = 6;

/// Who asks in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The caller. When a key replaces itself that is the old one.
    Caller,
    /// The new key, when a key replaces itself.
    Successor,
    /// The new key likewise, once the retirement has begun.
    SuccessorOnceRetiring,
}

/// How the old key came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldEnd {
    Deleted,
    Expired,
}

impl fmt::Display for OldEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "was deleted",
            Self::Expired => "has expired",
        })
    }
}

/// What a person can say of the store.
pub(super) const STORE_HOLDS: &[Resolution] = &[
    Resolution::StoreHolds(StoreHolds::Old),
    Resolution::StoreHolds(StoreHolds::New),
    Resolution::StoreHolds(StoreHolds::Other),
];

/// A rotation under way.
pub(crate) struct Engine {
    pub(super) setup: Arc<Setup>,
    pub(super) plan: Plan,
    pub(super) journal: Journal,
    pub(super) facts: Facts,
    pub(super) adopted: Option<Adopted>,
    /// The old plaintext stays in memory until the end: what was broken is mended with it.
    pub(super) old_secret: Option<Secret>,
    pub(super) new_secret: Option<Secret>,
    /// What the store held when it held neither key.
    pub(super) held: Option<Secret>,
    pub(super) api: Api,
    /// The key that asks is the one that is being replaced: the new one takes over from it.
    pub(super) own: bool,
    /// The name that the key is to bear: it may be changed by somebody meanwhile.
    pub(super) name: String,
    /// When this process took it up, and what the store showed then. What a person has said was said
    /// before.
    pub(super) opened: Duration,
    pub(super) shown_at_first: Option<Holds>,
    /// Since when a request may still land unseen.
    pub(super) last_unknown: Duration,
    /// When the old key was last known to exist, and the new one.
    pub(super) old_seen: Duration,
    pub(super) new_seen: Duration,
    pub(super) deadline: Option<Duration>,
    /// When the store was last written.
    pub(super) written: Duration,
    /// Who asks in the step under way.
    pub(super) asks: Asks,
    /// The new key was seen and let in just now.
    pub(super) replaced: bool,
    /// The old key, as it was seen just now by the caller who deletes it.
    pub(super) retiring_old: Option<Sight>,
    /// The old key is dead, whoever saw to that.
    pub(super) old_end: Option<OldEnd>,
    /// When it ends, where the server's own rotation has set that and it was seen.
    pub(super) old_ends: Option<DateTime<Utc>>,
    /// The old key, which was asking for its own replacement, is not let in any more.
    pub(super) old_is_dead: bool,
    /// It ends here because a stop was requested.
    pub(super) stopped: bool,
    pub(super) rename_failed: bool,
    pub(super) restores: u32,
    pub(super) steps: Vec<StepReport>,
    pub(super) why: Option<String>,
    pub(super) decision: Option<Decision>,
    pub(super) todo: Vec<String>,
    pub(super) resolutions: Vec<Resolution>,
    /// What would let the step that turned it round succeed, should the way back fail as well.
    pub(super) ways_on: &'static [Resolution],
    _store_lock: Option<Lock>,
}

/// What a rotation is gone on with: a journal, what the store holds, and who asks.
pub(crate) struct Opening {
    pub(crate) setup: Arc<Setup>,
    pub(crate) plan: Plan,
    pub(crate) journal: Journal,
    pub(crate) store_lock: Option<Lock>,
    /// What the store holds; `None` where it cannot be read at all.
    pub(crate) held: Option<Result<Option<Secret>, StoreError>>,
    pub(crate) api: Api,
    /// The key that asks is the one that is being replaced, and this is its plaintext.
    pub(crate) own: Option<Secret>,
    /// The store has to be asked about a value that is neither key.
    pub(crate) foreign: bool,
    /// This process has written the journal's first line.
    pub(crate) fresh: bool,
    pub(crate) deadline: Option<Duration>,
}

impl Engine {
    /// Puts together what the journal says and what the store holds. A rotation that was just begun
    /// is one whose journal has one line.
    pub(crate) fn open(opening: Opening) -> Self {
        let Opening { setup, plan, journal, store_lock, held, api, own, foreign, fresh, deadline } =
            opening;
        let now = setup.effects.elapsed();
        let past = &journal.past;
        let mut store = StoreState::Untouched;
        for wrote in &past.writes {
            store = store.writing(*wrote, now);
        }
        if past.store_settled {
            store = store.settle();
        }
        let facts = Facts {
            fresh,
            adopted: past.adopted.is_some(),
            store,
            blind: !setup.store.readable(),
            stored: past.writes.contains(&Which::New),
            deployed: past.deployed_new,
            deploy_done: past.deployed_by_word,
            redeployed: past.deployed_by_word,
            has_deploy: setup.deploy.is_some(),
            retiring: past.retiring,
            removed: past.removed,
            old_is_marked: matches!(plan.retirement, Retirement::Grace { .. })
                && !past.markers.is_empty(),
            ..Facts::default()
        };
        let mut engine = Self {
            name: plan.name.clone(),
            facts,
            adopted: past.adopted.clone(),
            old_secret: own.clone(),
            new_secret: None,
            held: None,
            api,
            own: own.is_some(),
            opened: now,
            shown_at_first: None,
            last_unknown: now,
            old_seen: now,
            new_seen: now,
            deadline: deadline.map(|time| now.saturating_add(time)),
            written: now,
            asks: Asks::Caller,
            replaced: false,
            retiring_old: None,
            old_end: None,
            old_ends: None,
            old_is_dead: false,
            stopped: false,
            rename_failed: false,
            restores: 0,
            steps: Vec::new(),
            why: None,
            decision: None,
            todo: Vec::new(),
            resolutions: Vec::new(),
            ways_on: &[],
            _store_lock: store_lock,
            setup,
            plan,
            journal,
        };
        engine.take_in(held, foreign);
        engine.facts.old_at_hand = engine.old_secret.is_some();
        engine.facts.course = course(&engine.facts);
        engine
    }

    /// What the store holds in the beginning. A person's word counts where it cannot tell.
    fn take_in(&mut self, held: Option<Result<Option<Secret>, StoreError>>, foreign: bool) {
        match held {
            Some(Ok(held)) => {
                let shows = self.recognise(held);
                let shows = match shows {
                    Holds::Debris if foreign => Holds::Foreign,
                    shows => shows,
                };
                self.shown_at_first = Some(shows);
                self.believe(shows);
            }
            Some(Err(error)) => {
                self.why = Some(error.to_string());
                self.believe_word();
            }
            None => self.believe_word(),
        }
    }

    /// Which key this is: the old one, the new one, or one of which only the server can tell
    /// whether it is anybody's.
    pub(super) fn recognise(&mut self, held: Option<Secret>) -> Holds {
        let is_new = |held: &Secret| {
            self.adopted.as_ref().is_some_and(|adopted| adopted.fingerprint.is_of(held))
        };
        let is_old = |held: &Secret| self.plan.old.as_ref().is_some_and(|old| old.is_of(held));
        let shows = match &held {
            None if self.plan.store_is_new => Holds::Old,
            Some(held) if is_new(held) => Holds::New,
            Some(held) if is_old(held) => Holds::Old,
            _ => Holds::Debris,
        };
        self.held = None;
        match (shows, held) {
            (Holds::New, held) => self.new_secret = held,
            (Holds::Old, Some(held)) => self.old_secret = Some(held),
            (Holds::Old, None) => {}
            (_, held) => self.held = held,
        }
        shows
    }

    /// Takes in what the store has shown just now.
    pub(super) fn believe(&mut self, shows: Holds) {
        let now = self.setup.effects.elapsed();
        self.facts.store = self.facts.store.shown(shows, now, self.setup.times);
        // Whoever stored it: a journal may be older than that.
        self.facts.stored |= shows == Holds::New;
        match shows {
            Holds::Old | Holds::New => {}
            // It is neither: who says otherwise is mistaken. Nothing at all is no other key, either.
            Holds::Debris if self.held.is_none() => {}
            Holds::Debris | Holds::Foreign
                if self.journal.past.store_by_word == Some(StoreHolds::Other) =>
            {
                self.believe_word();
            }
            Holds::Debris | Holds::Foreign => {}
        }
    }

    /// A person's word counts where the store cannot be read, or shows a key that nobody knows, and
    /// where no write of ours can make it untrue any more.
    pub(super) fn believe_word(&mut self) {
        let holds = match self.journal.past.store_by_word {
            Some(StoreHolds::Old) => Holds::Old,
            Some(StoreHolds::New) => Holds::New,
            Some(_) => Holds::Foreign,
            None => return,
        };
        self.facts.foreign_by_word = holds == Holds::Foreign;
        self.facts.stored |= holds == Holds::New;
        self.facts.store = match self.facts.store {
            StoreState::Untouched => StoreState::Confirmed(holds),
            store => store.shown(holds, self.opened, self.setup.times),
        };
    }

    /// Nobody but a person can tell where this is to go.
    pub(super) fn cannot_tell(&mut self) {
        let why = match (self.facts.store, self.old_end) {
            (StoreState::Confirmed(Holds::Foreign), _) => {
                "the store holds another key than the two of this rotation, and that key works"
                    .to_owned()
            }
            (StoreState::Confirmed(Holds::Debris), _) => {
                "the store holds neither the old nor the new key".to_owned()
            }
            (store, Some(end)) if store.is_as_before() => {
                format!("there is no way back to the old key {}: it {end}", self.plan.old_id)
            }
            _ if self.facts.retiring => {
                "the store holds the old key, whose retirement had begun, and it does not work"
                    .to_owned()
            }
            _ => "nobody can tell which key the store holds".to_owned(),
        };
        self.why.get_or_insert(why);
        self.offer(STORE_HOLDS);
    }

    /// What is known of the store; where it was not touched, what it showed first.
    pub(super) fn store_shows(&self) -> StoreState {
        match (self.facts.store, self.shown_at_first) {
            (StoreState::Untouched, Some(shows)) => StoreState::Confirmed(shows),
            (store, _) => store,
        }
    }

    /// Adds ways out, but for words that the store itself contradicts, or that were said in vain.
    pub(super) fn offer(&mut self, ways: &[Resolution]) {
        let readable = self.setup.store.readable();
        let said = self.journal.past.store_by_word.map(Resolution::StoreHolds);
        let store = self.store_shows();
        let contradicted = |way: &&Resolution| match (way, store) {
            (Resolution::StoreHolds(StoreHolds::Other), StoreState::Confirmed(holds)) => {
                match holds {
                    Holds::Old | Holds::New => true,
                    Holds::Debris => self.held.is_none(),
                    Holds::Foreign => false,
                }
            }
            // What it shows is known without a word.
            (Resolution::StoreHolds(_), StoreState::Confirmed(_)) => true,
            _ => false,
        };
        let helps = |way: &&Resolution| !(readable && (contradicted(way) || said == Some(**way)));
        self.resolutions.extend(ways.iter().filter(helps));
    }

    /// The API as whoever asks in this step sees it.
    pub(super) fn api(&self) -> Api {
        let api = match self.facts.course {
            Course::Forward if !self.facts.retiring => self.api.clone(),
            _ => self.api.patient(PATIENT_ATTEMPTS),
        };
        let successor = match self.asks {
            Asks::Caller => self.old_is_dead,
            Asks::Successor => true,
            Asks::SuccessorOnceRetiring => self.old_is_dead || self.facts.retiring,
        };
        match &self.new_secret {
            Some(new) if self.own && successor => api.with_key(new).unwrap_or(api),
            _ => api,
        }
    }

    pub(super) async fn record(&mut self, record: Record) -> Done {
        let effects = Arc::clone(&self.setup.effects);
        let journal = &mut self.journal;
        effects
            .effect("write the journal", async {
                effects.disk()?;
                journal.append(&record).await.map_err(StepError::from)
            })
            .await
    }

    /// For lines without which an undo goes on: a full disk must not stop it.
    pub(super) async fn record_if_possible(&mut self, record: Record) {
        if let Err(error) = self.record(record).await {
            let why = format!("{}; the rotation goes on without that line", error.why);
            self.setup.effects.note(why);
        }
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        let secrets = [&self.old_secret, &self.new_secret, &self.held];
        Scrubber::new(secrets.into_iter().flatten().cloned().collect()).line(text, 1000)
    }

    /// The replacement's id; every step but the first has one.
    pub(super) fn new_id(&self) -> Result<String, StepError> {
        let adopted = self.adopted.as_ref().ok_or_else(|| StepError::new("there is no new key"))?;
        Ok(adopted.id.clone())
    }

    /// Until when a key that was last known to exist at this moment may stay unseen.
    pub(super) fn visible(&self, since: Duration) -> Duration {
        since.saturating_add(self.setup.visibility)
    }

    /// What is known to the one function that deletes.
    pub(super) fn known<'a>(&'a self, markers: &'a [Marker]) -> Known<'a> {
        Known {
            old_id: &self.plan.old_id,
            adopted_id: self.adopted.as_ref().map(|adopted| adopted.id.as_str()),
            in_use: &self.journal.past.in_use,
            markers,
            retiring: self.facts.retiring,
            replaced: self.replaced,
            copied_name: None,
            store: self.facts.store,
            foreign_by_word: self.facts.foreign_by_word,
            // Whatever a person calls it.
            held: self.held.as_slice(),
        }
    }
}
