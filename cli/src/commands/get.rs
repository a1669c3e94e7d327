//! `get`: shows one key.

use chrono::{DateTime, Utc};

use crate::args::{Get, Global};
use crate::client;
use crate::failure::Failure;
use crate::output::columns::{self, Row};
use crate::output::keys;
use crate::output::{Format, Output};

pub(super) async fn run(
    args: Get,
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut call = client::build(global)?.api_keys().get(args.id);
    if args.include_deleted {
        call = call.include_deleted(true);
    }
    let key = call.send().await?;
    if output.format() == Format::Csv {
        let columns = columns::chosen(&[], columns::OF_KEYS);
        output.print(&columns::csv_header(&columns))?;
        return Ok(output.print(&columns::csv_row(&columns, &Row::from(&key)))?);
    }
    if output.is_json() {
        return Ok(output.print_json(&key)?);
    }
    Ok(output.print(&keys::details(&key, now, output.style()))?)
}
