//! Many keys at once: which of them a policy picks, and their rotation a few at a time.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream;

use super::api::Api;
use super::builder::Rotation;
use super::effects::clock::{Clock, SystemClock};
use super::effects::rate_limit::RateLimit;
use super::effects::stop::Stop;
use super::evidence::marker::Marker;
use super::journal::ledger::Journals;
use super::report::{RotationError, RotationPlan, RotationReport};
use super::settings::{Common, Subject};
use super::store::Store;
use crate::helpers::api_keys::fits_mask;
use crate::types::ApiKey;
use crate::{Client, Error};

/// Which keys are to be rotated. A key is picked when it is in scope and any of the reasons fits.
///
/// ```
/// use onkernel::chrono::TimeDelta;
/// use onkernel::rotation::Policy;
///
/// let policy = Policy::new()
///     .older_than(TimeDelta::days(60))
///     .expiring_within(TimeDelta::days(14))
///     .named("ci-*");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Policy {
    older_than: Option<TimeDelta>,
    expiring_within: Option<TimeDelta>,
    never_expiring: bool,
    named: Option<String>,
    project: Option<String>,
    own: bool,
}

impl Policy {
    /// Nothing is picked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reason: the key was made longer ago than this.
    pub fn older_than(mut self, age: TimeDelta) -> Self {
        self.older_than = Some(age);
        self
    }

    /// A reason: the key still works, and will not when this has passed.
    pub fn expiring_within(mut self, time: TimeDelta) -> Self {
        self.expiring_within = Some(time);
        self
    }

    /// A reason: the key never expires.
    pub fn never_expiring(mut self) -> Self {
        self.never_expiring = true;
        self
    }

    /// The scope: only keys of this name, in which `*` stands for any characters.
    pub fn named(mut self, pattern: impl Into<String>) -> Self {
        self.named = Some(pattern.into());
        self
    }

    /// The scope: only keys of this project.
    pub fn in_project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// The caller's own key too, which is left out otherwise.
    pub fn with_own_key(mut self) -> Self {
        self.own = true;
        self
    }

    /// Why a key is picked, if it is.
    fn picks(&self, key: &ApiKey, now: DateTime<Utc>) -> Option<String> {
        let named = self.named.as_ref().is_none_or(|pattern| covers(pattern, &key.name));
        let project = self.project.is_none() || key.project_id == self.project;
        // What bears a marker belongs to a rotation that is under way.
        if !named || !project || Marker::parse(&key.name).is_some() {
            return None;
        }
        let age = now - key.created_at;
        if self.older_than.is_some_and(|limit| age > limit) {
            return Some(format!("it is {} days old", age.num_days()));
        }
        match (key.expires_at, self.expiring_within) {
            (None, _) if self.never_expiring => return Some("it never expires".to_owned()),
            (Some(end), Some(within)) if end > now && end - now <= within => {
                return Some(format!("it expires in {} days", (end - now).num_days()));
            }
            _ => {}
        }
        let reasons =
            self.older_than.is_some() || self.expiring_within.is_some() || self.never_expiring;
        (!reasons && (self.named.is_some() || self.project.is_some()))
            .then(|| "it is in scope".to_owned())
    }
}

/// Whether a pattern with `*` covers the whole string.
fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

/// A key that a policy picks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audited {
    /// The key.
    pub key: ApiKey,
    /// Why it is picked.
    pub why: String,
    /// Whether it looks like the caller's own, which is not rotated unless the policy includes it.
    pub own: bool,
}

/// What a policy would pick.
pub(crate) async fn audit(common: &Common, policy: &Policy) -> Result<Vec<Audited>, Error> {
    let api = Api::new(&common.client, common.effects());
    let own = common.client.api_key().await?;
    // The keys' ages are reckoned by the server's clock, which it tells with every response.
    api.lets_in(&own).await?;
    let keys = api.all().await?;
    let now = api.effects.server_now();
    Ok(keys
        .into_iter()
        .filter_map(|key| {
            let why = policy.picks(&key, now)?;
            let own = fits_mask(own.expose(), &key.masked_key);
            Some(Audited { key, why, own })
        })
        .collect())
}

/// Why a key that was picked was not rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// It looks like the caller's own.
    Own,
    /// Nobody knows its store.
    NoStore,
    /// Another key has the same store.
    SharedStore,
    /// Too many had failed before.
    Stopped,
    /// A [stop](super::Stop) was requested before this one was begun.
    StopRequested,
}

/// The outcome for one key of a fleet.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rotated {
    /// It was rotated.
    Done(Box<RotationReport>),
    /// It was not: rejected, undone, or stopped.
    Failed(RotationError),
    /// It was left alone.
    Skipped(Skipped),
}

