//! Reading every key, page by page: the time, and the most memory held at once.
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
