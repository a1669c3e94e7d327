//! A store in memory that does wrong what it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::future::BoxFuture;
use onkernel::Secret;
use onkernel::rotation::{Store, StoreError};

/// What a store is told to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    FailsBefore,
    FailsAfter,
    /// Says that it is not known, and writes when the clock is next waited for.
    WritesLate,
    ReadFails,
    /// Shows once more what it held before the last write.
    StaleRead,
    /// Writes a part of it, and says that all is well.
    Truncates,
    /// Is empty afterwards, and fails.
    Empties,
    /// Somebody wrote meanwhile, the same value again: what swaps has nothing to replace.
    LosesSwap,
}

impl StoreFault {
    pub const EACH: [Self; 8] = [
        Self::FailsBefore,
        Self::FailsAfter,
        Self::WritesLate,
        Self::ReadFails,
        Self::StaleRead,
        Self::Truncates,
        Self::Empties,
        Self::LosesSwap,
    ];
}

/// Which kind of store it is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// A file, or programs that read and write.
    #[default]
    Plain,
    /// Replaces only what is expected, in one step, on every host: AWS, Vault, Kubernetes.
    Swaps,
    /// Shows what was written after a while.
    Lags,
    /// Cannot be read: the secrets of a CI.
    OneWay,
}

impl StoreKind {
    pub const OTHERS: [Self; 3] = [Self::Swaps, Self::Lags, Self::OneWay];

    /// What such a store may do wrong.
    pub fn faults(self) -> Vec<StoreFault> {
        let may = |fault: &StoreFault| match fault {
            // What cannot be read is taken at its word, as the README says: it must not lie.
            StoreFault::Truncates => self != Self::OneWay,
            StoreFault::LosesSwap => self == Self::Swaps,
            _ => true,
        };
        StoreFault::EACH.into_iter().filter(may).collect()
    }
}

/// How long one that lags shows what it held before: less than stores say that they may.
const LAG: Duration = Duration::from_secs(20);

/// A store in memory.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    kind: StoreKind,
    /// How much longer it shows what it held before.
    stale: Duration,
    held: Option<Secret>,
    /// What it held before the last write.
    before: Option<Secret>,
    /// Whether it holds something that nobody gave it.
    debris: bool,
    calls: usize,
    faults: BTreeMap<usize, StoreFault>,
    /// What lands late, and over what alone it does.
    late: Vec<(Option<Secret>, Option<Secret>)>,
    writes: usize,
}

impl Memory {
    fn hold(&mut self, secret: Option<Secret>) {
        self.before = std::mem::replace(&mut self.held, secret);
        self.stale = if self.kind == StoreKind::Lags { LAG } else { Duration::ZERO };
        self.debris = false;
    }
}

impl MemoryStore {
    pub fn holding(secret: &str) -> Self {
        let store = Self::default();
        store.set(Some(secret));
        store
    }

    /// As another kind of store.
    pub fn of_kind(self, kind: StoreKind) -> Self {
        self.0.lock().unwrap().kind = kind;
        self
    }

    fn kind(&self) -> StoreKind {
        self.0.lock().unwrap().kind
    }

    pub fn set(&self, secret: Option<&str>) {
        self.0.lock().unwrap().hold(secret.map(Secret::from));
    }

    pub fn held(&self) -> Option<String> {
        self.0.lock().unwrap().held.as_ref().map(|held| held.expose().to_owned())
    }

    pub fn fail(&self, call: usize, fault: StoreFault) {
        self.0.lock().unwrap().faults.insert(call, fault);
    }

    pub fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    /// Whether it holds what nobody gave it.
    pub fn is_debris(&self) -> bool {
        self.0.lock().unwrap().debris
    }

    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    pub fn is_late(&self) -> bool {
        !self.0.lock().unwrap().late.is_empty()
    }

    /// Time passes.
    pub fn wait(&self, time: Duration) {
        let mut memory = self.0.lock().unwrap();
        memory.stale = memory.stale.saturating_sub(time);
    }

    /// Lets what is late land now.
    pub fn land(&self) {
        let mut memory = self.0.lock().unwrap();
        memory.stale = Duration::ZERO;
        for (expected, late) in std::mem::take(&mut memory.late) {
            if expected.is_none() || expected == memory.held {
                memory.hold(late);
            }
        }
    }

    /// Whether it is told to at this call, which then is over.
    fn loses_swap(&self) -> bool {
        let mut memory = self.0.lock().unwrap();
        let lost = memory.faults.get(&memory.calls) == Some(&StoreFault::LosesSwap);
        memory.calls += usize::from(lost);
        lost
    }

    fn next(&self) -> Option<StoreFault> {
        let mut memory = self.0.lock().unwrap();
        let call = memory.calls;
        memory.calls += 1;
        memory.faults.get(&call).copied()
    }

    fn put(&self, expected: Option<&Secret>, secret: Option<&Secret>) -> Result<(), StoreError> {
        let fault = self.next();
        let mut memory = self.0.lock().unwrap();
        match fault {
            Some(StoreFault::FailsBefore | StoreFault::ReadFails) => {
                Err(StoreError::failed("the store is out of order"))
            }
            Some(StoreFault::WritesLate) => {
                memory.late.push((expected.cloned(), secret.cloned()));
                Err(StoreError::unknown("the store took too long"))
            }
            Some(StoreFault::FailsAfter) => {
                memory.writes += 1;
                memory.hold(secret.cloned());
                Err(StoreError::unknown("the store broke off"))
            }
            Some(StoreFault::Truncates) => {
                memory.hold(secret.map(|secret| Secret::from(&secret.expose()[..9])));
                memory.debris = true;
                Ok(())
            }
            Some(StoreFault::Empties) => {
                memory.hold(None);
                memory.debris = true;
                Err(StoreError::unknown("the store broke off"))
            }
            None | Some(StoreFault::StaleRead | StoreFault::LosesSwap) => {
                memory.writes += 1;
                memory.hold(secret.cloned());
                Ok(())
            }
        }
    }
}

impl Store for MemoryStore {
    fn describe(&self) -> String {
        "memory:ci".to_owned()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async {
            if !self.readable() {
                return Err(StoreError::failed("it cannot be read"));
            }
            match self.next() {
                Some(StoreFault::StaleRead) => {
                    let memory = self.0.lock().unwrap();
                    let before = (memory.writes > 0).then(|| memory.before.clone());
                    Ok(before.unwrap_or_else(|| memory.held.clone()))
                }
                None
                | Some(StoreFault::Truncates | StoreFault::Empties | StoreFault::LosesSwap) => {
                    let memory = self.0.lock().unwrap();
                    let stale = memory.stale > Duration::ZERO;
                    Ok(if stale { memory.before.clone() } else { memory.held.clone() })
                }
                Some(_) => Err(StoreError::failed("the store cannot be read just now")),
            }
        })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            self.put(None, Some(secret))
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.put(None, None) })
    }

    fn readable(&self) -> bool {
        self.kind() != StoreKind::OneWay
    }

    fn shared(&self) -> bool {
        self.kind() == StoreKind::Swaps
    }

    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        let swap = async {
            tokio::task::yield_now().await;
            let lost = self.loses_swap();
            match self.held().as_deref() == Some(expected.expose()) && !lost {
                true => self.put(Some(expected), Some(new)).map(|()| true),
                false => Ok(false),
            }
        };
        (self.kind() == StoreKind::Swaps).then(|| Box::pin(swap) as BoxFuture<'a, _>)
    }
}
