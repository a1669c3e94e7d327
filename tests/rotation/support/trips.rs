//! How many round trips a rotation makes one after another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use onkernel::rotation::Probe;
use onkernel::testing::Server;

/// Counts requests that are made one after another: those that overlap in time count once.
pub struct RoundTrips {
    server: Server,
    under_way: AtomicUsize,
    ends: Mutex<Vec<usize>>,
}

impl RoundTrips {
    pub fn to(server: &Server) -> Arc<Self> {
        let server = server.clone();
        Arc::new(Self { server, under_way: AtomicUsize::new(0), ends: Mutex::default() })
    }

    /// How many requests there had been at the end of each.
    pub fn ends(&self) -> Vec<usize> {
        self.ends.lock().unwrap().clone()
    }
}

impl Probe for RoundTrips {
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()> {
        let local = ["wait", "deploy", "verify", "write the journal"].contains(&effect)
            || effect.ends_with("the store");
        if !local && !done {
            self.under_way.fetch_add(1, Ordering::SeqCst);
        }
        if !local && done && self.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ends.lock().unwrap().push(self.server.log().len());
        }
        Box::pin(async {})
    }
}
