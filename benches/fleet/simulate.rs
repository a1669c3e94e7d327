//! How long a large fleet takes under a rate limit, in virtual time: the workers, their clients and the
//! database are the real ones, the server and the clock are not.

use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use super::database::Database;
use super::limit::Limit;
use super::server::Server;
use super::stores::Stores;
use super::tables;
use super::time::{TICK, Time};
use super::wire;
use super::workers::Workers;

const LATENCY: Duration = Duration::from_millis(50);
/// How long a statement takes, the way to the database included.
const STATEMENT: Duration = TICK;
const A_SECOND: u32 = 100;
/// What a rotation sends in which nothing fails.
const REQUESTS: usize = 16;

pub fn run(database: &str, sizes: &[(usize, usize, u64)]) {
    for &(keys, workers, timeout) in sizes {
        let timeout = Duration::from_secs(timeout);
        println!(
            "\n## simulated: {keys} keys, {workers} workers of 4 at a time, {LATENCY:?} a response, {STATEMENT:?} a statement, {A_SECOND} requests a second, a timeout of {timeout:?}\n"
        );
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let time = Time::begin();
            tokio::spawn(time.clone().pass());
            one(database, &time, keys, workers, timeout).await;
        });
    }
}

async fn one(url: &str, time: &Time, keys: usize, workers: usize, timeout: Duration) {
    let really = Instant::now();
    // This connection is not in virtual time: without it none passes meanwhile.
    time.leaves();
    let database = Database::connect(url).await;
    database.run(wire::CLOCK).await;
    let written = database.written().await;
    time.returns();

    let server = Server::start(LATENCY, time.clone()).await;
    let (stores, bootstrap) = (Stores::default(), server.add("bootstrap"));
    for n in 0..keys {
        let name = format!("fleet-{n}");
        stores.put(&name, &server.add(&name));
    }
    server.limit(Limit::a_second(A_SECOND));
    let address = wire::listen(database.address(), STATEMENT, time.clone()).await;
    let workers = Workers {
        number: workers,
        server: server.url().to_owned(),
        key: bootstrap,
        database: database.url_at(address),
        stores: stores.clone(),
        timeout,
    };
    let began = time.elapsed();
    let done = workers.run().await;
    let seconds = (time.elapsed() - began).as_secs_f64();

    let requests = server.requests();
    let bound = (REQUESTS * keys) as f64 / f64::from(A_SECOND);
    println!(
        "seconds: {seconds:.0}; bound of {REQUESTS} requests a key: {bound:.0}; ratio: {:.3}",
        seconds / bound
    );
    println!(
        "requests served a key: {:.2}, their bound: {:.0} s; rejected a key: {:.2}",
        requests.served as f64 / keys as f64,
        requests.served as f64 / f64::from(A_SECOND),
        requests.rejected as f64 / keys as f64,
    );
    let tenth = requests.by_second.len().div_ceil(10).max(1);
    let tenths = requests.by_second.chunks(tenth);
    let tenths = tenths.map(|it| format!("{:.0}", it.iter().sum::<u32>() as f64 / it.len() as f64));
    println!(
        "requests served a second, in each tenth of the time: {}",
        tenths.collect::<Vec<_>>().join(", ")
    );
    let live = server.live();
    let held = live.iter().filter(|(name, plaintext)| stores.holds(name, plaintext)).count();
    tables::print_done(&done, keys, held);
    println!("live keys: {}; real seconds: {:.0}", live.len(), really.elapsed().as_secs_f64());
    database.is_left().await;
    let written = database.written().await - written;
    tables::print_database(&database, keys, written).await;
}
