//! Runs an action of a deployed application, and prints its result.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example invoke --features invocations -- my-app my-action '{}'`

use std::time::Duration;

use onkernel::InvokeError;
use onkernel::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (app, action) = words.next().zip(words.next()).ok_or("name the app and its action")?;
    println!("{}", run(&Client::from_env()?, &app, &action, words.next()).await?);
    Ok(())
}

/// The example itself: returns what the action returned.
pub async fn run(
    client: &Client,
    app: &str,
    action: &str,
    payload: Option<String>,
) -> Result<String, InvokeError> {
    let call = client.invocations().create(app, "latest", action).set_payload(payload);
    let limit = Duration::from_secs(15 * 60);
    let run = client.invocations().invoke_and_wait(call, limit).await?;
    Ok(run.output.unwrap_or_default())
}
