//! A fleet of keys rotated, so many at a time, against a server that takes 50 ms for each answer.
//!
//! ```sh
//! cargo bench -p onkernel-benches --bench rotation
//! cargo bench -p onkernel-benches --bench rotation -- 1000   # as many at each concurrency
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use cpu_time::ProcessTime;
use onkernel::prelude::*;
use onkernel::rotation::{FileStore, Policy, Retirement, Rotated, RotationExt, Store};
use onkernel::testing::{NewKey, Server};
use onkernel::types::ApiKey;
use onkernel_benches::is_smoke;

const LATENCY: Duration = Duration::from_millis(50);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    println!(
        "| at a time | keys | requests each | seconds | keys a second | of linear | CPU ms each |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    let mut alone = None;
    // One at a time takes as long for each however many there are.
    for (at_a_time, keys) in [(1, 20), (8, 200), (64, 1000)] {
        let keys = asked.unwrap_or(if is_smoke() { 2 } else { keys });
        let (wall, cpu, requests) = rotate(keys, at_a_time).await;
        let rate = keys as f64 / wall.as_secs_f64();
        let linear = *alone.get_or_insert(rate) * at_a_time as f64;
        println!(
            "| {at_a_time} | {keys} | {:.1} | {:.1} | {rate:.2} | {:.2} | {:.1} |",
            requests as f64 / keys as f64,
            wall.as_secs_f64(),
            rate / linear,
            cpu.as_secs_f64() * 1e3 / keys as f64,
        );
    }
}

/// Rotates a fleet: wall and CPU time, the server's part of it included, and requests.
async fn rotate(keys: usize, at_a_time: usize) -> (Duration, Duration, usize) {
    let server = Server::builder().start_at(Utc::now()).latency(LATENCY).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for n in 0..keys {
        let key = server.add_key(NewKey::named(format!("fleet-{n}")).days(90));
        std::fs::write(folder.path().join(&key.name), key.plaintext()).unwrap();
    }
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    let client = client.build().unwrap();
    let files = folder.path().to_owned();
    let stores =
        move |key: &ApiKey| Some(Arc::new(FileStore::new(files.join(&key.name))) as Arc<dyn Store>);
    server.clear_log();
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let done = client
        .rotate_all(Policy::new().named("fleet-*"), stores)
        .journals(folder.path().join("journals"))
        .concurrency(at_a_time)
        // The overlap is the workload's, and would only be waited for.
        .each(|rotation, _| rotation.retire(Retirement::Delete).overlap(Duration::ZERO))
        .run()
        .await
        .unwrap();
    let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
    let failed = done.iter().find(|(_, became)| !matches!(became, Rotated::Done(_)));
    assert!(failed.is_none() && done.len() == keys, "{failed:?}");
    (wall, cpu, server.log().len())
}
