//! `delete`: deletes a key after a confirmation.

use serde_json::json;

use crate::args::{Delete, Global};
use crate::ask;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::safe;

pub(super) async fn run(args: Delete, global: &Global, output: &Output) -> Result<(), Failure> {
    let Delete { id, yes } = args;
    if !yes && !ask::is_possible(output) {
        return Err(Failure::usage(
            "a deletion needs confirmation, and there is no terminal to ask on",
        )
        .advise("Confirm it with --yes."));
    }
    let client = client::build(global)?;
    if !yes {
        let key = client.api_keys().get(&id).send().await?;
        let question = format!(
            "Delete {} ({}, {})? It stops working at once. [y/N]",
            safe(&key.name),
            safe(&key.masked_key),
            safe(&key.id)
        );
        if !ask::line(output, &question)?.is_some_and(|reply| ask::is_yes(&reply)) {
            return Err(Failure::new("cancelled: nothing was deleted"));
        }
    }
    client.api_keys().delete(&id).send().await?;
    if output.is_json() {
        return Ok(output.print_json(&json!({ "id": id, "deleted": true }))?);
    }
    Ok(output.print(&format!("Deleted {}.", safe(&id)))?)
}
