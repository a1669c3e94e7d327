//! Many keys at once: those that a policy picks, rotated a few at a time, by one process or by many
//! that share the work.

mod given;
mod outcome;
mod policy;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Guarded, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::future::{Either, ready, select};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use self::given::{Given, Picked, Stores};
pub use self::outcome::{Elsewhere, FleetEvent, Planned, Rotated, Skipped};
pub(crate) use self::policy::audit;
pub use self::policy::{Audited, Policy};
use super::builder::Rotation;
use super::effects::clock::Clock;
use super::effects::rate_limit::RateLimit;
use super::effects::slot::Slot;
use super::effects::stop::Stop;
use super::journal::ledger::Journals;
use super::journal::queue::{Fate, Joining, Queue, Task, Turn};
use super::report::RotationError;
use super::store::Store;
use super::system::host::Host;
use crate::Client;
use crate::types::ApiKey;

/// The rotation of many keys: see [`RotationExt::rotate_all`](super::RotationExt::rotate_all).
///
/// With the journals in a database, workers on many machines that ask for the same share the work:
/// each key is rotated once, whoever dies is replaced, failures count over all, and one that the
/// server tells to wait tells the others.
#[must_use = "nothing happens before `run`"]
pub struct Fleet {
    given: Given,
    policy: Policy,
    journals: Option<Journals>,
    name: Option<String>,
    concurrency: usize,
    most_failures: usize,
}

impl Fleet {
    pub(crate) fn new(client: &Client, policy: Policy, stores: Stores) -> Self {
        Self {
            given: Given::new(client, stores),
            policy,
            journals: None,
            name: None,
            concurrency: 4,
            most_failures: 1,
        }
    }

    /// Where the journals are, one for each store: the path of a folder, or a database. Required.
    pub fn journals(mut self, at: impl Into<Journals>) -> Self {
        self.journals = Some(at.into());
        self
    }

