//! `rename`: renames a key.

use crate::args::{Global, Rename};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::safe;

pub(super) async fn run(args: Rename, global: &Global, output: &Output) -> Result<(), Failure> {
    let Rename { id, name } = args;
    let key = client::build(global)?.api_keys().update(id, name).send().await?;
    if output.is_json() {
        return Ok(output.print_json(&key)?);
    }
    Ok(output.print(&format!("Renamed {} to {}.", safe(&key.id), safe(&key.name)))?)
}
