//! The keys and projects that exist, and how one key becomes another. Knows nothing of HTTP.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::record::{KeyRecord, NewKey, mask};
use crate::testing::clock::later;

/// Everything that requests can change. A copy of it shows what would have been.
#[derive(Clone)]
pub(in crate::testing) struct State {
    /// In the order of their creation, deleted ones included.
    keys: Vec<KeyRecord>,
    /// Names by id.
    projects: BTreeMap<String, String>,
    random: fastrand::Rng,
    /// Whether all masked forms are to be equal.
    masks_collide: bool,
}

impl State {
    pub(in crate::testing) fn new(seed: u64, masks_collide: bool) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { keys: Vec::new(), projects: BTreeMap::new(), random, masks_collide }
    }

    pub(in crate::testing) fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    pub(in crate::testing) fn get(&self, id: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.id == id)
    }

    pub(in crate::testing) fn get_mut(&mut self, id: &str) -> Option<&mut KeyRecord> {
        self.keys.iter_mut().find(|key| key.id == id)
    }

    pub(in crate::testing) fn by_plaintext(&self, plaintext: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.plaintext == plaintext)
    }

    pub(in crate::testing) fn remove(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        self.keys.len() < before
    }

    pub(in crate::testing) fn has_project(&self, id: &str) -> bool {
        self.projects.contains_key(id)
    }

    pub(in crate::testing) fn add_project(&mut self, id: String, name: String) {
        for key in self.keys.iter_mut().filter(|key| key.project_id.as_ref() == Some(&id)) {
            key.project_name = Some(name.clone());
        }
        self.projects.insert(id, name);
    }

    pub(in crate::testing) fn add(&mut self, new: NewKey, now: DateTime<Utc>) -> &KeyRecord {
        let created_at = new.created_at.unwrap_or(now);
        let expires_at =
            new.expires_at.or_else(|| new.days.map(|days| later(created_at, self::days(days))));
        let plaintext = new.plaintext.unwrap_or_else(|| self.new_plaintext());
        let id = format!("c{}", self.letters(24, |random| random.digit(36)));
        let at = self.keys.len();
        self.keys.push(KeyRecord {
            id,
            name: new.name,
            created_at,
            created_by: new.created_by,
            expires_at,
            deleted_at: None,
            project_name: new.project_id.as_ref().and_then(|id| self.projects.get(id)).cloned(),
            project_id: new.project_id,
            masked_key: mask(&plaintext),
            policy: new.policy,
            extra: new.extra,
            lifetime: expires_at.map(|end| end - created_at),
            plaintext,
        });
        &self.keys[at]
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
