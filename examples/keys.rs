//! Makes a key for a day, lists all keys, and deletes the new one again.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example keys`

use onkernel::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> onkernel::Result<()> {
    run(&Client::from_env()?).await
}

/// The example itself.
pub async fn run(client: &Client) -> onkernel::Result<()> {
    let created = client.api_keys().create("example").days_to_expire(1).send().await?;
    // Whoever needs the plaintext gets it from `created.key.expose()`, this once.
    println!("made {} ({})", created.id, created.masked_key);

    let mut keys = client.api_keys().list().sort_by(SortBy::CreatedAt).items();
    while let Some(key) = keys.next().await {
        let key = key?;
        println!("{}  {}  expires: {:?}", key.id, key.name, key.expires_at);
    }

    client.api_keys().delete(&created.id).send().await?;
    println!("deleted {}", created.id);
    Ok(())
}
