//! `whoami`: shows which of the listed keys is the one in use.

use chrono::{DateTime, Utc};
use onkernel::{ApiKeysExt, Current};
use serde_json::json;

use crate::args::Global;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::keys;
use crate::output::text::plural;

pub(super) async fn run(
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let Current { candidates, is_exact, .. } = client::build(global)?.api_keys().current().await?;
    if candidates.is_empty() {
        return Err(Failure::new("your key works, but no listed key has its masked form").advise(
            "With --project only that project's keys are listed: leave it out to see all that your key can see.",
        ));
    }
    if output.is_json() {
        return Ok(output
            .print_json(&json!({ "certain": candidates.len() == 1, "candidates": candidates }))?);
    }
    match &candidates[..] {
        [key] => {
            output.print(&keys::details(key, now, output.style()))?;
            if !is_exact {
                output.note("This is the only listed key with the masked form of yours.");
            }
        }
        _ => {
            output.print(&keys::table(&candidates, now).render(output.width(), output.style()))?;
            output.note(&format!(
                "{} have the masked form of yours; the API does not tell which one it is.",
                plural(candidates.len() as u64, "listed key")
            ));
        }
    }
    Ok(())
}
