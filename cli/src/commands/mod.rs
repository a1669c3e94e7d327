//! The commands, a file each.

mod audit;
mod config;
mod create;
mod delete;
mod demo;
mod doctor;
mod get;
mod journals;
mod list;
mod reference;
mod rename;
mod rotate;
mod rotate_all;
mod serve;
mod stores;
mod whoami;

use chrono::Utc;

use crate::args::{Args, Command, StoreAction};
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
        Command::Rotate(rotate) => rotate::run(*rotate, &global, output).await,
        Command::Resume(resume) => journals::resume::run(*resume, &global, output).await,
        Command::Sweep(sweep) => journals::sweep::run(sweep, &global, output).await,
        Command::Audit(audit) => audit::run(*audit, &global, output, now).await,
        Command::RotateAll(all) => rotate_all::run(*all, &global, output).await,
        Command::Stores => stores::run(output),
        Command::Store(store) => match store.command {
            StoreAction::Test { store } => stores::test::run(&store, output).await,
        },
        Command::Doctor(doctor) => doctor::run(doctor, global, output).await,
        #[cfg(feature = "postgres")]
        Command::Fleet(fleet) => journals::fleet::run(&fleet.command, output).await,
        #[cfg(feature = "postgres")]
        Command::Ledger(ledger) => journals::ledger::run(ledger.command, output).await,
        Command::Config(config) => config::run(config, &global, output),
        Command::Completions(completions) => reference::completions(&completions, output),
        Command::Man(man) => reference::man(man, output),
        Command::Serve(serve) => serve::run(serve, output).await,
        Command::Demo => demo::run(output).await,
    }
}
