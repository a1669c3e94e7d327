//! Starts a browser, looks at it, and ends it.

use onkernel::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let browser = client.create_browser().send().await?;
    let seen = client.get_browser().id_or_name(&browser.session_id).send().await?;
    println!("{}", seen.session_id);
    client.delete_browser().id_or_name(&browser.session_id).send().await?;
    Ok(())
}
