//! After a crash: what the journal, the store and the server say is put together, and the same
//! engine goes on from there.

use std::sync::Arc;

use super::api::Api;
use super::begin::{ATTEMPTS, lock_store, settings};
use super::builder::Common;
use super::decide::{Course, Facts};
use super::engine::Engine;
use super::error::RotationError;
use super::guard::Holds;
use super::journal::{Journal, Record, read};
use super::plan::Retirement;
use super::report::{Outcome, RotationReport};

/// Finishes or undoes what was under way.
pub(crate) async fn run(common: Common) -> Result<Option<RotationReport>, RotationError> {
    if let Some(path) = &common.journal {
        // With nothing to do neither store nor key is needed.
        let past = read(path)?;
        if !past.is_open() && past.unsettled.is_empty() {
            return Ok(None);
        }
    }
    let (store, path) = settings(&common)?;
    let port = common.port();
    let mut journal = Journal::open(path)?;
    let Some(plan) = journal.past.plan.clone() else { return Ok(None) };
    if plan.store != store.describe() {
        return Err(RotationError::refused(format!(
            "the journal {} belongs to the store {}, not to {}",
            path.display(),
            plan.store,
            store.describe()
        )));
    }
    let store_lock = lock_store(&*store)?;
    let api = Api::new(&common.client, Arc::clone(&port), ATTEMPTS);
    if !journal.past.is_open() {
        // Only names to look for are left. A key that replaced itself is dead by now.
        let held = match plan.own && store.readable() {
            true => port.effect("read the store", store.read()).await?,
            false => None,
        };
        let api = match held {
            Some(held) => api.with_key(&held)?,
            None => api,
        };
        super::sweep::settle(&common, &api, &mut journal, &port).await?;
        return Ok(None);
    }

    let now = port.clock.elapsed();
    let past = journal.past.clone();
    let held = match store.readable() {
        true => Some(port.effect("read the store", store.read()).await),
        false => None,
    };
    let mut facts = Facts {
        adopted: past.adopted.is_some(),
        touched: past.stored,
        // A command that was killed with us, or not, may still write.
        late: past.stored,
        deployed: past.deployed,
        retiring: past.retiring,
        removed: past.removed,
        has_deploy: common.deploy.is_some(),
        old_is_marked: matches!(plan.retirement, Retirement::Grace { .. })
            && !past.markers.is_empty(),
        ..Facts::default()
    };
    let mut engine = Engine {
        setup: common.setup(Arc::clone(&port), store, None),
        name: plan.name.clone(),
        facts: Facts::default(),
        adopted: past.adopted.clone(),
        old_secret: None,
        new_secret: None,
        held: None,
        api,
        last_unknown: now,
        last_write: now,
        deadline: common.deadline.map(|time| now.saturating_add(time)),
        revoked: false,
        old_is_dead: false,
        stopped: false,
        rename_failed: false,
        restores: 0,
        steps: Vec::new(),
        why: None,
        todo: Vec::new(),
        plan,
        journal,
        _store_lock: store_lock,
    };
    match held {
        Some(Ok(held)) => {
            let adopted = |secret| {
                past.adopted.as_ref().is_some_and(|adopted| adopted.fingerprint.is_of(secret))
            };
            let old = |secret| engine.plan.old.as_ref().is_some_and(|old| old.is_of(secret));
            facts.holds = match &held {
                None => Holds::Nothing,
                Some(held) if adopted(held) => Holds::New,
                Some(held) if old(held) => Holds::Old,
                Some(_) => Holds::Other,
            };
            match facts.holds {
                Holds::New => engine.new_secret = held,
                Holds::Old => engine.old_secret = held,
                _ => engine.held = held,
            }
        }
        Some(Err(error)) => engine.why = Some(error.to_string()),
        None => {}
    }
    engine.facts = facts;
    engine.choose_course().await;
    let report = engine.run().await;
    match report.outcome {
        Outcome::Rotated | Outcome::AsBefore => Ok(Some(report)),
        Outcome::NeedsAttention | Outcome::Stopped => Err(RotationError::ended(report)),
    }
}

/// Where a resumption heads: forward with what the store holds, back when it holds the old key, and
/// neither where that cannot be told.
pub(crate) fn course(facts: &Facts, store_is_new: bool) -> Course {
    let never_stored = !facts.touched && !facts.retiring;
    match facts.holds {
        _ if !facts.adopted || facts.removed => Course::Back,
        Holds::New => Course::Forward,
        Holds::Old if !facts.retiring => Course::Back,
        Holds::Nothing if !facts.retiring && store_is_new => Course::Back,
        // What was never written is not there, whatever the store holds.
        _ if never_stored => Course::Back,
        _ => Course::Hold,
    }
}

impl Engine {
    async fn choose_course(&mut self) {
        let facts = self.facts;
        let mut course = course(&facts, self.plan.store_is_new);
        // The retirement was announced, and what the store holds is never deleted: so it was not
        // done, unless somebody put the old key back.
        if let (Course::Hold, Holds::Old, Some(old)) =
            (course, facts.holds, self.old_secret.clone())
            && self.old_works(&old).await
        {
            course = Course::Back;
        }
        self.facts.course = course;
        match course {
            Course::Back if facts.retiring => {
                self.facts.retiring = false;
                self.called_off();
            }
            Course::Hold => {
                let why = "nobody can tell which key the store holds";
                self.why.get_or_insert_with(|| why.to_owned());
            }
            _ => {}
        }
    }

    fn called_off(&mut self) {
        if let Err(error) = self.journal.append(&Record::NotRetiring) {
            self.setup.port.note(error.to_string());
        }
    }
}
