//! Prints what happens in a browser as it happens, until its session ends.
//!
//! `KERNEL_API_KEY=sk_… cargo run --example telemetry --features browsers -- SESSION [LAST_EVENT]`
//!
//! A stream that breaks is taken up by itself, after the last event that came. The same goes for the
//! whole program: give it the last id that it printed, and it goes on from there.

use onkernel::Event;
use onkernel::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = std::env::args().nth(1).ok_or("name the session")?;
    let last = std::env::args().nth(2);
    run(&Client::from_env()?, &session, last.as_deref()).await?;
    Ok(())
}

/// The example itself: returns the numbers of the events that came.
pub async fn run(client: &Client, session: &str, last: Option<&str>) -> onkernel::Result<Vec<i64>> {
    let call = client.browsers().telemetry().stream(session).set_last_event_id(last);
    let mut events = call.events().await?;
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await {
        match event? {
            Event::Message { id, data } => {
                println!("{} {:?}", id.unwrap_or_default(), data.event);
                numbers.push(data.seq);
            }
            // From a service that is newer than this client.
            Event::Unknown { data, .. } => println!("{data}"),
            _ => {}
        }
    }
    Ok(numbers)
}
