//! `ledger`: the database of the journals.

use serde_json::json;

use crate::args::LedgerAction;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::plural;
use crate::rotation::journals;

pub(in crate::commands) async fn run(action: LedgerAction, output: &Output) -> Result<(), Failure> {
    match action {
        LedgerAction::Migrate => {
            let (before, now) = journals::postgres(None)?
                .migrate()
                .await
                .map_err(|error| journals::unreachable(&error))?;
            match output.is_json() {
                true => output.print_json(&json!({ "before": before, "now": now }))?,
                false if before == now => {
                    output
                        .print(&format!("The schema kernel_keys is of version {now} already."))?;
                }
                false => output.print(&format!(
                    "The schema kernel_keys was of version {before}, and is of version {now}."
                ))?,
            }
            Ok(())
        }
        LedgerAction::Prune { keep } => {
            let journals = journals::postgres(None)?;
            let removed = journals.prune(journals::of_days(keep)).await;
            let removed = removed.map_err(|error| journals::unreachable(&error))?;
            match output.is_json() {
                true => output.print_json(&json!({ "removed": removed }))?,
                false => output.print(&format!("Removed {}.", plural(removed, "journal")))?,
            }
            Ok(())
        }
    }
}
