//! Stores in memory, which every worker reaches: what they cost is not what is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{BoxFuture, Store, StoreError};

/// All of them, by the names of their keys.
#[derive(Clone, Default)]
pub struct Stores(Arc<Mutex<HashMap<String, Secret>>>);

impl Stores {
    pub fn put(&self, name: &str, plaintext: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), Secret::from(plaintext));
    }

    pub fn holds(&self, name: &str, plaintext: &str) -> bool {
        self.0.lock().unwrap().get(name).is_some_and(|held| held.expose() == plaintext)
    }

    pub fn of(&self, name: &str) -> Arc<dyn Store> {
        Arc::new(Memory { all: self.clone(), name: name.to_owned() })
    }
}

struct Memory {
    all: Stores,
    name: String,
}

impl Store for Memory {
    fn describe(&self) -> String {
        format!("memory:{}", self.name)
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async { Ok(self.all.0.lock().unwrap().get(&self.name).cloned()) })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            self.all.put(&self.name, secret.expose());
            Ok(())
        })
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    fn may_land_late(&self) -> bool {
        false
    }

    fn shared(&self) -> bool {
        true
    }
}
