//! What each command does.

mod create;
mod delete;
mod demo;
mod get;
mod list;
mod rename;
mod serve;
mod whoami;

use chrono::Utc;

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::output::Output;

/// Runs the command of a command line.
pub(crate) async fn run(args: Args, output: &Output) -> Result<(), Failure> {
    let Args { global, command } = args;
    let now = Utc::now();
    match command {
        Command::Create(create) => create::run(create, &global, output).await,
        Command::Whoami => whoami::run(&global, output, now).await,
        Command::List(list) => list::run(list, &global, output, now).await,
        Command::Get(get) => get::run(get, &global, output, now).await,
        Command::Rename(rename) => rename::run(rename, &global, output).await,
        Command::Delete(delete) => delete::run(delete, &global, output).await,
        Command::Serve(serve) => serve::run(serve, output).await,
        Command::Demo => demo::run(output).await,
    }
}
