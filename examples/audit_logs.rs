//! Prints who did what in the organization during the last day, page by page.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example audit_logs --features audit-logs`

use onkernel::chrono::{TimeDelta, Utc};
use onkernel::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> onkernel::Result<()> {
    let entries = run(&Client::from_env()?).await?;
    println!("{entries} entries");
    Ok(())
}

/// The example itself: returns how many entries there are.
pub async fn run(client: &Client) -> onkernel::Result<usize> {
    let now = Utc::now();
    let mut pages = client.audit_logs().list(now - TimeDelta::days(1), now).limit(100).pages();
    let mut entries = 0;
    while let Some(page) = pages.next().await {
        let page = page?;
        for entry in &page.items {
            let who = if entry.email.is_empty() { &entry.user_id } else { &entry.email };
            println!("{} {who} {} {} {}", entry.timestamp, entry.method, entry.path, entry.status);
        }
        entries += page.items.len();
    }
    Ok(entries)
}
