//! What a call costs: this client, and the same call by hand with reqwest and serde.
//!
//! ```sh
//! cargo bench -p onkernel-benches --bench call            # the table of benches/README.md
//! cargo bench -p onkernel-benches --bench call -- get     # one operation
//! # For a profiler: one side of one operation, 300 calls, 64 at a time.
//! cargo bench -p onkernel-benches --bench call -- get ours 300 64
//! ```

use onkernel::prelude::*;
use onkernel_benches::by_hand::{self, NewKey};
use onkernel_benches::is_smoke;
use onkernel_benches::measure::{ALLOCATOR, Cost, cost, median};
use onkernel_benches::server::{self, Server};

#[global_allocator]
static GLOBAL: &stats_alloc::StatsAlloc<std::alloc::System> = ALLOCATOR;

const OPERATIONS: [&str; 4] = ["get", "create", "list of 20", "list of 100"];
const ID: &str = "key_01jabcdefghijklmnopqrstuvw";
const KEY: &str = "sk_live_0123456789abcdefghijklmnop";

fn main() {
    server::serve_if_asked();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let server = Server::start(1000);
    let ours = Client::builder().base_url(&*server.url).api_key(KEY).build().unwrap();
    let theirs = by_hand::Client::new(&server.url, KEY);
    let arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let arguments: Vec<_> = arguments.collect();
    let wanted = arguments.first();
    if let Some(wanted) = wanted {
        let found = OPERATIONS.iter().any(|name| name.starts_with(wanted.as_str()));
        assert!(found, "`{wanted}` is none of {OPERATIONS:?}");
    }
    let alone = arguments.get(1).map(|side| Alone {
        ours: match side.as_str() {
            "ours" => true,
            "by-hand" => false,
            other => panic!("`{other}` is neither `ours` nor `by-hand`"),
        },
        calls: arguments.get(2).map_or(300, |calls| calls.parse().unwrap()),
        at_a_time: arguments.get(3).map_or(1, |many| many.parse().unwrap()),
    });

    if alone.is_none() {
        print_head();
    }
    macro_rules! compare {
        ($name:literal, $calls:literal, $ours:expr, $theirs:expr) => {
            if wanted.is_none_or(|wanted| $name.starts_with(wanted.as_str())) {
                let (ours, theirs) = (|| async { $ours }, || async { $theirs });
                match &alone {
                    Some(it) if it.ours => drop(cost(it.calls, it.at_a_time, ours).await),
                    Some(it) => drop(cost(it.calls, it.at_a_time, theirs).await),
                    None => {
                        for at_a_time in [1, 64] {
                            compare($name, $calls, at_a_time, &ours, &theirs).await;
                        }
                    }
                }
            }
        };
    }
    compare!(
        "get",
        640,
        drop(ours.api_keys().get(ID).send().await.unwrap()),
        drop(theirs.get(ID).await.unwrap())
    );
    compare!(
        "create",
        640,
        drop(ours.api_keys().create("ci").days_to_expire(30).send().await.unwrap()),
        drop(
            theirs
                .create(&NewKey { name: "ci".to_owned(), days_to_expire: Some(30) })
                .await
                .unwrap()
        )
    );
    compare!(
        "list of 20",
        320,
        drop(ours.api_keys().list().limit(20).send().await.unwrap()),
        drop(theirs.list(20).await.unwrap())
    );
    compare!(
        "list of 100",
        128,
        drop(ours.api_keys().list().limit(100).send().await.unwrap()),
        drop(theirs.list(100).await.unwrap())
    );
}

/// One side only.
struct Alone {
    ours: bool,
    calls: usize,
    at_a_time: usize,
}

fn print_head() {
    println!(
        "| call | at a time | CPU µs | by hand | ratio | wall µs | by hand | allocations | by hand | ratio | bytes | by hand |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

async fn compare<A: Future<Output = ()>, B: Future<Output = ()>>(
    name: &str,
    calls: usize,
    at_a_time: usize,
    ours: impl Fn() -> A,
    theirs: impl Fn() -> B,
) {
    let (rounds, calls) = if is_smoke() { (1, at_a_time) } else { (41, calls) };
    // Connections are opened and buffers grown.
    cost(calls, at_a_time, &ours).await;
    cost(calls, at_a_time, &theirs).await;
    let mut pairs = Vec::new();
    for round in 0..rounds {
        // Neither is always first.
        pairs.push(if round % 2 == 0 {
            let ours = cost(calls, at_a_time, &ours).await;
            (ours, cost(calls, at_a_time, &theirs).await)
        } else {
            let theirs = cost(calls, at_a_time, &theirs).await;
            (cost(calls, at_a_time, &ours).await, theirs)
        });
    }
    let each = |figure: fn(&Cost) -> f64| {
        (median(pairs.iter().map(|it| figure(&it.0))), median(pairs.iter().map(|it| figure(&it.1))))
    };
    let ratio = |figure: fn(&Cost) -> f64| {
        median(pairs.iter().map(|(ours, theirs)| figure(ours) / figure(theirs)))
    };
    let (cpu, wall) = (each(|it| it.cpu_us), each(|it| it.wall_us));
    let (allocations, bytes) = (each(|it| it.allocations), each(|it| it.bytes));
    println!(
        "| {name} | {at_a_time} | {:.1} | {:.1} | {:.3} | {:.1} | {:.1} | {:.1} | {:.1} | {:.3} | {:.0} | {:.0} |",
        cpu.0,
        cpu.1,
        ratio(|it| it.cpu_us),
        wall.0,
        wall.1,
        allocations.0,
        allocations.1,
        ratio(|it| it.allocations),
        bytes.0,
        bytes.1,
    );
}
