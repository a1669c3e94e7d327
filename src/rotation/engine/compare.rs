//! Both keys, held against each other: before the new one is given to anybody, and once more before
//! the old one goes.

use chrono::{DateTime, Utc};
use futures_util::future::join4;

use super::core::{Engine, OldEnd};
use super::step_error::{Done, StepError};
use crate::rotation::api::{Api, Json, Sight};
use crate::rotation::evidence::equal::differences;
use crate::rotation::evidence::held::{Holds, StoreState};
use crate::rotation::evidence::marker::Marker;
use crate::rotation::evidence::orphans;
use crate::rotation::evidence::sight::{let_in, seen};
use crate::rotation::journal::record::Record;
use crate::rotation::plan::lifetime::is_as_asked;
use crate::rotation::plan::old_key::OldKey;
use crate::rotation::plan::record::Retirement;
use crate::rotation::report::{Decision, Resolution, StoreHolds};
use crate::types::ApiKey;
use crate::{Error, Secret};

/// What the server shows of a rotation, everything asked at once.
pub(super) struct Look {
    pub(super) old: Sight,
    pub(super) new: Sight,
    /// The keys that bear a marker for the old key.
    pub(super) marked: Vec<ApiKey>,
    /// Whether the new key is let in; nobody can tell without its plaintext.
    pub(super) let_in: Option<bool>,
}

impl Engine {
    /// Looks at everything at once, as this caller. What is not there yet is looked for until it
    /// would show.
    pub(super) async fn look(&self, api: &Api) -> Result<Look, Error> {
        let (old_id, adopted) = (&self.plan.old_id, self.adopted.as_ref());
        let new_id = adopted.map_or("", |adopted| adopted.id.as_str());
        let (old_until, new_until) = (self.visible(self.old_seen), self.visible(self.new_seen));
        let try_new = async {
            match &self.new_secret {
                Some(new) => let_in(api, new, new_until).await.map(Some),
                None => Ok(None),
            }
        };
        let (marked, old, new, let_in) = join4(
            self.marked(api, new_id),
            seen(api, old_id, old_until),
            seen(api, new_id, new_until),
            try_new,
        )
        .await;
        Ok(Look { old: old?, new: new?, marked: marked?, let_in: let_in? })
    }

    /// The keys that bear a marker for the old key. One that was made under a marker of ours is
    /// among them, or the listing lags.
    async fn marked(&self, api: &Api, new_id: &str) -> Result<Vec<ApiKey>, Error> {
        let (start, until) = (Marker::start_for(&self.plan.old_id), self.visible(self.new_seen));
        let ours = self.journal.past.all_markers();
        let mut looks = 0;
        loop {
            let found = api.beginning(&start).await?;
            let shows =
                |key: &ApiKey| key.id == new_id || ours.iter().any(|marker| marker.is(&key.name));
            if api.effects.elapsed() >= until || found.iter().any(shows) {
                return Ok(found);
            }
            let why = "for the server to list the new key";
            api.effects.wait_to_look(why, looks, until).await?;
            looks += 1;
        }
    }

    /// The last look before the store is written. Of two rotations of one key at most one goes
    /// through: each has raised its marker before it looks for the other's, lowers it only when the
    /// old key is retired, and looks again before that.
    pub(super) async fn compare(&mut self) -> Done {
        let mut look = self.look(&self.api()).await;
        if self.own && look.as_ref().is_err_and(Error::is_unauthorized) {
            // Expired or deleted: the new key can tell.
            self.old_is_dead = true;
            look = self.look(&self.api()).await;
        }
        let look = look?;
        self.disown(&look).await?;
        let Some((_, new)) = self.both(&look).await? else { return Ok(()) };
        let read = OldKey::read(&new).map_err(StepError::new)?;
        if !self.journal.past.markers.iter().any(|marker| marker.is(&read.name)) {
            return Err(StepError::new(
                "the new key does not bear the name under which it was made",
            ));
        }
        let fits =
            |secret: &Secret| crate::helpers::api_keys::fits_mask(secret.expose(), &read.masked);
        if !self.new_secret.as_ref().is_none_or(fits) {
            return Err(StepError::new("the new key's masked form is not that of its plaintext"));
        }
        let longest = self.plan.longest_ms.and_then(chrono::TimeDelta::try_milliseconds);
        if !is_as_asked(self.plan.ask, longest, read.created_at, read.expires_at) {
            return Err(StepError::undecided(
                Decision::LifetimeInDays,
                "the new key does not live as long as asked for; choose its lifetime in days",
            ));
        }
        self.facts.compared = true;
        Ok(())
    }

    /// A creation may have been reported with somebody else's id: then that key is not ours, and the
    /// one that bears our marker is nobody's.
    async fn disown(&mut self, look: &Look) -> Done {
        let new_id = self.new_id()?;
        let ours = &self.journal.past.markers;
        let named =
            |json: &Json| json.get("name").and_then(|name| name.as_str()).map(str::to_owned);
        let bears = match &look.new {
            Sight::Present(json) => {
                named(json).is_some_and(|name| ours.iter().any(|marker| marker.is(&name)))
            }
            _ => false,
        };
        let other = look.marked.iter().find(|key| {
            key.id != new_id
                && key.id != self.plan.old_id
                && ours.iter().any(|marker| marker.is(&key.name))
        });
        let (false, Some(other)) = (bears, other) else { return Ok(()) };
        let marker = other.name.clone();
        self.setup.effects.note(format!("the key {new_id} is not ours and is left alone"));
        self.record(Record::Disowned { marker }).await?;
        self.adopted = None;
        self.facts.adopted = false;
        self.new_secret = None;
        self.last_unknown = self.setup.effects.elapsed();
        self.remove_listed(&look.marked).await?;
        Err(StepError::new("the server responded to the creation with the id of another key"))
    }

