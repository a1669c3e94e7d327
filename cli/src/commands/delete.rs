//! `delete`: ends a key, after asking.

use std::io::{self, IsTerminal};

use serde_json::json;

use crate::args::{Delete, Global};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::safe;

pub(super) async fn run(args: Delete, global: &Global, output: &Output) -> Result<(), Failure> {
    let Delete { id, yes } = args;
    if !yes && (output.is_json() || !io::stdin().is_terminal()) {
        return Err(Failure::usage("a deletion must be confirmed, and nobody can be asked here")
            .advise("Add --yes: `kernel-keys delete ID --yes`."));
    }
    let client = connect::client(global)?;
    if !yes {
        let key = client.get_api_key().id(&id).send().await?;
        output.ask(&format!(
            "Delete {} ({}, {})? It stops working at once. [y/N]",
            safe(&key.name),
            safe(&key.masked_key),
            safe(&key.id)
        ));
        if !is_yes(&read_line()?) {
            return Err(Failure::new("nothing was deleted"));
        }
    }
    client.delete_api_key().id(&id).send().await?;
    if output.is_json() {
        return output.answer_json(&json!({ "id": id, "deleted": true }));
    }
    output.answer(&format!("{} is deleted.", safe(&id)))
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("the answer could not be read: {error}")))?;
    Ok(line)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_yes_is_yes() {
        assert!(["y", "Y\n", " yes\r\n", "YES"].into_iter().all(super::is_yes));
        assert!(!["", "\n", "n", "yeah", "y y"].into_iter().any(super::is_yes));
    }
}
