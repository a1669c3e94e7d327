//! Counts the API keys of an organization.

use onkernel::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = Client::from_env()?.api_keys().list().limit(20).send().await?;
    println!("{}", keys.len());
    Ok(())
}
