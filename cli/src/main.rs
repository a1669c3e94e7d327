//! `kernel-keys`: the API keys of a Kernel organization, from the command line.

mod args;
mod ask;
mod client;
mod commands;
mod failure;
mod logging;
mod output;
mod program;
mod rotation;
mod settings;
mod signals;
mod stores;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let mut args = match args::parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    if let Err(failure) = args.complete() {
        return failure.report(&Output::new(args.global.format()));
    }
    let output = Output::new(args.global.format());
    if let Some(overridden) = args.overridden() {
        output.note(&overridden);
    }
    logging::start(args.global.verbose);
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the program could not start: {error}")))
        .and_then(|runtime| runtime.block_on(commands::run(args, &output)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&output),
    }
}