    /// What tells this fleet from others that have the same policy, where the journals are in a
    /// database: workers share the work of one name. Those that find their stores otherwise must have
    /// another.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many keys are rotated at a time (4). One that is replaced does not count any more, though it may
    /// be waited for in order to see whether a creation whose response was lost took effect.
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
        self.given.change = Some(Arc::new(change));
        self
    }

    /// Once a stop is requested no further key is begun, and every rotation under way ends at its next
    /// safe point: see [`Stop`].
    pub fn stop_on(mut self, stop: &Stop) -> Self {
        self.given.stop = stop.clone();
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.given.clock = Arc::new(clock);
        self
    }

    /// Everything that happens is reported to this, as it happens.
    pub fn on_event(mut self, listener: impl Fn(&FleetEvent) + Send + Sync + 'static) -> Self {
        self.given.listener = Some(Arc::new(listener));
        self
    }

    /// Rotates the keys and reports the outcome of each, in the order of [`audit`](super::RotationExt::audit).
    /// Where the work is shared it ends when the whole fleet has, since a worker that dies is replaced.
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
        let rate_limit = Arc::new(RateLimit::new(Arc::clone(&self.given.clock)));
        let queue = journals.join(self.joining(&rate_limit)).await?;
        let tasks = picked.iter().filter_map(|(key, store)| {
            store.as_ref().ok().map(|store| task(key, &**store, journals))
        });
        let (done, problem) = match queue.offer(tasks.collect()).await {
            Ok(()) => {
                let workers = Workers::new(&self, &picked, &*queue, (journals, &rate_limit));
                workers.run().await;
                (workers.done, workers.problem)
            }
            Err(problem) => (Guarded::default(), Guarded::new(Some(problem))),
        };
        let problem = problem.into_inner().unwrap_or_else(PoisonError::into_inner);
        queue.leave().await;
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.concluded(picked, done, problem, (journals, &*queue)).await)
    }

    /// What [`run`](Self::run) would do with each key. Nothing is written, and only GETs are sent: see
    /// [`Rotation::plan`].
    ///
    /// # Errors
    /// The keys cannot be listed, or there is no folder for the journals.
    pub async fn plan(self) -> Result<Vec<(ApiKey, Planned)>, RotationError> {
        let journals = self.ledger()?;
        let rate_limit = Arc::new(RateLimit::new(Arc::clone(&self.given.clock)));
        let (this, rate_limit) = (&self, &rate_limit);
        let work = self.picked().await?.into_iter().map(|(key, store)| async move {
            let planned = match store {
                Ok(store) => {
                    this.given.rotation(&key, store, journals, rate_limit).plan().await?.into()
                }
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

    fn joining(&self, rate_limit: &Arc<RateLimit>) -> Joining {
        let (server, selects) = (self.given.client.base_url().to_owned(), self.policy.to_string());
        let name = self.name.as_deref().unwrap_or_default();
        Joining {
            fleet: format!("{server}\n{selects}\n{name}"),
            selects: match name {
                "" => selects,
                name => format!("{selects}; {name}"),
            },
            server,
            most_failures: self.most_failures,
            rate_limit: Arc::clone(rate_limit),
        }
    }

    /// The keys that the policy picks, each with its store or why it is left alone.
    async fn picked(&self) -> Result<Vec<Picked>, RotationError> {
        let shared = self.ledger()?.is_shared();
        let picked = policy::select(&self.given.common(), &self.policy, shared).await?;
        let stores: Vec<_> =
            picked.iter().map(|audited| (self.given.stores)(&audited.key)).collect();
        let mut users = HashMap::<String, usize>::new();
        for store in stores.iter().flatten() {
            *users.entry(store.describe()).or_default() += 1;
        }
        let is_shared = |store: &Arc<dyn Store>| users[&store.describe()] > 1;
        let work = picked.into_iter().zip(stores).map(|(audited, store)| {
            let store = match store {
                _ if audited.own && !self.policy.includes_own() => Err(Skipped::Own),
                None => Err(Skipped::NoStore),
                Some(store) if is_shared(&store) => Err(Skipped::SharedStore),
                Some(store) => Ok(store),
            };
            (audited.key, store)
        });
        Ok(work.collect())
    }

    /// The outcome of each key: what was done here, else what became of it elsewhere.
    async fn concluded(
        &self,
        picked: Vec<Picked>,
        mut done: HashMap<String, (ApiKey, Rotated)>,
        mut problem: Option<RotationError>,
        (journals, queue): (&Journals, &dyn Queue),
    ) -> Vec<(ApiKey, Rotated)> {
        // What this process has lost, or was told to leave, is the work of others, if there are any.
        let is_left = |became: &Rotated| match became {
            Rotated::Failed(error) => {
                error.is_lost() || error.is_stopped() && self.given.stop.is_requested()
            }
            _ => false,
        };
        let open = picked.iter().filter(|(key, store)| match done.get(&key.id) {
            Some((_, became)) => is_left(became),
            None => matches!(store, Ok(_) | Err(Skipped::NoStore | Skipped::SharedStore)),
        });
        let open = open.map(|(key, store)| {
            let journal = store.as_ref().ok().map(|store| journals.of(&**store).to_string());
            (key.id.clone(), journal)
        });
        let mut fates = match problem {
            None => queue.fates(open.collect()).await.unwrap_or_default(),
            Some(_) => HashMap::new(),
        };
        let mut all = Vec::with_capacity(picked.len());
        for (key, store) in picked {
            let became = match (done.remove(&key.id), store, fates.remove(&key.id)) {
                (Some((_, became)), _, None | Some(Fate::Waiting | Fate::JustMade)) => became,
                (_, Ok(_) | Err(Skipped::NoStore | Skipped::SharedStore), Some(fate)) => {
                    self.had_elsewhere(fate)
                }
                (_, Err(why), _) => Rotated::Skipped(why),
                (_, Ok(_), None) => match problem.take() {
                    Some(problem) => Rotated::Failed(problem),
                    None => Rotated::Skipped(self.not_begun()),
                },
            };
            all.push((key, became));
        }
        // Those that another worker had begun, and that are not listed any more.
        let mut more: Vec<_> = done.into_values().collect();
        more.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        all.extend(more);
        all
    }

    fn not_begun(&self) -> Skipped {
        match self.given.stop.is_requested() {
            true => Skipped::StopRequested,
            false => Skipped::Stopped,
        }
    }

    fn had_elsewhere(&self, fate: Fate) -> Rotated {
        Rotated::Elsewhere(match fate {
            Fate::Waiting => return Rotated::Skipped(self.not_begun()),
            Fate::JustMade => return Rotated::Skipped(Skipped::JustMade),
            Fate::OfHost { host } => Elsewhere::OfHost(host),
            Fate::OfOthers => Elsewhere::OfOthers,
            Fate::OfFleet => Elsewhere::OfFleet,
            Fate::UnderWay { worker } => Elsewhere::UnderWay(worker),
            Fate::Rotated { worker } => Elsewhere::Rotated(worker),
            Fate::Failed { worker, why } => Elsewhere::Failed { worker, why },
        })
    }
}

fn task(key: &ApiKey, store: &dyn Store, journals: &Journals) -> Task {
    Task {
        key_id: key.id.clone(),
        name: key.name.clone(),
        store: store.describe(),
        journal: journals.of(store).to_string(),
        host: (!store.shared()).then(Host::this),
    }
}

/// The rotations of one process, a few at a time.
struct Workers<'a> {
    fleet: &'a Fleet,
    picked: HashMap<&'a str, &'a Picked>,
    queue: &'a dyn Queue,
    /// How many keys are rotated at a time, and who may begin with one.
    at_a_time: usize,
    slots: Arc<Semaphore>,
    journals: &'a Journals,
    rate_limit: &'a Arc<RateLimit>,
    done: Guarded<HashMap<String, (ApiKey, Rotated)>>,
    /// What has kept one of them from going on.
    problem: Guarded<Option<RotationError>>,
}

impl<'a> Workers<'a> {
    fn new(
        fleet: &'a Fleet,
        picked: &'a [Picked],
        queue: &'a dyn Queue,
        (journals, rate_limit): (&'a Journals, &'a Arc<RateLimit>),
    ) -> Self {
        let at_a_time = fleet.concurrency.min(picked.len().max(1));
        Self {
            fleet,
            at_a_time,
            slots: Arc::new(Semaphore::new(at_a_time)),
            picked: picked.iter().map(|it| (it.0.id.as_str(), it)).collect(),
            queue,
            journals,
            rate_limit,
            done: Guarded::default(),
            problem: Guarded::default(),
        }
    }

    /// Works until nothing is left.
    fn run(&self) -> BoxFuture<'_, ()> {
        let turns = stream::unfold((), |()| self.begin());
        let work = turns.map(|(turn, slot)| self.work(turn, slot));
        // As many again may wait to settle. Where more do, the server is asked too much: these hold up others.
        let at_once = self.at_a_time.saturating_mul(2);
        Box::pin(work.buffer_unordered(at_once).for_each(ready))
    }

    /// The next key, once there is a slot for it.
    fn begin(&self) -> BoxFuture<'_, Option<((Turn, Slot), ())>> {
        Box::pin(async move {
            let slot = Slot::new(Arc::clone(&self.slots).acquire_owned().await.ok()?);
            match self.next().await {
                Ok(turn) => Some(((turn?, slot), ())),
                Err(error) => {
                    self.note(error);
                    None
                }
            }
        })
    }

    fn work(&self, turn: Turn, slot: Slot) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let picked = self.picked.get(turn.key_id.as_str()).copied();
            let (given, queue) = (&self.fleet.given, self.queue);
            let work = work::Work { given, queue, turn: &turn, slot: &slot };
            let (became, ended) = work.run(picked, self.journals, self.rate_limit).await;
            if let Some(became) = became {
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                done.insert(turn.key_id, became);
            }
            ended.unwrap_or_else(|error| self.note(error));
        })
    }

    fn note(&self, error: RotationError) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.get_or_insert(error);
    }

    /// The key whose turn is next, unless a stop is requested.
    async fn next(&self) -> Result<Option<Turn>, RotationError> {
        if self.fleet.given.stop.is_requested() {
            return Ok(None);
        }
        let stop = std::pin::pin!(self.fleet.given.stop.requested());
        match select(self.queue.next(), stop).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => Ok(None),
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
