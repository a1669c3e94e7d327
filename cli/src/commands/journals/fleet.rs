//! `fleet`: how far the workers are that share the work of `rotate-all`.

use chrono::{DateTime, Utc};
use onkernel::rotation::{FleetKey, FleetStatus};

use crate::args::FleetAction;
use crate::failure::Failure;
use crate::output::style::Tint;
use crate::output::table::{Cell, Fit, Table};
use crate::output::text::{plural, safe};
use crate::output::time::relative;
use crate::output::{Format, Output, PrintError};
use crate::rotation::journals;

pub(in crate::commands) async fn run(action: &FleetAction, output: &Output) -> Result<(), Failure> {
    let FleetAction::Status = action;
    let fleets = journals::postgres(None)?.fleets().await;
    let fleets = fleets.map_err(|error| journals::unreachable(&error))?;
    match output.format() {
        Format::Table | Format::Csv => {
            for fleet in &fleets {
                print(fleet, output)?;
            }
        }
        Format::Json | Format::Ndjson => output.print_each(&fleets)?,
    }
    if fleets.is_empty() {
        output.note("No fleet has begun: kernel-keys rotate-all --journal postgres begins one.");
    }
    Ok(())
}

fn print(fleet: &FleetStatus, output: &Output) -> Result<(), PrintError> {
    let (keys, now) = (fleet.keys, fleet.seen);
    let state = match fleet.under_way {
        true => format!("{} at work", plural(fleet.workers.len() as u64, "worker")),
        false => "over".to_owned(),
    };
    output.print(&format!(
        "{} at {}\n  begun {}, {state}: {} rotated, {} failed, {} {}, {} waiting",
        safe(&fleet.selects),
        safe(&fleet.server),
        relative(fleet.began, now),
        keys.rotated,
        keys.failed,
        keys.under_way,
        if fleet.under_way { "under way" } else { "left by their workers" },
        keys.waiting,
    ))?;
    if let Some(ms) = fleet.held_back_ms {
        output
            .print(&format!("  left alone for {:.1} s, as the server asked", ms as f64 / 1000.0))?;
    }
    for (host, count) in &fleet.waiting_for_hosts {
        output.print(&format!(
            "  {} for {}, where the store is",
            match count {
                1 => "1 key waits".to_owned(),
                count => format!("{count} keys wait"),
            },
            safe(host)
        ))?;
    }
    if !fleet.workers.is_empty() {
        let mut table = Table::new([("WORKER", Fit::Whole), ("KEYS UNDER WAY", Fit::Whole)]);
        for worker in &fleet.workers {
            table.row([Cell::new(&worker.name), Cell::new(worker.under_way.to_string())]);
        }
        output.print(&table.render(output.width(), output.style()))?;
    }
    let rotating = if fleet.under_way { "rotating" } else { "left by its worker" };
    let listed = fleet.rotating.iter().map(|key| (key, rotating));
    let listed: Vec<_> = listed.chain(fleet.failed.iter().map(|key| (key, "failed"))).collect();
    if listed.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        ("ID", Fit::Whole),
        ("NAME", Fit::Cut),
        ("STATE", Fit::Whole),
        ("SINCE", Fit::Spare),
        ("WORKER", Fit::Spare),
        ("STORE", Fit::SpareCut),
    ]);
    for (key, state) in &listed {
        table.row(cells(key, state, now));
    }
    output.print(&table.render(output.width(), output.style()))?;
    for key in &fleet.failed {
        let why = key.why.as_deref().unwrap_or_default();
        output.print(&format!("  {}: {}", safe(&key.name), safe(why)))?;
    }
    Ok(())
}

fn cells(key: &FleetKey, state: &str, now: DateTime<Utc>) -> [Cell; 6] {
    let tint = if state == "failed" { Tint::Bad } else { Tint::Plain };
    [
        Cell::new(&key.id),
        Cell::new(&key.name),
        Cell::tinted(tint, state),
        Cell::new(relative(key.since, now)),
        Cell::new(&key.worker),
        Cell::new(&key.store),
    ]
}
