//! A second judge of what breaks callers: `cargo semver-checks` on the two generated clients, for a
//! sample of pairs. `CARGO_SEMVER_CHECKS` names the program; `tests/real/semver/run` sets it.
//!
//! What it finds breaking, the report must call major. The other way round holds but for what it does
//! not compare: types of fields and returned types, and what is only said over HTTP. Those
//! cases are listed, so that a version of it that knows more fails here.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod diff_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use diff_support::case::{Case, read};
use onkernel_codegen::Document;
use onkernel_codegen::diff::{Verdict, diff_clients};
use serde_json::Value;

/// Cases in `diff/cases`, and why `cargo semver-checks` finds nothing where the report says major:
/// forwards and backwards.
const SAMPLE: [(&str, [Option<&str>; 2]); 12] = [
    ("operation-added", [None, None]),
    ("operation-renamed-by-id", [None, None]),
    ("parameter-optional-added", [None, None]),
    ("parameter-required-added", [None, None]),
    ("request-required", [None, None]),
    ("request-value-renamed", [None, None]),
    ("response-described", [None, None]),
    ("response-optional-property-added", [Some(TYPES), None]),
    ("response-required", [Some(TYPES), Some(TYPES)]),
    ("response-retyped", [Some(TYPES), Some(TYPES)]),
    ("response-value-added", [None, None]),
    ("response-variant-added", [None, None]),
];

const TYPES: &str = "it does not compare the types of fields and of what is returned";

/// The clients of documents, as `rustdoc` describes them.
struct Clients {
    folder: tempfile::TempDir,
    by_document: BTreeMap<String, PathBuf>,
}

impl Clients {
    fn described(&mut self, document: &Value) -> PathBuf {
        let text = document.to_string();
        if let Some(known) = self.by_document.get(&text) {
            return known.clone();
        }
        let name = self.by_document.len();
        let spec = self.folder.path().join(format!("{name}.yml"));
        fs::write(&spec, &text).unwrap();
        let target = workspace().join("target/semver");
        // The description is not stable, so that the stable compiler wants to be told twice.
        let status = Command::new(env!("CARGO"))
            .args(["rustdoc", "--quiet", "--package", "onkernel", "--lib", "--no-default-features"])
            .args(["--", "-Zunstable-options", "--output-format", "json", "--cap-lints", "allow"])
            .current_dir(workspace())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("ONKERNEL_SPEC", &spec)
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTDOCFLAGS")
            .status()
            .unwrap();
        assert!(status.success(), "{text}");
        let described = self.folder.path().join(format!("{name}.json"));
        fs::copy(target.join("doc/onkernel.json"), &described).unwrap();
        self.by_document.insert(text, described.clone());
        described
    }
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What `cargo semver-checks` finds breaking, if it does.
fn found(program: &str, old: &Path, new: &Path) -> Option<String> {
    let output = Command::new(program)
        .args(["semver-checks", "--release-type", "minor", "--baseline-rustdoc"])
        .arg(old)
        .arg("--current-rustdoc")
        .arg(new)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let steps = String::from_utf8_lossy(&output.stderr);
    assert!(steps.contains("Summary") || output.status.success(), "{steps}");
    (!output.status.success()).then_some(said)
}

#[test]
fn the_verdict_agrees_with_cargo_semver_checks() {
    let Ok(program) = env::var("CARGO_SEMVER_CHECKS") else {
        eprintln!("SKIPPED: CARGO_SEMVER_CHECKS names no cargo-semver-checks");
        return;
    };
    let mut clients =
        Clients { folder: tempfile::tempdir().unwrap(), by_document: BTreeMap::new() };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff");
    let base: Value = read(&folder.join("base.yml"));
    let mut disagreements = Vec::new();
    for (name, silent) in SAMPLE {
        let case: Case = read(&folder.join(format!("cases/{name}.yml")));
        let [old, new] = [&case.old, &case.new].map(|it| case.document(&base, it.as_ref()));
        for (way, from, to, silent) in
            [("forwards", &old, &new, silent[0]), ("backwards", &new, &old, silent[1])]
        {
            let parsed = |it: &Value| Document::parse(&it.to_string(), "api.yml").unwrap();
            let report = diff_clients(&parsed(from), &parsed(to));
            let major = report.verdict == Verdict::Major;
            let (from, to) = (clients.described(from), clients.described(to));
            let found = found(&program, &from, &to);
            if found.is_some() != (major && silent.is_none()) {
                let found = found.unwrap_or_default();
                disagreements.push(format!("{name} {way}: {}\n{found}", report.to_text()));
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n\n"));
}