/// What would be done with one key of a fleet.
#[derive(Debug)]
#[non_exhaustive]
pub enum Planned {
    /// It would be rotated, or rejected, as the plan says.
    Rotation(Box<RotationPlan>),
    /// It would be left alone.
    Skipped(Skipped),
}

impl From<RotationPlan> for Planned {
    fn from(plan: RotationPlan) -> Self {
        Self::Rotation(Box::new(plan))
    }
}

/// Something that happens to a fleet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetEvent {
    /// The key that it happens to.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What happens.
    pub event: super::Event,
}

/// A key, with its store or why it is left alone.
type Picked = (ApiKey, Result<Arc<dyn Store>, Skipped>);
type Stores = Arc<dyn Fn(&ApiKey) -> Option<Arc<dyn Store>> + Send + Sync>;
type Listener = Arc<dyn Fn(&FleetEvent) + Send + Sync>;
type Change = Arc<dyn Fn(Rotation, &ApiKey) -> Rotation + Send + Sync>;

/// The rotation of many keys: see [`RotationExt::rotate_all`](super::RotationExt::rotate_all).
#[must_use = "nothing happens before `run`"]
pub struct Fleet {
    client: Client,
    policy: Policy,
    stores: Stores,
    journals: Option<Journals>,
    concurrency: usize,
    most_failures: usize,
    change: Option<Change>,
    listener: Option<Listener>,
    stop: Stop,
    clock: Arc<dyn Clock>,
}

