//! A store in memory that does wrong what it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

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
}

impl StoreFault {
    pub const EACH: [Self; 7] = [
        Self::FailsBefore,
        Self::FailsAfter,
        Self::WritesLate,
        Self::ReadFails,
        Self::StaleRead,
        Self::Truncates,
        Self::Empties,
    ];
}

/// A store in memory.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    held: Option<Secret>,
    /// What it held before the last write.
    before: Option<Secret>,
    /// Whether it holds something that nobody gave it.
    debris: bool,
    calls: usize,
    faults: BTreeMap<usize, StoreFault>,
    /// What lands late.
    late: Vec<Option<Secret>>,
    writes: usize,
}

impl Memory {
    fn hold(&mut self, secret: Option<Secret>) {
        self.before = std::mem::replace(&mut self.held, secret);
        self.debris = false;
    }
}

impl MemoryStore {
    pub fn holding(secret: &str) -> Self {
        let store = Self::default();
        store.set(Some(secret));
        store
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

    /// Lets what is late land now.
    pub fn land(&self) {
        let mut memory = self.0.lock().unwrap();
        for late in std::mem::take(&mut memory.late) {
            memory.hold(late);
        }
    }

    fn next(&self) -> Option<StoreFault> {
        let mut memory = self.0.lock().unwrap();
        let call = memory.calls;
        memory.calls += 1;
        memory.faults.get(&call).copied()
    }

    fn put(&self, secret: Option<&Secret>) -> Result<(), StoreError> {
        let fault = self.next();
        let mut memory = self.0.lock().unwrap();
        match fault {
            Some(StoreFault::FailsBefore | StoreFault::ReadFails) => {
                Err(StoreError::failed("the store is out of order"))
            }
            Some(StoreFault::WritesLate) => {
                memory.late.push(secret.cloned());
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
            None | Some(StoreFault::StaleRead) => {
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
            match self.next() {
                Some(StoreFault::StaleRead) => {
                    let memory = self.0.lock().unwrap();
                    let before = (memory.writes > 0).then(|| memory.before.clone());
                    Ok(before.unwrap_or_else(|| memory.held.clone()))
                }
                None | Some(StoreFault::Truncates | StoreFault::Empties) => {
                    Ok(self.0.lock().unwrap().held.clone())
                }
                Some(_) => Err(StoreError::failed("the store cannot be read just now")),
            }
        })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            self.put(Some(secret))
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.put(None) })
    }
}
