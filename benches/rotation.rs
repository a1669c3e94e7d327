//! A fleet of keys rotated, so many at a time, against a server that takes 50 ms for each response.
//!
//! ```sh
//! cargo bench -p onkernel-benches --bench rotation
//! cargo bench -p onkernel-benches --bench rotation -- 1000      # as many at each concurrency
//! cargo bench -p onkernel-benches --bench rotation -- 1000 64   # at this one only
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use cpu_time::ThreadTime;
use onkernel::prelude::*;
use onkernel::rotation::{FileStore, Policy, Retirement, Rotated, RotationExt, Store};
use onkernel::testing::{NewKey, Server};
use onkernel::types::ApiKey;
use onkernel_benches::is_smoke;
use tokio::runtime::Handle;

const LATENCY: Duration = Duration::from_millis(50);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What the server costs is not ours, so it has a thread of its own.
    let mut elsewhere = tokio::runtime::Builder::new_multi_thread();
    let elsewhere = elsewhere.worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(run(elsewhere.handle()));
}

async fn run(elsewhere: &Handle) {
    let mut asked = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    // One at a time takes as long for each however many there are.
    let all = [(1, 20), (8, 200), (64, 1000)];
    let all = match (asked.next(), asked.next()) {
        (Some(keys), Some(at_a_time)) => vec![(at_a_time, keys)],
        (Some(keys), None) => all.map(|(at_a_time, _)| (at_a_time, keys)).to_vec(),
        (None, _) if is_smoke() => all.map(|(at_a_time, _)| (at_a_time, 2)).to_vec(),
        (None, _) => all.to_vec(),
    };
    println!(
        "| at a time | keys | requests each | seconds | keys a second | of linear | CPU ms each |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    let mut alone = None;
    for (at_a_time, keys) in all {
        let (wall, cpu, requests) = rotate(keys, at_a_time, elsewhere).await;
        let rate = keys as f64 / wall.as_secs_f64();
        if at_a_time == 1 {
            alone = Some(rate);
        }
        let linear = match alone {
            Some(alone) => format!("{:.2}", rate / (alone * at_a_time as f64)),
            None => "–".to_owned(),
        };
        println!(
            "| {at_a_time} | {keys} | {:.1} | {:.1} | {rate:.2} | {linear} | {:.1} |",
            requests as f64 / keys as f64,
            wall.as_secs_f64(),
            cpu.as_secs_f64() * 1e3 / keys as f64,
        );
    }
}

/// Rotates a fleet: wall time, CPU time of this thread, and requests.
async fn rotate(keys: usize, at_a_time: usize, elsewhere: &Handle) -> (Duration, Duration, usize) {
    let server = Server::builder().start_at(Utc::now()).latency(LATENCY);
    let server = elsewhere.spawn(server.start()).await.unwrap().unwrap();
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
    let (cpu, wall) = (ThreadTime::now(), Instant::now());
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