impl Fleet {
    pub(crate) fn new(client: &Client, policy: Policy, stores: Stores) -> Self {
        Self {
            client: client.clone(),
            policy,
            stores,
            journals: None,
            concurrency: 4,
            most_failures: 1,
            change: None,
            listener: None,
            stop: Stop::new(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Where the journals are, one for each store: the path of a folder, or a database. Required.
    pub fn journals(mut self, at: impl Into<Journals>) -> Self {
        self.journals = Some(at.into());
        self
    }

    /// How many keys are rotated at a time (4).
    pub fn concurrency(mut self, keys: usize) -> Self {
        self.concurrency = keys.max(1);
        self
    }

    /// After how many failures no further key is begun (1).
    pub fn stop_after(mut self, failures: usize) -> Self {
        self.most_failures = failures.max(1);
        self
    }

    /// Sets up each rotation: what is done with the old key, hooks, overlap.
    pub fn each(
        mut self,
        change: impl Fn(Rotation, &ApiKey) -> Rotation + Send + Sync + 'static,
    ) -> Self {
        self.change = Some(Arc::new(change));
        self
    }

    /// Once a stop is requested no further key is begun, and every rotation under way ends at its next
    /// safe point: see [`Stop`].
    pub fn stop_on(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Everything that happens is reported to this, as it happens.
    pub fn on_event(mut self, listener: impl Fn(&FleetEvent) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Rotates the keys and reports the outcome of each, in the order of [`audit`](super::RotationExt::audit).
    ///
    /// When the server tells one of the rotations to wait (429, 503), all of them do.
    ///
    /// # Errors
    /// The keys cannot be listed, or there is no place for the journals. What fails for one key
    /// is in its own result.
    pub async fn run(self) -> Result<Vec<(ApiKey, Rotated)>, RotationError> {
        let journals = self.ledger()?;
        journals.prepare().await?;
        let picked = self.picked().await?;
        let failures = std::sync::atomic::AtomicUsize::new(0);
        let rate_limit = Arc::new(RateLimit::new(Arc::clone(&self.clock)));
        let (this, failures, rate_limit) = (&self, &failures, &rate_limit);
        let work = picked.into_iter().map(|(key, store)| async move {
            use std::sync::atomic::Ordering::SeqCst;
            let store = match store {
                Ok(_) if this.stop.is_requested() => {
                    return (key, Rotated::Skipped(Skipped::StopRequested));
                }
                Ok(store) if failures.load(SeqCst) < this.most_failures => store,
                Ok(_) => return (key, Rotated::Skipped(Skipped::Stopped)),
                Err(why) => return (key, Rotated::Skipped(why)),
            };
            match this.rotation(&key, store, journals, rate_limit).run().await {
                Ok(report) => (key, Rotated::Done(Box::new(report))),
                Err(error) => {
                    failures.fetch_add(1, SeqCst);
                    (key, Rotated::Failed(error))
                }
            }
        });
        // A slow one must not keep those behind it from being begun.
        let work = work.enumerate().map(|(n, work)| async move { (n, work.await) });
        let mut done: Vec<_> =
            stream::iter(work).buffer_unordered(self.concurrency).collect().await;
        done.sort_by_key(|(n, _)| *n);
        Ok(done.into_iter().map(|(_, became)| became).collect())
    }

    /// What [`run`](Self::run) would do with each key. Nothing is written, and only GETs are sent: see
    /// [`Rotation::plan`].
    ///
    /// # Errors
    /// The keys cannot be listed, or there is no folder for the journals.
    pub async fn plan(self) -> Result<Vec<(ApiKey, Planned)>, RotationError> {
        let journals = self.ledger()?;
        let rate_limit = Arc::new(RateLimit::new(Arc::clone(&self.clock)));
        let (this, rate_limit) = (&self, &rate_limit);
        let work = self.picked().await?.into_iter().map(|(key, store)| async move {
            let planned = match store {
                Ok(store) => this.rotation(&key, store, journals, rate_limit).plan().await?.into(),
                Err(why) => Planned::Skipped(why),
            };
            Ok((key, planned))
        });
        let done: Vec<_> = stream::iter(work).buffered(self.concurrency).collect().await;
        done.into_iter().collect()
    }

    fn ledger(&self) -> Result<&Journals, RotationError> {
        let none = || RotationError::unchanged("rotations need a folder for their journals");
        self.journals.as_ref().ok_or_else(none)
    }

    /// The keys that the policy picks, each with its store or why it is left alone.
    async fn picked(&self) -> Result<Vec<Picked>, RotationError> {
        let mut common = Common::new(&self.client);
        (common.clock, common.stop) = (Arc::clone(&self.clock), self.stop.clone());
        let picked = audit(&common, &self.policy).await?;
        let stores: Vec<_> = picked.iter().map(|audited| (self.stores)(&audited.key)).collect();
        let mut users = HashMap::<String, usize>::new();
        for store in stores.iter().flatten() {
            *users.entry(store.describe()).or_default() += 1;
        }
        let is_shared = |store: &Arc<dyn Store>| users[&store.describe()] > 1;
        let work = picked.into_iter().zip(stores).map(|(audited, store)| {
            let store = match store {
                _ if audited.own && !self.policy.own => Err(Skipped::Own),
                None => Err(Skipped::NoStore),
                Some(store) if is_shared(&store) => Err(Skipped::SharedStore),
                Some(store) => Ok(store),
            };
            (audited.key, store)
        });
        Ok(work.collect())
    }

    fn rotation(
        &self,
        key: &ApiKey,
        store: Arc<dyn Store>,
        journals: &Journals,
        rate_limit: &Arc<RateLimit>,
    ) -> Rotation {
        let journal = journals.of(&*store);
        let mut rotation = Rotation::new(&self.client, Subject::Id(key.id.clone()))
            .shared_store(store)
            .stop_on(&self.stop)
            .journal(journal);
        rotation.given.common.clock = Arc::clone(&self.clock);
        rotation.given.common.rate_limit = Some(Arc::clone(rate_limit));
        if let Some(listener) = self.listener.clone() {
            let (id, name) = (key.id.clone(), key.name.clone());
            rotation = rotation.on_event(move |event| {
                listener(&FleetEvent { id: id.clone(), name: name.clone(), event: event.clone() });
            });
        }
        match &self.change {
            Some(change) => change(rotation, key),
            None => rotation,
        }
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("policy", &self.policy)
            .field("journals", &self.journals)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_names() {
        for (pattern, text, fits) in [
            ("ci-*", "ci-7", true),
            ("ci-*", "ci", false),
            ("*", "", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("*-x", "a-x-x", true),
            ("ab*ba", "aba", false),
            ("ci", "ci", true),
            ("ci", "cis", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(covers(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_policy_without_reasons_and_scope_picks_nothing() {
        let key: ApiKey = serde_json::from_value(serde_json::json!({
            "id": "c1", "name": "ci", "created_at": "2026-01-01T00:00:00Z",
            "created_by": {"id": "u", "email": "e", "name": null}, "expires_at": null,
            "deleted_at": null, "project_id": null, "project_name": null, "masked_key": "sk_1...2",
        }))
        .unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let picks = |policy: Policy| policy.picks(&key, now).is_some();
        assert!(!picks(Policy::new()));
        assert!(picks(Policy::new().named("c*")));
        assert!(picks(Policy::new().older_than(TimeDelta::days(58))));
        assert!(!picks(Policy::new().older_than(TimeDelta::days(60)).named("c*")));
        assert!(picks(Policy::new().never_expiring()));
        assert!(!picks(Policy::new().never_expiring().in_project("p")));
        assert!(!picks(Policy::new().expiring_within(TimeDelta::days(9))));
    }
}
