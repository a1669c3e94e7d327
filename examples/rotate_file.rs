//! Replaces the API key that a file holds, as a cron job would: the file is all that it has to know.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example rotate_file -- /etc/agent/kernel-key`
//!
//! When it dies half-way, running it again finishes or undoes what was under way, and then rotates.

use std::path::Path;
use std::time::Duration;

use onkernel::prelude::*;
use onkernel::rotation::{FileStore, Retirement, RotationError, RotationExt, RotationReport};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("name the file that holds the key")?;
    let report = run(&Client::from_env()?, Path::new(&file)).await?;
    println!("{}: {} is replaced by {:?}", report.name, report.old_id, report.new_id);
    Ok(())
}

/// The example itself.
pub async fn run(client: &Client, file: &Path) -> Result<RotationReport, RotationError> {
    // What a crash leaves behind is found by the journal: keep it where the disk survives one.
    let journal = file.with_extension("rotation.jsonl");
    let store = FileStore::new(file);
    client.resume(&journal).store(store.clone()).run().await?;
    client
        .rotation_of(store)
        .journal(journal)
        // Nothing here tells whether the workload has taken up the new key, so that it gets a day
        // for it. With a hook that knows, `.deploy(…)` or `.verify(…)`, the old key could go at once.
        .retire(Retirement::Grace { days: 1 })
        .overlap(Duration::ZERO)
        .on_event(|event| eprintln!("{event:?}"))
        .run()
        .await
}
