//! A service that goes on calling Kernel while its key is replaced a hundred times: not one call
//! fails, it is never restarted, and in the end there is one key and not a hundred.
//!
//! `cargo run --example service --features testing`, against a server of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use onkernel::prelude::*;
use onkernel::rotation::{FileStore, Retirement, RotationExt};
use onkernel::testing::{NewKey, Server};
use onkernel::{Credentials, Secret};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(100).await
}

/// The example itself.
pub async fn run(rotations: u32) -> Result<(), Error> {
    let server = Server::start().await?;
    let key = server.add_key(NewKey::named("service").days(30));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("kernel-key");
    let store = FileStore::new(&file);
    onkernel::rotation::Store::write(&store, &Secret::from(key.plaintext())).await?;

    let service = Service::start(&server, &file)?;
    let admin = Client::builder().base_url(server.url()).api_key(server.bootstrap_key()).build()?;
    for _ in 0..rotations {
        let calls = Arc::clone(&service.calls);
        admin
            .rotation_of(store.clone())
            .journal(folder.path().join("rotation.jsonl"))
            // The service has the new key when it has made a few more calls: its client reads the
            // file again when that has changed.
            .verify(move |_| {
                let calls = Arc::clone(&calls);
                async move {
                    let enough = calls.load(Ordering::SeqCst) + 2 * TASKS;
                    while calls.load(Ordering::SeqCst) < enough {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    Ok::<(), Error>(())
                }
            })
            .retire(Retirement::Delete)
            .overlap(Duration::ZERO)
            .run()
            .await?;
    }
    let (calls, failed) = service.stop().await?;

    let live = server.keys().into_iter().filter(|key| key.deleted_at.is_none());
    let live = live.filter(|key| key.name == "service").count();
    println!("{rotations} rotations, {calls} calls, {failed} failed, {live} key left");
    match (failed, live) {
        (0, 1) => Ok(()),
        _ => Err("a call failed, or a key was left behind".into()),
    }
}

/// How many calls are under way at a time.
const TASKS: u64 = 4;

/// Something that calls Kernel all the time, with the key in a file.
struct Service {
    calls: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Service {
    fn start(server: &Server, file: &Path) -> Result<Self, Error> {
        let client = Client::builder()
            .base_url(server.url())
            .credentials(Credentials::file(file))
            // So that a failure shows instead of being tried again.
            .retries(0)
            .build()?;
        let (calls, failed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let stop = Arc::<AtomicBool>::default();
        let tasks = (0..TASKS).map(|_| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            let (calls, failed) = (Arc::clone(&calls), Arc::clone(&failed));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    if let Err(error) = client.api_keys().list().limit(1).send().await {
                        eprintln!("{error}");
                        failed.fetch_add(1, Ordering::SeqCst);
                    }
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let tasks = tasks.collect();
        Ok(Self { calls, failed, stop, tasks })
    }

    /// How many calls it made, and how many of them failed.
    async fn stop(self) -> Result<(u64, u64), Error> {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await?;
        }
        Ok((self.calls.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst)))
    }
}
