//! Deploys the application in a folder, and prints its log until it runs or has failed.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example deploy --features deployments -- my-app main.ts`

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;

use onkernel::Upload;
use onkernel::prelude::*;
use onkernel::types::{Deployment, DeploymentEvent, DeploymentStatus};
use rawzip::ZipArchiveWriter;

/// What a deployment installs or makes by itself.
const LEFT_OUT: [&str; 4] = [".git", ".venv", "node_modules", "__pycache__"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (folder, entrypoint) = (std::env::args_os().nth(1), std::env::args().nth(2));
    let (folder, entrypoint) =
        folder.zip(entrypoint).ok_or("name the folder, and the file in it that starts the app")?;
    let deployment = run(&Client::from_env()?, Path::new(&folder), &entrypoint).await?;
    println!("{} is {}", deployment.id, deployment.status);
    Ok(())
}

/// The example itself: returns the deployment when it runs.
pub async fn run(
    client: &Client,
    folder: &Path,
    entrypoint: &str,
) -> Result<Deployment, Box<dyn Error>> {
    let archive = Upload::bytes(archive(folder)?).file_name("app.zip");
    let archive = archive.content_type("application/zip");
    let call = client.deployments().create().file(archive).entrypoint_rel_path(entrypoint);
    let mut deployment = call.send().await?;
    let mut events = client.deployments().follow_to_end(&deployment.id);
    while let Some(event) = events.next().await {
        match event? {
            DeploymentEvent::Log(line) => println!("{}", line.message.trim_end()),
            DeploymentEvent::DeploymentState(state) => deployment = state.deployment,
            _ => {}
        }
    }
    match deployment.status {
        DeploymentStatus::Running => Ok(deployment),
        _ => Err(format!("{}: {:?}", deployment.status, deployment.status_reason).into()),
    }
}

/// The folder as a zip archive.
fn archive(folder: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    add(&mut archive, folder, "")?;
    archive.finish()?;
    Ok(bytes)
}

fn add(
    archive: &mut ZipArchiveWriter<&mut Vec<u8>>,
    folder: &Path,
    inside: &str,
) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?}: no UTF-8"))?;
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let (path, inside) = (entry.path(), format!("{inside}{name}"));
        if path.is_dir() {
            add(archive, &path, &format!("{inside}/"))?;
            continue;
        }
        // As they are: what is worth it can be compressed with a crate of your choice.
        let (mut file, config) = archive.new_file(&inside).start()?;
        let mut writer = config.wrap(&mut file);
        io::copy(&mut File::open(path)?, &mut writer)?;
        let (_, descriptor) = writer.finish()?;
        file.finish(descriptor)?;
    }
    Ok(())
}
