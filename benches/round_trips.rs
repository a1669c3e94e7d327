//! One rotation against a server that is far away, beside what its round trips take at least.
//!
//! ```sh
//! cargo bench -p onkernel-benches --bench round_trips
//! ```

use std::time::{Duration, Instant};

use chrono::Utc;
use onkernel::prelude::*;
use onkernel::rotation::{FileStore, Retirement, RotationExt};
use onkernel::testing::{NewKey, Server};
use onkernel_benches::is_smoke;
use tokio::runtime::{Builder, Handle};

/// How a rotation knows its key.
#[derive(Clone, Copy)]
enum Known {
    ById,
    /// It is the one that the store holds.
    ByStore,
}

/// How many a rotation makes one after another at most, which `tests/rotation/steps.rs` holds: of at most
/// 100 keys also where the key is known by its store.
const ROUND_TRIPS: u32 = 7;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // What the server costs is not ours, so it has a thread of its own.
    let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(run(elsewhere.handle()));
}

async fn run(elsewhere: &Handle) {
    println!(
        "| key known by | ms for each response | a rotation, s | least and most | round trips | these, s | ratio |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let (rotations, latencies) = if is_smoke() { (1, [1, 2]) } else { (21, [50, 150]) };
    for (name, known) in [("its id", Known::ById), ("its store", Known::ByStore)] {
        for latency in latencies.map(Duration::from_millis) {
            let mut seconds = rotate(known, rotations, latency, elsewhere).await;
            seconds.sort_by(f64::total_cmp);
            let usual = seconds[seconds.len() / 2];
            let bound = (ROUND_TRIPS * latency).as_secs_f64();
            println!(
                "| {name} | {} | {usual:.3} | {:.3} to {:.3} | {ROUND_TRIPS} | {bound:.2} | {:.2} |",
                latency.as_millis(),
                seconds[0],
                seconds[seconds.len() - 1],
                usual / bound,
            );
        }
    }
}

/// Rotates key after key, and says how long each took.
async fn rotate(known: Known, keys: usize, latency: Duration, elsewhere: &Handle) -> Vec<f64> {
    let server = Server::builder().start_at(Utc::now()).latency(latency);
    let server = elsewhere.spawn(server.start()).await.unwrap().unwrap();
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    let client = client.build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut seconds = Vec::new();
    for n in 0..keys {
        let key = server.add_key(NewKey::named(format!("workload-{n}")).days(90));
        let store = folder.path().join(&key.name);
        std::fs::write(&store, key.plaintext()).unwrap();
        let journal = store.with_extension("jsonl");
        let rotation = match known {
            Known::ById => client.rotation(&key.id).store(FileStore::new(store)),
            Known::ByStore => client.rotation_of(FileStore::new(store)),
        };
        let rotation = rotation
            .journal(journal)
            .retire(Retirement::Delete)
            // The overlap is the workload's, and would only be waited for.
            .overlap(Duration::ZERO);
        let began = Instant::now();
        let report = rotation.run().await.unwrap();
        seconds.push(began.elapsed().as_secs_f64());
        assert!(report.is_settled(), "{report:?}");
    }
    seconds
}
