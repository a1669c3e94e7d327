//! Fleets whose workers share their work in PostgreSQL: what a key costs the database, and how long a
//! large fleet takes under a rate limit. `benches/fleet/run` starts the database.
//!
//! ```sh
//! benches/fleet/run                                  # measures, then simulates: an hour
//! benches/fleet/run measure 1000 4                   # keys and workers
//! benches/fleet/run simulate 100000 16
//! ```

mod database;
mod limit;
mod measure;
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
    let number = |at: usize| arguments.get(at).map(|it| it.parse::<usize>().unwrap());
    let asked = number(1).zip(number(2));
    let what = arguments.first().map_or("all", String::as_str);
    if what != "simulate" {
        let all = [(1000, 4), (1000, 16), (10_000, 4), (10_000, 16)];
        measure::run(&database, &asked.map_or(all.to_vec(), |it| vec![it]));
    }
    if what != "measure" {
        let all =
            [(10_000, 60), (10_000, 5), (100_000, 60)].map(|(keys, timeout)| (keys, 16, timeout));
        let timeout = number(3).unwrap_or(60) as u64;
        let asked = asked.map(|(keys, workers)| vec![(keys, workers, timeout)]);
        simulate::run(&database, &asked.unwrap_or(all.to_vec()));
    }
}
