//! `completions` and `man`: what clap makes of the command line's definition.

use std::fs;
use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{self, Args, Completions};
use crate::failure::Failure;
use crate::output::Output;

/// What one half of the script for bash calls the program, and what the other does: clap takes the hyphen
/// of its name for the begin of a command, and then completes nothing after one (clap's issue 6421).
const MISSPELT: (&str, &str) = ("kernel__subcmd__keys", "kernel__keys");

/// What a shell completes.
pub(super) fn completions(args: &Completions, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "kernel-keys", &mut script);
    let script = String::from_utf8_lossy(&script).replace(MISSPELT.0, MISSPELT.1);
    Ok(output.write(&script, false)?)
}

/// The manual, a page a command.
pub(super) fn man(args: args::Man, output: &Output) -> Result<(), Failure> {
    let mut program = Args::command();
    program.build();
    let Some(dir) = args.dir else {
        let page = page(program.clone()).map_err(|error| cannot(&error))?;
        return Ok(output.write(&String::from_utf8_lossy(&page), false)?);
    };
    fs::create_dir_all(&dir).map_err(|error| cannot(&error))?;
    let mut pages = vec![("kernel-keys".to_owned(), program)];
    while let Some((name, command)) = pages.pop() {
        // Help is no command of its own.
        let shown = command.get_subcommands().filter(|one| one.get_name() != "help");
        pages.extend(shown.map(|one| (format!("{name}-{}", one.get_name()), one.clone())));
        let page = page(command.clone()).map_err(|error| cannot(&error))?;
        fs::write(dir.join(format!("{name}.1")), page).map_err(|error| cannot(&error))?;
    }
    output.note(&format!("The pages are in {}.", dir.display()));
    Ok(())
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

fn cannot(error: &io::Error) -> Failure {
    Failure::new(format!("cannot write the manual: {error}"))
}
