//! Starts a browser, looks at it, and ends it.

use onkernel::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let browser = client.browsers().create().send().await?;
    let seen = client.browsers().get(&browser.session_id).send().await?;
    println!("{}", seen.session_id);
    client.browsers().delete(&browser.session_id).send().await?;
    Ok(())
}
