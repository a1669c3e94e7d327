//! `delete`: deletes a key after a confirmation.

use std::io::{self, IsTerminal};

use serde_json::json;

use crate::args::{Delete, Global};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::safe;

pub(super) async fn run(args: Delete, global: &Global, output: &Output) -> Result<(), Failure> {
    let Delete { id, yes } = args;
    if !yes && (output.is_json() || !io::stdin().is_terminal()) {
        return Err(Failure::usage(
            "a deletion needs confirmation, and standard input is not a terminal",
        )
        .advise("Confirm it with --yes."));
    }
    let client = client::build(global)?;
    if !yes {
        let key = client.api_keys().get(&id).send().await?;
        output.prompt(&format!(
            "Delete {} ({}, {})? It stops working at once. [y/N]",
            safe(&key.name),
            safe(&key.masked_key),
            safe(&key.id)
        ));
        if !is_yes(&read_line()?) {
            return Err(Failure::new("cancelled: nothing was deleted"));
        }
    }
    client.api_keys().delete(&id).send().await?;
    if output.is_json() {
        return Ok(output.print_json(&json!({ "id": id, "deleted": true }))?);
    }
    Ok(output.print(&format!("Deleted {}.", safe(&id)))?)
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok(line)
}

fn is_yes(reply: &str) -> bool {
    matches!(reply.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_yes_is_yes() {
        assert!(["y", "Y\n", " yes\r\n", "YES"].into_iter().all(super::is_yes));
        assert!(!["", "\n", "n", "yeah", "y y"].into_iter().any(super::is_yes));
    }
}
