//! Starts a browser, opens a page in it, and saves a picture of it. Ctrl-C ends the browser, too.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example browser --features browsers -- https://example.com page.png`

use std::error::Error;
use std::path::Path;

use onkernel::prelude::*;
use onkernel::serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, file) = (std::env::args().nth(1), std::env::args_os().nth(2));
    let (url, file) = url.zip(file).ok_or("name the page and the file for its picture")?;
    let title = run(&Client::from_env()?, &url, Path::new(&file)).await?;
    println!("{title}");
    Ok(())
}

/// The example itself: returns the page's title.
pub async fn run(client: &Client, url: &str, file: &Path) -> Result<String, Box<dyn Error>> {
    let call = client.browsers().create().headless(true).timeout_seconds(60);
    let work = |browser: onkernel::types::Browser| async move {
        tokio::select! {
            title = visit(client, &browser.session_id, url, file) => title,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    };
    // The browser is deleted when the work is done, whatever came of it.
    client.browsers().with_session(call, work).await?.into_result()
}

async fn visit(
    client: &Client,
    id: &str,
    url: &str,
    file: &Path,
) -> Result<String, Box<dyn Error>> {
    let code = format!("await page.goto({}); return await page.title()", json!(url));
    let done = client.browsers().playwright().execute(id, code).send().await?;
    if !done.success {
        return Err(done.error.unwrap_or_else(|| "the code failed".into()).into());
    }
    let picture = client.browsers().computer().capture_screenshot(id).download().await?;
    picture.write_to_file(file).await?;
    Ok(done.result.unwrap_or_default().as_str().unwrap_or_default().to_owned())
}
