//! `rename`: another name for a key.

use crate::args::{Global, Rename};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::safe;

pub(super) async fn run(args: Rename, global: &Global, output: &Output) -> Result<(), Failure> {
    let Rename { id, name } = args;
    let call = connect::client(global)?.update_api_key().id(id);
    let key = call.body_map(|body| body.name(name)).send().await?.into_value();
    if output.is_json() {
        return output.answer_json(&key);
    }
    output.answer(&format!("{} is now called {}.", safe(&key.id), safe(&key.name)))
}
