//! Reading every key, page by page: the time, near by and far away, and the most memory held at once.
//!
//! ```sh
//! cargo bench -p onkernel-benches --bench paging
//! ```

use std::alloc::System;
use std::time::Instant;

use cpu_time::ProcessTime;
use futures_util::TryStreamExt;
use onkernel::prelude::*;
use onkernel_benches::is_smoke;
use onkernel_benches::server::{self, Server};
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};

#[global_allocator]
static ALLOCATOR: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    server::serve_if_asked();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    in_memory().await;
    println!();
    far_away().await;
}

/// How long it takes to list keys of a service that is far away, one page after another and several
/// at the same time.
async fn far_away() {
    println!("| keys | ms for each response | one page after another, s | as usual, s | ratio |");
    println!("|---:|---:|---:|---:|---:|");
    for (keys, takes) in [(1_000, 50), (10_000, 50), (10_000, 150)] {
        let keys = if is_smoke() { keys / 100 } else { keys };
        let server = Server::taking(takes, keys);
        let mut seconds = [0.0; 2];
        for (ahead, seconds) in [Some(0), None].into_iter().zip(&mut seconds) {
            let client = Client::builder().base_url(&*server.url).api_key("sk_live_01234567");
            let items = client.build().unwrap().api_keys().list().limit(100).items();
            let items = if let Some(ahead) = ahead { items.ahead(ahead) } else { items };
            let began = Instant::now();
            assert_eq!(items.all().await.unwrap().len(), keys);
            *seconds = began.elapsed().as_secs_f64();
        }
        let [one, usual] = seconds;
        println!("| {keys} | {takes} | {one:.2} | {usual:.2} | {:.2} |", usual / one);
    }
}

async fn in_memory() {
    println!("| keys | requests | CPU ms | wall ms | peak heap kB |");
    println!("|---:|---:|---:|---:|---:|");
    for keys in [1_000, 10_000, 100_000] {
        let keys = if is_smoke() { keys / 1_000 } else { keys };
        let server = Server::start(keys);
        let client = Client::builder().base_url(&*server.url).api_key("sk_live_01234567");
        let client = client.build().unwrap();
        // The connection is opened.
        client.api_keys().list().limit(100).send().await.unwrap();

        let (cpu, wall) = (ProcessTime::now(), Instant::now());
        // Counts from here: what is there already is not part of it.
        ALLOCATOR.reset_peak_memory();
        let count = client
            .api_keys()
            .list()
            .limit(100)
            .items()
            .try_fold(0, |count, _| async move { Ok(count + 1) });
        assert_eq!(count.await.unwrap(), keys);
        let peak = ALLOCATOR.get_peak_memory();
        let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
        println!(
            "| {keys} | {} | {:.1} | {:.1} | {:.0} |",
            keys.div_ceil(100),
            cpu.as_secs_f64() * 1e3,
            wall.as_secs_f64() * 1e3,
            peak as f64 / 1e3,
        );
    }
}
