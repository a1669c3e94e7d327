//! Every program of the documentation, that of the source and that which is generated, compiles in a
//! crate that has exactly the dependencies that the README says to add.

use std::fs;
use std::path::{Path, PathBuf};

use crate::outside::{Outside, root};
use crate::readme::dependencies;

/// The sources in a folder, and in those below it.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
}

/// The blocks of Rust in the documentation of a source, each as a module of its own.
fn programs(source: &str) -> Vec<String> {
    let mut programs = Vec::new();
    let mut block: Option<String> = None;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(text) = line.strip_prefix("///").or(line.strip_prefix("//!")) else { continue };
        let text = text.strip_prefix(' ').unwrap_or(text);
        match &mut block {
            None if text == "```" || text.starts_with("```no_run") => block = Some(String::new()),
            // The end of what is no Rust begins nothing.
            None if text.starts_with("```") => block = Some("text".to_owned()),
            None => {}
            Some(program) if text == "```" => {
                if program.starts_with("text") {
                    block = None;
                    continue;
                }
                let is_whole = program.contains("fn main(") || program.contains("fn example(");
                programs.push(match is_whole {
                    true => program.clone(),
                    false => format!("fn main() {{ let _ = || {{\n{program}\n}}; }}"),
                });
                block = None;
            }
            Some(program) => {
                let text = if text == "#" { "" } else { text.strip_prefix("# ").unwrap_or(text) };
                program.push_str(text);
                program.push('\n');
            }
        }
    }
    programs
}

#[test]
fn every_program_of_the_documentation_compiles_with_what_the_readme_says_to_add() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("OUT_DIR"), "/client")), &mut files);
    sources(&root().join("src"), &mut files);
    let programs: Vec<String> =
        files.iter().flat_map(|file| programs(&fs::read_to_string(file).unwrap())).collect();
    assert!(programs.len() > 200, "{} programs only", programs.len());

    // Whatever resources and stores they are about.
    let all = r#""full", "postgres", "store-aws", "store-kubernetes", "store-vault""#;
    let dependencies = dependencies(&readme).replacen("\"browsers\"", all, 1);
    assert!(dependencies.contains("full"), "{dependencies}");
    let outside = Outside::new(&dependencies);
    let modules = programs
        .iter()
        .enumerate()
        .map(|(number, program)| format!("mod program_{number} {{\n{program}\n}}\n"));
    let allowed = "#![allow(dead_code, deprecated, unused)]\nfn main() {}\n";
    outside.write("src/main.rs", &format!("{allowed}{}", modules.collect::<String>()));
    let output = outside.check("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
