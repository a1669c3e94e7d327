//! Takes pictures of a page one after the other, as fast as they come: each straight from the machine
//! that runs the browser, and not through the API.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example direct --features browsers -- https://example.com frames 10`

use std::error::Error;
use std::path::Path;

use onkernel::ClientBuilder;
use onkernel::prelude::*;
use onkernel::serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, folder) = (std::env::args().nth(1), std::env::args_os().nth(2));
    let (url, folder) = url.zip(folder).ok_or("name the page and the folder for its pictures")?;
    let count = std::env::args().nth(3).map_or(Ok(10), |count| count.parse())?;
    let client = ClientBuilder::from_env().direct_to_vm(true).build()?;
    run(&client, &url, Path::new(&folder), count).await
}

/// The example itself.
pub async fn run(
    client: &Client,
    url: &str,
    folder: &Path,
    count: u32,
) -> Result<(), Box<dyn Error>> {
    let call = client.browsers().create().headless(true).timeout_seconds(60);
    let work = |browser: onkernel::types::Browser| async move {
        let (browsers, id) = (client.browsers(), browser.session_id);
        let code = format!("await page.goto({})", json!(url));
        browsers.playwright().execute(&id, code).send().await?;
        for number in 1..=count {
            let picture = browsers.computer().capture_screenshot(&id).download().await?;
            picture.write_to_file(folder.join(format!("{number}.png"))).await?;
        }
        Ok(())
    };
    client.browsers().with_session(call, work).await?.into_result()
}
