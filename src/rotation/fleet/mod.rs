//! Many keys at once: those that a policy picks, rotated a few at a time, by one process or by many
//! that share the work.

mod given;
mod outcome;
mod policy;
mod turns;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Guarded, PoisonError};

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use futures_util::{StreamExt, stream};

use self::given::{Given, Picked, Stores};
pub use self::outcome::{Elsewhere, FleetEvent, Planned, Rotated, Skipped};
pub(crate) use self::policy::audit;
pub use self::policy::{Audited, Policy};
use super::builder::Rotation;
use super::effects::clock::Clock;
use super::effects::rate_limit::RateLimit;
use super::effects::stop::Stop;
use super::journal::ledger::Journals;
use super::journal::queue::{Fate, Joining, Queue, Task};
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
    /// The keys cannot be listed, or there is no place for the journals, or the work that is shared cannot
    /// be had and there is no key to say so of. What fails for one key is in its own result.
    pub async fn run(self) -> Result<Vec<(ApiKey, Rotated)>, RotationError> {
        let journals = self.ledger()?;
        journals.prepare().await?;
        let picked = self.picked().await?;
        let rate_limit = Arc::new(RateLimit::new(Arc::clone(&self.given.clock)));
        let queue = journals.join(self.joining(&picked, &rate_limit)).await?;
        let done = Guarded::new(HashMap::new());
        let tasks = picked.iter().filter_map(|(key, store)| {
            store.as_ref().ok().map(|store| task(key, &**store, journals))
        });
        let problem = match queue.offer(tasks.collect()).await {
            Ok(()) => {
                let workers =
                    Workers { fleet: &self, picked: &picked, queue: &*queue, done: &done };
                workers.run(journals, &rate_limit).await
            }
            Err(problem) => Some(problem),
        };
        queue.leave().await;
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.concluded(picked, done, problem, (journals, &*queue)).await
    }

    /// What [`run`](Self::run) would do with each key. No key and no value is changed: see
    /// [`Rotation::plan`] for what is checked.
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

    fn joining(&self, picked: &[Picked], rate_limit: &Arc<RateLimit>) -> Joining {
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
            spared: picked
                .iter()
                .filter(|(_, store)| matches!(store, Err(Skipped::Own)))
                .map(|(key, _)| key.id.clone())
                .collect(),
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
    ) -> Result<Vec<(ApiKey, Rotated)>, RotationError> {
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
        // Nobody has been told yet what kept this process from its work.
        let says = |(_, became): &_| matches!(became, Rotated::Done(_) | Rotated::Failed(_));
        match problem.filter(|_| !all.iter().any(says)) {
            Some(problem) => Err(problem),
            None => Ok(all),
        }
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
    picked: &'a [Picked],
    queue: &'a dyn Queue,
    done: &'a Guarded<HashMap<String, (ApiKey, Rotated)>>,
}

impl Workers<'_> {
    /// Works until nothing is left; says what has kept it from that.
    async fn run(&self, journals: &Journals, rate_limit: &Arc<RateLimit>) -> Option<RotationError> {
        let index: HashMap<_, _> = self.picked.iter().map(|it| (it.0.id.as_str(), it)).collect();
        // One at a time waits for a turn, so that the others do not ask as well.
        let (turn, problem) = (Mutex::new(()), Guarded::new(None));
        let (turn, problem, index) = (&turn, &problem, &index);
        let one = || async move {
            loop {
                let next = {
                    let _only = turn.lock().await;
                    if self.fleet.given.stop.is_requested() {
                        return;
                    }
                    let stop = std::pin::pin!(self.fleet.given.stop.requested());
                    match select(self.queue.next(), stop).await {
                        Either::Left((next, _)) => next,
                        Either::Right(_) => return,
                    }
                };
                let ended = match next {
                    Ok(None) => return,
                    Ok(Some(next)) => {
                        let picked = index.get(next.key_id.as_str()).copied();
                        let work =
                            work::Work { given: &self.fleet.given, queue: self.queue, turn: &next };
                        let (became, ended) = work.run(picked, journals, rate_limit).await;
                        if let Some(became) = became {
                            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                            done.insert(next.key_id, became);
                        }
                        ended
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = ended {
                    let mut problem = problem.lock().unwrap_or_else(PoisonError::into_inner);
                    problem.get_or_insert(error);
                    return;
                }
            }
        };
        let concurrency = self.fleet.concurrency.min(self.picked.len().max(1));
        turns::join((0..concurrency).map(|_| one())).await;
        problem.lock().unwrap_or_else(PoisonError::into_inner).take()
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
