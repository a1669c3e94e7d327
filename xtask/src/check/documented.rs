//! The commands and options that the documentation shows exist, and the README names every command.
//!
//! What `kernel-keys` understands is read from the snapshots of its help, which its own tests keep
//! fresh; what `cargo xtask` understands from its definition.

use super::report::Failure;
use crate::args::Cli;
use crate::files;
use clap::CommandFactory;
use std::collections::BTreeSet;
use std::path::Path;

const README: &str = "README.md";
/// And every page of `docs/`.
const DOCUMENTATION: [&str; 4] = [README, "CONTRIBUTING.md", "ARCHITECTURE.md", "spec/README.md"];
const PAGES: [&str; 2] = ["docs", "docs/stores"];
const HELP: &str = "cli/tests/cli/snapshots/cli__help__help";

pub(super) fn check(root: &Path) -> Vec<Failure> {
    let mut failures = Vec::new();
    let keys = files::read_in(root, &format!("{HELP}.snap"));
    if let Err(error) = &keys {
        let repair = "INSTA_UPDATE=always cargo test -p kernel-keys";
        failures.push(Failure::new(format!("{HELP}.snap"), error, repair));
    }
    for name in DOCUMENTATION.map(str::to_owned).into_iter().chain(pages(root)) {
        let name = name.as_str();
        let Ok(text) = files::read_in(root, name) else {
            failures.push(Failure::new(name, "is missing", format!("git checkout -- {name}")));
            continue;
        };
        for code in codes(&text) {
            if let (Some(mut call), Ok(keys)) = (Call::of(&code, "kernel-keys"), &keys) {
                let own = files::read_in(root, &format!("{HELP}-{}.snap", call.command));
                if own.is_err() {
                    // Its help is not among the snapshots.
                    call.options.clear();
                }
                let known = options(&[keys.as_str(), own.as_deref().unwrap_or_default()]);
                failures.extend(call.problem(&commands(keys), &known).map(|what| {
                    let repair = format!("correct {name}, or `cargo run -p kernel-keys -- help`");
                    Failure::new(name, &what, repair)
                }));
            }
            if let Some(call) = Call::of(&code, "cargo xtask") {
                failures.extend(call.problem_with_ours().map(|what| {
                    Failure::new(name, &what, format!("correct {name}, or `cargo xtask help`"))
                }));
            }
        }
    }
    if let (Ok(keys), Ok(readme)) = (&keys, files::read_in(root, README)) {
        let (commands, codes) = (commands(keys), codes(&readme));
        failures.extend(unmentioned(&commands, &codes).map(|command| {
            let what = format!("does not mention `kernel-keys {command}`");
            Failure::new(README, &what, format!("add `{command}` to {README}"))
        }));
    }
    failures
}

/// The pages, in order.
fn pages(root: &Path) -> Vec<String> {
    let of = |folder: &str| {
        let files = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let names = files.map(|file| format!("{folder}/{}", file.file_name().to_string_lossy()));
        names.filter(|name| name.ends_with(".md")).collect::<Vec<_>>()
    };
    let mut pages: Vec<_> = PAGES.into_iter().flat_map(of).collect();
    pages.sort();
    pages
}

/// The commands that no code names.
fn unmentioned<'a>(
    commands: &'a [String],
    codes: &'a [String],
) -> impl Iterator<Item = &'a String> {
    let words: BTreeSet<_> = codes.iter().flat_map(|code| code.split_whitespace()).collect();
    commands.iter().filter(move |it| *it != "help" && !words.contains(it.as_str()))
}

/// What stands in backquotes or, line by line, in a block of code.
fn codes(markdown: &str) -> Vec<String> {
    let mut inside = false;
    let mut codes = blocks(markdown);
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            codes.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    codes
}

/// The lines in blocks of code.
pub(super) fn blocks(markdown: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// A command as the documentation shows it.
struct Call {
    program: &'static str,
    command: String,
    options: Vec<String>,
}

impl Call {
    fn of(code: &str, program: &'static str) -> Option<Self> {
        // A comment behind a command is prose.
        let code = code.split(" #").next().unwrap_or_default();
        let (_, rest) = code.split_once(program)?;
        // `kernel-keys.toml` is no call, `cargo run -p kernel-keys -- demo` is.
        let rest = rest.strip_prefix(' ')?;
        let mut words = rest.split_whitespace().filter(|word| *word != "--").peekable();
        let is_command = |word: &&str| {
            word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')
        };
        let command = words.next_if(is_command)?.to_owned();
        let options = words
            .take_while(|word| !matches!(*word, "|" | "&&" | ";"))
            .map(|word| word.trim_start_matches('['))
            .filter(|word| word.starts_with("--"))
            .map(|word| word.split(['=', ']', '`']).next().unwrap_or_default().to_owned())
            .collect();
        Some(Self { program, command, options })
    }

    fn problem(&self, commands: &[String], options: &[String]) -> Option<String> {
        let Self { program, command, .. } = self;
        if !commands.contains(command) {
            return Some(format!("shows `{program} {command}`, which does not exist"));
        }
        let unknown = self.options.iter().find(|option| !options.contains(option))?;
        Some(format!("shows `{program} {command} {unknown}`, an option that does not exist"))
    }

    fn problem_with_ours(&self) -> Option<String> {
        let cli = Cli::command();
        let commands: Vec<_> = cli
            .get_subcommands()
            .map(|it| it.get_name().to_owned())
            .chain(["help".to_owned()])
            .collect();
        let command = cli.find_subcommand(&self.command);
        let options: Vec<_> = command
            .into_iter()
            .flat_map(clap::Command::get_arguments)
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
        self.problem(&commands, &options)
    }
}

/// The commands that a help lists.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// The options that helps name.
fn options(helps: &[&str]) -> Vec<String> {
    let words = helps.iter().flat_map(|help| help.split_whitespace());
    words
        .map(|word| word.trim_matches([',', '[', ']', '.']))
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}
