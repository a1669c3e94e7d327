//! `cargo xtask`: what a maintainer does with one command. See CONTRIBUTING.md.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser;
use std::path::Path;
use std::process::ExitCode;
use xtask::args::Cli;
use xtask::command::run;

fn main() -> ExitCode {
    // The workspace, wherever cargo was called.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match run(Cli::parse(), root) {
        Ok(outcome) => {
            print!("{}", outcome.text);
            ExitCode::from(outcome.code)
        }
        Err(error) => {
            eprint!("{error}");
            ExitCode::from(error.code)
        }
    }
}
