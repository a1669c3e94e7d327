//! The workers of a fleet, each with a client and a connection to the database of its own.

use std::time::Duration;

use onkernel::prelude::*;
use onkernel::rotation::{
    Elsewhere, Policy, PostgresJournals, Retirement, Rotated, RotationExt, Skipped,
};
use onkernel::types::ApiKey;

use super::stores::Stores;

/// What they need to know.
#[derive(Clone)]
pub struct Workers {
    pub number: usize,
    pub server: String,
    pub key: String,
    pub database: String,
    pub stores: Stores,
    /// How long their clients wait for a response.
    pub timeout: Duration,
}

/// What became of the keys, over all workers.
#[derive(Debug, Default)]
pub struct Done {
    pub rotated: usize,
    pub failed: Vec<String>,
    /// Workers that ended with an error, such as one that could not list the keys.
    pub gave_up: Vec<String>,
    /// Keys that one worker found not rotated when it ended, though no worker had failed at them.
    pub left: usize,
}

impl Workers {
    /// Rotates all keys.
    pub async fn run(&self) -> Done {
        let mut all = Done::default();
        // Each a task of its own, so that what happens to one wakes no other.
        let all_workers: Vec<_> =
            (0..self.number).map(|_| tokio::spawn(one(self.clone()))).collect();
        for worker in all_workers {
            let done = match worker.await.unwrap() {
                Ok(done) => done,
                Err(error) => {
                    all.gave_up.push(error);
                    continue;
                }
            };
            for (_, became) in done {
                match became {
                    Rotated::Done(_) => all.rotated += 1,
                    Rotated::Failed(error) => all.failed.push(error.to_string()),
                    Rotated::Elsewhere(Elsewhere::Rotated(_) | Elsewhere::Failed { .. })
                    | Rotated::Skipped(Skipped::JustMade) => {}
                    _ => all.left += 1,
                }
            }
        }
        all
    }
}

async fn one(this: Workers) -> Result<Vec<(ApiKey, Rotated)>, String> {
    let client = Client::builder().base_url(this.server).api_key(this.key).timeout(this.timeout);
    let client = client.build().unwrap();
    let stores = this.stores;
    client
        .rotate_all(Policy::new().named("fleet-*"), move |key| Some(stores.of(&key.name)))
        .journals(PostgresJournals::new(&this.database).unwrap())
        .stop_after(usize::MAX)
        // The overlap is the workload's, and would only be waited for.
        .each(|rotation, _| {
            let rotation = rotation.retire(Retirement::Delete).overlap(Duration::ZERO);
            rotation.settle_time(Duration::from_secs(2))
        })
        .run()
        .await
        .map_err(|error| error.to_string())
}
