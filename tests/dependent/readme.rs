//! Every program of the README, and of the page for those who come from Python, compiles in a crate that
//! has exactly the dependencies that the README says to add.

use std::fs;

use crate::outside::{Outside, root};

/// How the README says to add a crate without its defaults: another way to have it.
const WITHOUT_DEFAULTS: &str = "--no-default-features --features ";

/// The lines of `cargo add`, as they stand in a manifest.
pub(crate) fn dependencies(readme: &str) -> String {
    let mut lines = Vec::new();
    let added = readme.lines().filter_map(|line| line.strip_prefix("cargo add "));
    for line in added.filter(|line| !line.contains(WITHOUT_DEFAULTS)) {
        let words: Vec<_> = line.split_whitespace().filter(|word| *word != "--dev").collect();
        let [name, options @ ..] = words.as_slice() else {
            panic!("`cargo add {line}` adds nothing")
        };
        let features = match options {
            [] => Vec::new(),
            ["--features", features] => features.split(',').map(str::to_owned).collect(),
            other => panic!("`cargo add {line}`: teach this test what {other:?} means"),
        };
        let from = match *name {
            "onkernel" => format!("path = {:?}", root()),
            _ => "version = \"*\"".to_owned(),
        };
        lines.push((name.to_string(), from, features));
    }
    let mut merged: Vec<(String, String, Vec<String>)> = Vec::new();
    for (name, from, features) in lines {
        match merged.iter_mut().find(|it| it.0 == name) {
            Some(known) => known.2.extend(features),
            None => merged.push((name, from, features)),
        }
    }
    let line = |(name, from, features): &(String, String, Vec<String>)| {
        format!("{name} = {{ {from}, features = {features:?} }}\n")
    };
    merged.iter().map(line).collect()
}

/// The blocks of Rust, hidden lines included, as programs.
fn programs(readme: &str) -> Vec<String> {
    let mut programs = Vec::new();
    let mut block: Option<String> = None;
    for line in readme.lines() {
        match &mut block {
            None if line.starts_with("```rust") => block = Some(String::new()),
            None => {}
            Some(program) if line == "```" => {
                if !program.contains("fn main()") {
                    program.push_str("fn main() {}\n");
                }
                programs.extend(block.take());
            }
            Some(program) => {
                let line = if line == "#" { "" } else { line.strip_prefix("# ").unwrap_or(line) };
                program.push_str(line);
                program.push('\n');
            }
        }
    }
    programs
}

#[test]
fn every_program_of_the_readme_compiles_with_what_the_readme_says_to_add() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let page = fs::read_to_string(root().join("docs/from-python.md")).unwrap();
    let (mut programs, of_page) = (programs(&readme), programs(&page));
    assert!(programs.len() > 5 && !of_page.is_empty(), "programs were not found");
    programs.extend(of_page);
    let outside = Outside::new(&format!(
        "{}\n[features]\ndefault = [\"rotation\", \"testing\"]\nrotation = []\ntesting = []\n",
        dependencies(&readme)
    ));
    for (number, program) in programs.iter().enumerate() {
        let allowed = "#![allow(dead_code)]\n";
        outside.write(&format!("src/bin/readme_{number}.rs"), &format!("{allowed}{program}"));
    }
    let output = outside.check("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_program_that_calls_compiles_without_the_defaults_as_the_readme_says() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let line = format!("cargo add onkernel {WITHOUT_DEFAULTS}");
    let features = readme.lines().find_map(|it| it.strip_prefix(&line)).expect("no such line");
    let features: Vec<_> = features.split(',').collect();
    let outside = Outside::new(&format!(
        "onkernel = {{ path = {:?}, default-features = false, features = {features:?} }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n",
        root(),
    ));
    let program = programs(&readme).into_iter().find(|it| it.contains("#[tokio::main]"));
    outside.write("src/bin/program.rs", &program.unwrap());
    let output = outside.check("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
