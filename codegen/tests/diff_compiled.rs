//! A caller of the old client is compiled against the new one: a change that the report does not call
//! major leaves every caller as it is. `DIFF_COMPILED_PAIRS` sets how many pairs are tried.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod diff_support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use diff_support::generate::{Spelling, document};
use diff_support::mutate::mutations;
use onkernel_codegen::diff::{Report, Verdict, diff_clients};
use onkernel_codegen::{Client, Document, Features, client_of};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quote::ToTokens;
use serde_json::Value;
use syn::{Item, Visibility};

/// What the exercise expects around it.
const AROUND: &str = r#"#![allow(dead_code, unused_imports, unreachable_patterns, deprecated)]
use onkernel::{Download, EventStream, Response, types};

struct Values;

impl Values {
    fn parameter(&self, _: &str, _: &str) -> Option<serde_json::Value> {
        None
    }
    fn body(&self) -> Option<serde_json::Value> {
        None
    }
}

struct Reply;

impl Reply {
    fn value<T: serde::Serialize>(_: onkernel::StatusCode, _: &T) -> Self {
        Self
    }
    async fn bytes(_: Download) -> Result<Self, onkernel::Error> {
        Ok(Self)
    }
    async fn events<T>(_: EventStream<T>) -> Result<Self, onkernel::Error> {
        Ok(Self)
    }
}

impl<T> From<Response<T>> for Reply {
    fn from(_: Response<T>) -> Self {
        Self
    }
}

fn main() {}
"#;

/// Reads every field into its type, and matches every variant.
fn readings(client: &str) -> String {
    let file = syn::parse_file(client).unwrap();
    let types = file.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    let mut out = String::from("mod readings {\n    use onkernel::types::*;\n");
    for (index, item) in types.unwrap().1.iter().enumerate() {
        match item {
            Item::Struct(it) => {
                out.push_str(&format!("    fn read_{index}(it: {}) {{\n", it.ident));
                let is_public = |it: &&syn::Field| matches!(it.vis, Visibility::Public(_));
                for field in it.fields.iter().filter(is_public) {
                    let (Some(name), ty) = (&field.ident, field.ty.to_token_stream()) else {
                        continue;
                    };
                    let ty = ty.to_string().replace("crate ::", "onkernel ::");
                    out.push_str(&format!("        let _: {ty} = it.{name};\n"));
                }
                out.push_str("    }\n");
            }
            Item::Enum(it) => {
                out.push_str(&format!(
                    "    fn read_{index}(it: {0}) {{\n        match it {{\n",
                    it.ident
                ));
                for variant in &it.variants {
                    let held = if variant.fields.is_empty() { "" } else { "(_)" };
                    out.push_str(&format!(
                        "            {}::{}{held} => {{}}\n",
                        it.ident, variant.ident
                    ));
                }
                out.push_str("            _ => {}\n        }\n    }\n");
            }
            _ => {}
        }
    }
    out + "}\n"
}

/// A crate outside of the workspace that calls a client.
struct Caller {
    folder: tempfile::TempDir,
}

impl Caller {
    fn of(client: &Client) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"dependent\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
                 onkernel = {{ path = {root:?}, default-features = false }}\n\
                 chrono = {{ version = \"0.4\", default-features = false }}\n\
                 futures-util = {{ version = \"0.3\", default-features = false, features = [\"std\"] }}\n\
                 serde = \"1\"\nserde_json = \"1\"\n\n[profile.dev]\ndebug = false\n"
            ),
        );
        let exercise = client.exercise().unwrap();
        write("src/main.rs", &format!("{AROUND}\n{exercise}\n{}", readings(&client.rust())));
        fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        Self { folder }
    }

    /// What the compiler says against it where the client is made of this document; nothing if all is well.
    fn compiled_against(&self, document: &Value) -> Option<String> {
        let spec = self.folder.path().join("api.json");
        fs::write(&spec, document.to_string()).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet"])
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", workspace().join("target/dependent"))
            .env("ONKERNEL_SPEC", &spec)
            .env_remove("ONKERNEL_OVERLAY")
            .output()
            .unwrap();
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn generated(document: &Value) -> Option<(Document, Client)> {
    let document = Document::parse(&document.to_string(), "api.json").ok()?;
    let client = client_of(document.clone(), &Features::by(|_| false)).ok()?;
    Some((document, client))
}

/// Random pairs of documents that can both be generated, and what the report says of each.
fn pairs() -> impl Iterator<Item = (Value, Value, String, Report)> {
    let mut runner = TestRunner::deterministic();
    std::iter::repeat_with(move || {
        let old = document(Spelling::Dialect31).new_tree(&mut runner).unwrap().current();
        let all = mutations(&old);
        let which = (0..all.len()).new_tree(&mut runner).unwrap().current();
        let new = all[which].applied(&old);
        let what = format!("{:?}", all[which]);
        let ((before, _), (now, _)) = (generated(&old)?, generated(&new)?);
        let report = diff_clients(&before, &now);
        Some((old, new, what, report))
    })
    .flatten()
}

#[test]
fn what_is_not_major_compiles_for_every_caller() {
    let count = env::var("DIFF_COMPILED_PAIRS").ok().and_then(|it| it.parse().ok()).unwrap_or(6);
    let not_major = pairs().filter(|(.., report)| report.verdict != Verdict::Major);
    for (old, new, what, report) in not_major.take(count) {
        eprintln!("{} {what}", report.verdict.as_str());
        let caller = Caller::of(&generated(&old).unwrap().1);
        if let Some(error) = caller.compiled_against(&new) {
            let alone = caller.compiled_against(&old);
            panic!("{what}\n{}\n{old}\n{error}\nbefore: {alone:?}", report.to_text());
        }
    }
}

/// The test above can fail: what does not compile is there to be found.
#[test]
fn a_field_that_is_gone_does_not_compile() {
    let (old, new, _, _) = pairs().find(|(.., what, _)| what.contains("property removed")).unwrap();
    let caller = Caller::of(&generated(&old).unwrap().1);
    assert_eq!(caller.compiled_against(&old), None);
    assert!(caller.compiled_against(&new).is_some());
}
