//! Puts a file on the machine of a browser session, and fetches it back.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example files --features browsers -- SESSION report.pdf copy.pdf`

use std::path::Path;

use onkernel::Upload;
use onkernel::prelude::*;

/// Where the file is put.
const THERE: &str = "/tmp/upload";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = std::env::args().nth(1).ok_or("name the session")?;
    let (file, copy) = (std::env::args_os().nth(2), std::env::args_os().nth(3));
    let (file, copy) = file.zip(copy).ok_or("name the file, and one for its copy")?;
    let bytes = run(&Client::from_env()?, &session, Path::new(&file), Path::new(&copy)).await?;
    println!("{bytes} bytes");
    Ok(())
}

/// The example itself: returns how many bytes came back.
pub async fn run(
    client: &Client,
    session: &str,
    file: &Path,
    copy: &Path,
) -> onkernel::Result<u64> {
    let files = client.browsers().fs();
    // Read in pieces while it is sent, and never as a whole in memory.
    files.write_file(session, THERE, Upload::file(file)).send().await?;
    let info = files.file_info(session, THERE).send().await?;
    println!("{} has {} bytes", info.path, info.size_bytes);
    // The copy is there as a whole or not at all.
    files.read_file(session, THERE).download().await?.write_to_file(copy).await
}
