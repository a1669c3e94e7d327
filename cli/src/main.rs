//! `kernel-keys`: the API keys of a Kernel organization, from the command line.

mod args;
mod client;
mod commands;
mod failure;
mod logging;
mod output;
mod program;
mod rotation;
mod signals;
mod stores;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let output = Output::new(args.global.json);
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
