//! Fleets whose workers share their work in PostgreSQL: what a key costs the database, and how long a
//! large fleet takes under a rate limit. `benches/fleet/run` starts the database.
//!
//! ```sh
//! benches/fleet/run measure                          # or `measure 1000 4`: keys and workers
//! benches/fleet/run simulate                         # or `simulate 1000 16 60`: and the timeout in seconds
//! benches/fleet/run model                            # or `model 1000000 16 16 60`: workers that list, that work
//! ```

mod database;
mod limit;
mod measure;
mod model;
mod server;
mod simulate;
mod stores;
mod tables;
mod time;
mod wire;
mod workers;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let Ok(database) = std::env::var("ONKERNEL_BENCH_POSTGRES") else {
        println!("skipped: there is no database; benches/fleet/run starts one");
        return;
    };
    let numbers: Vec<usize> = arguments.iter().skip(1).map(|it| it.parse().unwrap()).collect();
    match (arguments.first().map(String::as_str), &numbers[..]) {
        (Some("measure"), []) => {
            measure::run(&database, &[(1000, 4), (1000, 16), (10_000, 4), (10_000, 16)]);
        }
        (Some("measure"), &[keys, workers]) => measure::run(&database, &[(keys, workers)]),
        (Some("simulate"), []) => {
            simulate::run(&database, &[(1000, 16, 60), (10_000, 16, 60), (10_000, 16, 5)]);
        }
        (Some("simulate"), &[keys, workers, timeout]) => {
            simulate::run(&database, &[(keys, workers, timeout as u64)]);
        }
        (Some("model"), []) => model::run(&model::KNOWN),
        (Some("model"), &[keys, listing, workers, timeout]) => {
            model::run(&[(keys, listing, workers, timeout)]);
        }
        _ => println!("say measure, simulate or model, and the numbers that they take"),
    }
}
