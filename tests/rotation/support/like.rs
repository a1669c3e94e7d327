//! A store in memory that is like another kind of store.

use std::time::Duration;

use futures_core::future::BoxFuture;
use onkernel::Secret;
use onkernel::rotation::{Store, StoreError, TakesEffect};

use super::MemoryStore;

/// A store in memory with other properties.
#[derive(Clone)]
pub struct Like {
    pub store: MemoryStore,
    pub readable: bool,
    pub propagation: Duration,
    pub takes_effect: TakesEffect,
}

impl Like {
    pub fn new(store: &MemoryStore) -> Self {
        Self {
            store: store.clone(),
            readable: true,
            propagation: Duration::ZERO,
            takes_effect: TakesEffect::Restart,
        }
    }
}

impl Store for Like {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        self.store.read()
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.write(secret)
    }

    fn readable(&self) -> bool {
        self.readable
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn takes_effect(&self) -> TakesEffect {
        self.takes_effect
    }
}
