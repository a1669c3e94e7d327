//! The organizations, projects and keys that exist, and how one key becomes another. Knows nothing
//! of HTTP.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::history::{Change, Stale, Version};
use super::record::{KeyRecord, NewKey, mask};
use crate::testing::clock::{Moment, later};
use crate::testing::stub::Stubs;

/// Everything that requests can change. A copy of it shows what would have been.
#[derive(Clone)]
pub(in crate::testing) struct State {
    /// In the order of their creation, deleted ones included.
    keys: Vec<KeyRecord>,
    places: Places,
    /// Every key after every change, in their order.
    versions: Vec<Version>,
    /// The plaintext of each organization's first key, by the organization's id.
    organizations: BTreeMap<String, String>,
    projects: BTreeMap<String, Project>,
    random: fastrand::Rng,
    /// Whether all masked forms are to be equal.
    masks_collide: bool,
    /// What a test has ordered for operations that are not about keys.
    pub(in crate::testing) stubs: Stubs,
}

/// Which key has an id, and which a plaintext: every request asks.
#[derive(Clone, Default)]
struct Places {
    by_id: HashMap<String, usize>,
    /// Of keys with the same one, the first.
    by_plaintext: HashMap<String, usize>,
}

impl Places {
    fn of(keys: &[KeyRecord]) -> Self {
        let mut places = Self::default();
        for (place, key) in keys.iter().enumerate() {
            places.add(key, place);
        }
        places
    }

    fn add(&mut self, key: &KeyRecord, place: usize) {
        self.by_id.insert(key.id.clone(), place);
        self.by_plaintext.entry(key.plaintext.clone()).or_insert(place);
    }
}

#[derive(Clone)]
struct Project {
    name: String,
    organization: String,
}

impl State {
    pub(in crate::testing) fn new(seed: u64, masks_collide: bool) -> Self {
        Self {
            keys: Vec::new(),
            places: Places::default(),
            versions: Vec::new(),
            organizations: BTreeMap::new(),
            projects: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
            masks_collide,
            stubs: Stubs::default(),
        }
    }

    pub(in crate::testing) fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    pub(in crate::testing) fn get(&self, id: &str) -> Option<&KeyRecord> {
        Some(&self.keys[*self.places.by_id.get(id)?])
    }

    pub(in crate::testing) fn by_plaintext(&self, plaintext: &str) -> Option<&KeyRecord> {
        Some(&self.keys[*self.places.by_plaintext.get(plaintext)?])
    }

    /// What there is for a reader from whom these changes are hidden.
    pub(in crate::testing) fn as_seen(&self, stale: &[&Stale], now: Moment) -> Self {
        let shown = |version: &&Version| !stale.iter().any(|stale| stale.hides(version, now));
        let seen: HashMap<&str, &KeyRecord> = self
            .versions
            .iter()
            .filter(shown)
            .map(|version| (version.record.id.as_str(), &version.record))
            .collect();
        let keys = self.keys.iter().filter_map(|key| seen.get(key.id.as_str()));
        let keys: Vec<_> = keys.map(|key| (*key).clone()).collect();
        Self { places: Places::of(&keys), keys, ..self.clone() }
    }

    /// Changes a key, if there is one with this id.
    pub(in crate::testing) fn change(
        &mut self,
        id: &str,
        change: Change,
        now: Moment,
        apply: impl FnOnce(&mut KeyRecord),
    ) -> Option<&KeyRecord> {
        let at = *self.places.by_id.get(id)?;
        apply(&mut self.keys[at]);
        let record = self.keys[at].clone();
        self.versions.push(Version { at: Some(now), change, record });
        Some(&self.keys[at])
    }

    pub(in crate::testing) fn remove(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        self.places = Places::of(&self.keys);
        self.versions.retain(|version| version.record.id != id);
        self.keys.len() < before
    }

    /// The project with this id, in this organization.
    pub(in crate::testing) fn project(&self, organization: &str, id: &str) -> Option<&str> {
        let (id, project) = self.projects.get_key_value(id)?;
        (project.organization == organization).then_some(id)
    }

