//! What a key costs the database, in real time.

use std::time::{Duration, Instant};

use onkernel::testing::{NewKey, Server as Embedded};
use tokio::runtime::Builder;

use super::database::Database;
use super::server::Server;
use super::stores::Stores;
use super::tables;
use super::time::Time;
use super::workers::Workers;

/// The client's own.
const TIMEOUT: Duration = Duration::from_secs(60);
/// With more keys than these the embedded server takes longer than the workers.
const FEW: usize = 1000;

pub fn run(database: &str, sizes: &[(usize, usize)]) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // What the server costs is not ours, so it has a thread of its own.
    let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for &(keys, workers) in sizes {
        let api = elsewhere.block_on(Api::start(keys));
        println!(
            "\n## measured: {keys} keys, {workers} workers of 4 at a time, no latency, no limit\n"
        );
        runtime.block_on(one(database, &api, keys, workers));
    }
}

async fn one(url: &str, api: &Api, keys: usize, workers: usize) {
    let database = Database::connect(url).await;
    let stores = Stores::default();
    for n in 0..keys {
        let name = format!("fleet-{n}");
        stores.put(&name, &api.add(&name));
    }
    let (server, key) = api.login();
    let workers = Workers {
        number: workers,
        server,
        key,
        database: database.url_at(database.address()),
        stores: stores.clone(),
        timeout: TIMEOUT,
    };
    let (written, began) = (database.written().await, Instant::now());
    let done = workers.run().await;
    let seconds = began.elapsed().as_secs_f64();
    let written = database.written().await - written;
    println!("seconds: {seconds:.1}; requests a key: {:.2}", api.requests() as f64 / keys as f64);
    let live = api.live();
    let held = live.iter().filter(|(name, plaintext)| stores.holds(name, plaintext)).count();
    tables::print_done(&done, keys, held);
    database.is_left().await;
    tables::print_database(&database, keys, written).await;
}

/// The server, which is the embedded one as long as that is fast enough.
enum Api {
    Embedded(Embedded),
    Large { server: Server, key: String },
}

impl Api {
    async fn start(keys: usize) -> Self {
        if keys <= FEW {
            return Self::Embedded(Embedded::start().await.unwrap());
        }
        let server = Server::start(Duration::ZERO, Time::begin()).await;
        let key = server.add("bootstrap");
        Self::Large { server, key }
    }

    fn add(&self, name: &str) -> String {
        match self {
            Self::Embedded(server) => {
                server.add_key(NewKey::named(name).days(90)).plaintext().to_owned()
            }
            Self::Large { server, .. } => server.add(name),
        }
    }

    fn login(&self) -> (String, String) {
        let (url, key) = match self {
            Self::Embedded(server) => (server.url(), server.bootstrap_key()),
            Self::Large { server, key } => (server.url(), key.as_str()),
        };
        (url.to_owned(), key.to_owned())
    }

    fn requests(&self) -> u64 {
        match self {
            Self::Embedded(server) => server.log().len() as u64,
            Self::Large { server, .. } => server.requests().served,
        }
    }

    /// The names and plaintexts of the keys that there are.
    fn live(&self) -> Vec<(String, String)> {
        match self {
            Self::Embedded(server) => {
                let live = server.keys().into_iter().filter(|key| key.deleted_at.is_none());
                live.map(|key| (key.name.clone(), key.plaintext().to_owned())).collect()
            }
            Self::Large { server, .. } => server.live(),
        }
    }
}
