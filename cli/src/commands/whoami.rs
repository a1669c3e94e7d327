//! `whoami`: which of the listed keys is the one in use.

use chrono::{DateTime, Utc};
use onkernel::ApiKeysExt;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::plural;
use crate::{connect, show};

pub(super) async fn run(
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let keys = connect::client(global)?.matching_api_keys().await?;
    if keys.is_empty() {
        return Err(Failure::new("the key works, but no listed key has its masked form").advise(
            "With --project only that project's keys are listed: leave it out to see all that this key can see.",
        ));
    }
    if output.is_json() {
        return output.answer_json(&json!({ "certain": keys.len() == 1, "candidates": keys }));
    }
    match &keys[..] {
        [key] => {
            output.answer(&show::details(key, now, output.style()))?;
            output.note("The only listed key with the masked form of the one in use.");
        }
        _ => {
            output.answer(&show::table(&keys, now).render(output.width(), output.style()))?;
            output.note(&format!(
                "{} have the masked form of the one in use; nothing in the API tells which it is.",
                plural(keys.len() as u64, "listed key")
            ));
        }
    }
    Ok(())
}