    /// One marker, one key: whatever else bears one of ours is an orphan.
    pub(super) async fn remove_listed(&mut self, marked: &[ApiKey]) -> Done {
        let (api, markers) = (self.api(), self.journal.past.all_markers());
        let until = self.visible(self.setup.effects.elapsed());
        let removed = orphans::remove_listed(&api, marked, &self.known(&markers), until).await?;
        if removed > 0 {
            self.setup.effects.note(format!("keys that nobody held, deleted: {removed}"));
        }
        Ok(())
    }

    /// Holds one key against the other. Somebody may have narrowed or deleted the old one meanwhile:
    /// the new one must not outlive that decision. `None` when the old key was retired before this
    /// process began, and a person has said so.
    pub(super) async fn both(&mut self, look: &Look) -> Result<Option<(Json, Json)>, StepError> {
        self.no_concurrent(&look.marked)?;
        self.remove_listed(&look.marked).await?;
        let now = self.setup.effects.elapsed();
        let new = match &look.new {
            Sight::Present(json) => json.clone(),
            _ if !look.old.is_seen() => return Err(unseen()),
            Sight::Deleted(_) => return Err(StepError::new("somebody deleted the new key")),
            Sight::Absent => return Err(StepError::new("the server does not show the new key")),
        };
        self.new_seen = now;
        let Sight::Present(old) = &look.old else { return self.old_is_gone().await };
        self.old_seen = now;
        if look.let_in == Some(false) {
            return Err(StepError::new("the server rejects the new key (401)"));
        }
        let fields = differences(old, &new, &self.plan.allowed);
        if !fields.is_empty() {
            let differ = format!(
                "the new key is not the old one's equal: they differ in {}",
                fields.join(", ")
            );
            // What was allowed is part of the plan, and somebody has changed one of them since.
            return Err(match self.facts.fresh {
                true => StepError::undecided(
                    Decision::Difference,
                    format!("{differ}; allow that by name, or let the server rotate the key"),
                ),
                false => StepError::new(format!("{differ}; make them equal, then resume")),
            });
        }
        let read = OldKey::read(old).map_err(StepError::new)?;
        let moved = read.expires_at != self.plan.expires_at;
        self.see_end(read.expires_at);
        if moved && !matches!(self.plan.retirement, Retirement::Grace { .. }) {
            return Err(StepError::new("somebody moved the old key's end meanwhile"));
        }
        if Marker::parse(&read.name).is_none() {
            self.name = read.name;
        }
        Ok(Some((old.clone(), new)))
    }

    /// The end of the old key, which the server's own rotation sets.
    pub(super) fn see_end(&mut self, ends: Option<DateTime<Utc>>) {
        let by_us = self.journal.past.end_before(&self.plan.old_id, ends).is_some();
        self.old_ends = ends.filter(|_| by_us);
    }

    /// The old key was deleted. This rotation has not done it; an older copy of its journal may only
    /// not know.
    async fn old_is_gone(&mut self) -> Result<Option<(Json, Json)>, StepError> {
        let in_store = self.facts.store == StoreState::Confirmed(Holds::New);
        if !self.facts.fresh && in_store {
            if self.journal.past.store_by_word == Some(StoreHolds::New) {
                self.record(Record::Retiring).await?;
                (self.facts.retiring, self.facts.retired) = (true, true);
                return Ok(None);
            }
            self.old_end = Some(OldEnd::Deleted);
            let why = "the old key is deleted already and the store holds the new one, of which the journal knows nothing: it may be older than that, or somebody else deleted the key";
            return Err(StepError::attention(why).ended_by(Resolution::StoreHolds(StoreHolds::New)));
        }
        self.old_end = Some(OldEnd::Deleted);
        if !self.facts.fresh {
            let why = "the old key is deleted already, of which the journal knows nothing: it may be older than that, or somebody else deleted the key";
            return Err(StepError::attention(why));
        }
        let why = "somebody deleted the old key meanwhile, so the new one must go too";
        // A key cannot delete itself, and there is no other one to do it.
        Err(StepError { attention: self.own, ..StepError::new(why) })
    }

    /// No other rotation of this key, on another host with another journal, has made a key.
    fn no_concurrent(&self, marked: &[ApiKey]) -> Done {
        let ours = self.journal.past.all_markers();
        match marked.iter().find(|key| !ours.iter().any(|marker| marker.is(&key.name))) {
            None => Ok(()),
            Some(key) => Err(StepError::new(format!(
                "another rotation of this key is under way: it made the key {} ({})",
                key.id, key.name
            ))),
        }
    }
}

/// This caller sees nothing of the rotation, so that what it does not see proves nothing.
pub(super) fn unseen() -> StepError {
    StepError::attention("this caller sees neither the old nor the new key")
        .ended_by(Resolution::Caller)
}