    /// The id of the only project of this organization that has this name.
    pub(in crate::testing) fn project_named(&self, organization: &str, name: &str) -> Option<&str> {
        let mut named = self
            .projects
            .iter()
            .filter(|(_, project)| project.organization == organization && project.name == name);
        named.next().filter(|_| named.next().is_none()).map(|(id, _)| id.as_str())
    }

    pub(in crate::testing) fn add_project(
        &mut self,
        organization: String,
        id: String,
        name: String,
    ) {
        for key in self.keys.iter_mut().filter(|key| key.project_id.as_ref() == Some(&id)) {
            key.project_name = Some(name.clone());
        }
        self.projects.insert(id, Project { name, organization });
    }

    /// Adds an organization with its first key, unless there is one; the plaintext of that key.
    pub(in crate::testing) fn add_organization(
        &mut self,
        id: &str,
        plaintext: Option<String>,
        now: DateTime<Utc>,
    ) -> &str {
        if !self.organizations.contains_key(id) {
            let first = NewKey { plaintext, ..NewKey::named("bootstrap") };
            let plaintext = self.put(first.organization(id), now).plaintext.clone();
            self.organizations.insert(id.to_owned(), plaintext);
        }
        &self.organizations[id]
    }

    pub(in crate::testing) fn bootstrap_key(&self, organization: &str) -> Option<&str> {
        self.organizations.get(organization).map(String::as_str)
    }

    /// Adds a key that everybody sees at once.
    pub(in crate::testing) fn put(&mut self, new: NewKey, time: DateTime<Utc>) -> &KeyRecord {
        self.push(new, time, None)
    }

    /// Adds a key now; `time` is what it bears.
    pub(in crate::testing) fn add(
        &mut self,
        new: NewKey,
        time: DateTime<Utc>,
        now: Moment,
    ) -> &KeyRecord {
        self.push(new, time, Some(now))
    }

    fn push(&mut self, new: NewKey, time: DateTime<Utc>, at: Option<Moment>) -> &KeyRecord {
        let created_at = new.created_at.unwrap_or(time);
        let expires_at =
            new.expires_at.or_else(|| new.days.map(|count| later(created_at, days(count))));
        let plaintext = new.plaintext.unwrap_or_else(|| self.new_plaintext());
        let id = format!("c{}", self.letters(24, |random| random.digit(36)));
        let project = new.project_id.as_ref().and_then(|id| self.projects.get(id));
        let record = KeyRecord {
            id,
            name: new.name,
            created_at,
            created_by: new.created_by,
            expires_at,
            deleted_at: None,
            organization_id: new.organization_id,
            project_name: project.map(|project| project.name.clone()),
            project_id: new.project_id,
            masked_key: mask(&plaintext),
            policy: new.policy,
            extra: new.extra,
            lifetime: expires_at.map(|end| end - created_at),
            plaintext,
        };
        self.versions.push(Version { at, change: Change::Created, record: record.clone() });
        let place = self.keys.len();
        self.places.add(&record, place);
        self.keys.push(record);
        &self.keys[place]
    }

    /// A scratch copy's random numbers are spent: what it made up must not appear again.
    pub(in crate::testing) fn skip_random_of(&mut self, scratch: &State) {
        self.random = scratch.random.clone();
    }

    fn new_plaintext(&mut self) -> String {
        let secret = self.letters(48, fastrand::Rng::alphanumeric);
        match self.masks_collide {
            true => format!("sk_SAME{}SAME", &secret[4..44]),
            false => format!("sk_{secret}"),
        }
    }

    fn letters(
        &mut self,
        count: usize,
        mut letter: impl FnMut(&mut fastrand::Rng) -> char,
    ) -> String {
        (0..count).map(|_| letter(&mut self.random)).collect()
    }
}

/// So many days; more than time can hold becomes the most that it can.
pub(in crate::testing) fn days(days: i64) -> TimeDelta {
    TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX)
}
