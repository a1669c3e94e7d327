//! What `benches/peers/speed` has each client do, by this one: `turn`, `many` and `pages`, or one call.
//! With `onkernel_benches::server`'s variables set it is the server instead.

use std::error::Error;
use std::future::ready;
use std::io::{Read, Write, stdin, stdout};
use std::time::Instant;

use cpu_time::ProcessTime;
use futures_util::{StreamExt, TryStreamExt, stream};
use onkernel::prelude::*;
use onkernel_benches::server;

fn main() -> Result<(), Box<dyn Error>> {
    server::serve_if_asked();
    run()
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = arguments.first().ok_or("the first argument is the task")?;
    let number = |n: usize| {
        arguments.get(n).ok_or("a number is missing")?.parse().map_err(Box::<dyn Error>::from)
    };
    let client = Client::from_env()?;
    let get = || async { client.api_keys().get("key_1").send().await.map(drop) };
    let some = |calls: usize, at_a_time: usize| {
        stream::iter(0..calls).map(|_| get()).buffer_unordered(at_a_time).try_collect::<()>()
    };
    let (began, cpu) = match task.as_str() {
        "first" => {
            let now = (Instant::now(), ProcessTime::now());
            get().await?;
            now
        }
        "turn" | "many" => {
            let at_a_time = if task == "turn" { 1 } else { 64 };
            some(number(1)? / 5, at_a_time).await?;
            let now = (Instant::now(), ProcessTime::now());
            some(number(1)?, at_a_time).await?;
            now
        }
        "pages" => {
            let now = (Instant::now(), ProcessTime::now());
            let items = client.api_keys().list().limit(100).items();
            let count = items.try_fold(0, |count, _| ready(Ok(count + 1))).await?;
            if count != number(1)? {
                return Err(format!("{count} keys").into());
            }
            now
        }
        _ => return Err("there is no such task".into()),
    };
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    println!(r#"{{"wall": {wall}, "cpu": {cpu}}}"#);
    stdout().flush()?;
    // Its memory is looked at meanwhile.
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
