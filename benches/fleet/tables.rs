//! Prints what was found.

use super::database::Database;
use super::workers::Done;

/// What became of the keys, and how many stores hold a key that works.
pub fn print_done(done: &Done, keys: usize, held: usize) {
    let Done { rotated, failed, gave_up, left } = done;
    println!(
        "rotated: {rotated} of {keys}; failed: {}; left: {left}; workers that gave up: {}; stores that hold a live key: {held}",
        failed.len(),
        gave_up.len()
    );
    for why in failed.iter().chain(gave_up).take(5) {
        println!("  {why}");
    }
}

pub async fn print_database(database: &Database, keys: usize, written: i64) {
    let each = |total: f64| total / keys as f64;
    let (statements, tables) = (database.statements().await, database.tables().await);
    let calls: i64 = statements.iter().map(|it| it.calls).sum();
    let plan: f64 = statements.iter().map(|it| it.plan_ms).sum();
    let run: f64 = statements.iter().map(|it| it.run_ms).sum();
    println!(
        "a key: {:.1} statements, {:.2} ms to plan and {:.2} ms to run them, {:.0} bytes written ahead\n",
        each(calls as f64),
        each(plan),
        each(run),
        each(written as f64)
    );
    println!("| statement | calls a key | plan ms | run ms | ms a key |");
    println!("|---|---:|---:|---:|---:|");
    for it in statements.iter().take(12) {
        let calls = it.calls as f64;
        println!(
            "| `{:.60}` | {:.2} | {:.3} | {:.3} | {:.3} |",
            it.text,
            each(calls),
            it.plan_ms / calls,
            it.run_ms / calls,
            each(it.plan_ms + it.run_ms)
        );
    }
    println!("\n| table | inserted a key | updated | of these in place | deleted | bytes a key |");
    println!("|---|---:|---:|---:|---:|---:|");
    for it in tables {
        println!(
            "| `{}` | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} |",
            it.name,
            each(it.inserted as f64),
            each(it.updated as f64),
            each(it.hot as f64),
            each(it.deleted as f64),
            each(it.bytes as f64)
        );
    }
}
