//! The commands that README.md and CONTRIBUTING.md tell a reader to run are those that CI runs.

use super::documented::blocks;
use super::report::Failure;
use crate::files;
use std::path::Path;

const SCRIPT: &str = ".ci/run";

/// Documents, and the heading under which all their `cargo` commands are CI's, too; without one, all
/// above the first heading of a section.
const DOCUMENTS: [(&str, Option<&str>); 2] =
    [("README.md", None), ("CONTRIBUTING.md", Some("## Before a pull request"))];

pub(super) fn check(root: &Path) -> Vec<Failure> {
    let script = match files::read_in(root, SCRIPT) {
        Ok(script) => script,
        Err(error) => {
            return vec![Failure::new(SCRIPT, &error, format!("git checkout -- {SCRIPT}"))];
        }
    };
    let run: Vec<&str> = script.lines().filter_map(command).collect();
    let mut failures = Vec::new();
    for (name, heading) in DOCUMENTS {
        // A missing document is another check's to report.
        let text = files::read_in(root, name).unwrap_or_default();
        let commands: Vec<String> = blocks(section(&text, heading))
            .into_iter()
            .filter(|it| it.starts_with("cargo "))
            .collect();
        if commands.is_empty() && !text.is_empty() {
            let place = heading.map_or("its introduction".to_owned(), |it| format!("`{it}`"));
            let what = format!("shows no `cargo` command in {place}");
            failures.push(Failure::new(name, &what, "show how to run the tests"));
        }
        for command in commands.iter().filter(|command| !run.contains(&command.as_str())) {
            let what = format!("shows `{command}`, which {SCRIPT} does not run");
            let repair =
                format!("write the command as {SCRIPT} has it, or add `step {command}` there");
            failures.push(Failure::new(name, &what, repair));
        }
    }
    failures
}

/// The command of a line `step …` of the script, without variables that are set for it.
fn command(line: &str) -> Option<&str> {
    let mut rest = line.trim_start().strip_prefix("step ")?;
    if let Some(after) = rest.strip_prefix("env ") {
        rest = after;
        while let Some((word, after)) = rest.split_once(' ') {
            if !word.contains('=') {
                break;
            }
            rest = after;
        }
    }
    Some(rest.trim_end())
}

fn section<'a>(text: &'a str, heading: Option<&str>) -> &'a str {
    let start = match heading {
        Some(heading) => match text.find(&format!("{heading}\n")) {
            Some(at) => at + heading.len(),
            None => return "",
        },
        None => 0,
    };
    let rest = &text[start..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    fn tree(test_command: &str) -> Tree {
        let tree = Tree::new();
        let script = "step cargo test --workspace\nstep env A=b C=d cargo run -p x -- demo\n";
        tree.write(SCRIPT, script);
        let readme = format!(
            "# A\n\n```sh\n{test_command}\n```\n\n```sh\ncargo run -p x -- demo\n```\n\n## Install\n\n```sh\ncargo add a\n```\n"
        );
        tree.write("README.md", &readme);
        tree
    }

    #[test]
    fn the_same_commands_are_fine() {
        assert_eq!(check(tree("cargo test --workspace").root()), []);
    }

    #[test]
    fn a_command_that_ci_does_not_run_is_named() {
        let failures = check(tree("cargo test --workspace --all-features").root());
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].file, "README.md");
        assert!(failures[0].what.contains("`cargo test --workspace --all-features`"));
        assert!(failures[0].what.contains(SCRIPT));
    }

    #[test]
    fn a_section_without_commands_is_named() {
        let tree = tree("cargo test --workspace");
        tree.write("CONTRIBUTING.md", "# B\n\n## Before a pull request\n\nAsk.\n");
        let failures = check(tree.root());
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].what.contains("Before a pull request"), "{failures:?}");
    }
}
