//! `get`: one key in full.

use chrono::{DateTime, Utc};

use crate::args::{Get, Global};
use crate::failure::Failure;
use crate::output::Output;
use crate::{connect, show};

pub(super) async fn run(
    args: Get,
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut call = connect::client(global)?.get_api_key().id(args.id);
    if args.include_deleted {
        call = call.include_deleted(true);
    }
    let key = call.send().await?.into_value();
    if output.is_json() {
        return output.answer_json(&key);
    }
    output.answer(&show::details(&key, now, output.style()))
}
