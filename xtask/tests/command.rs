//! The commands as programs: exit codes, formats, any folder.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn xtask(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n", "\n")
}

fn pair() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("old.yml", "openapi: 3.1.0\npaths:\n  /a:\n    get: {}\n");
    write("new.json", r#"{"openapi": "3.0.3", "paths": {"/a": {"get": {}, "post": {}}}}"#);
    write("broken.yml", "openapi: [");
    folder
}

#[test]
fn two_documents_are_compared_in_three_formats() {
    let folder = pair();
    let run = |format: &str| {
        let output = xtask(folder.path(), &["diff", "old.yml", "new.json", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(run("text"), "minor: 1 additive\n\nPOST /a\n  additive       operation added\n");
    assert_eq!(
        run("markdown"),
        "minor: 1 additive\n\n**POST /a**\n\n- additive: operation added\n"
    );
    assert_eq!(
        run("json"),
        "{\n  \"verdict\": \"minor\",\n  \"changes\": [\n    {\n      \"operation\": \"POST /a\",\n      \
         \"pointer\": \"/paths/~1a/post\",\n      \"message\": \"operation added\",\n      \
         \"effect\": \"additive\"\n    }\n  ]\n}\n"
    );
}

#[test]
fn the_exit_code_says_whether_a_change_is_as_grave_as_asked() {
    let folder = pair();
    let code = |old: &str, new: &str, limit: &str| {
        xtask(folder.path(), &["diff", old, new, "--fail-on", limit]).status.code()
    };
    assert_eq!(code("old.yml", "new.json", "breaking"), Some(0));
    assert_eq!(code("new.json", "old.yml", "breaking"), Some(1));
    assert_eq!(code("old.yml", "new.json", "additive"), Some(1));
    assert_eq!(code("old.yml", "old.yml", "documentation"), Some(0));
}

/// What the build adds to every document is no difference between two of them.
#[test]
fn documents_are_compared_with_all_overlays_applied() {
    let folder = TempDir::new().unwrap();
    let bundled =
        fs::read_to_string(support::workspace().join(onkernel_codegen::DOCUMENT)).unwrap();
    let file = |name: &str, format: &str| {
        let with = format!(
            "paths:\n  /credentials/{{id_or_name}}/totp-code:\n    get:\n      parameters:\n        \
             - {{name: id_or_name, in: path, required: true, schema: {{type: string}}}}\n      \
             responses:\n        '200':\n          description: ''\n          content:\n            \
             application/json:\n              schema: {{type: object, properties: \
             {{code: {{type: string{format}}}}}}}\n"
        );
        fs::write(folder.path().join(name), bundled.replacen("paths:\n", &with, 1)).unwrap();
    };
    file("old.yml", "");
    file("new.yml", ", format: password");
    let output = xtask(folder.path(), &["diff", "old.yml", "new.yml"]);
    assert_eq!(text(&output.stdout), "none: the documents say the same\n");
}

#[test]
fn wrong_usage_exits_with_2_and_says_so_on_standard_error() {
    let folder = pair();
    for arguments in [
        &["diff", "old.yml"][..],
        &["diff", "old.yml", "nowhere.yml"],
        &["diff", "old.yml", "broken.yml"],
        &["regen", "--from", "nowhere.yml"],
        &["regen", "--from", "http://example.com/spec.yml"],
        &["publish"],
    ] {
        let output = xtask(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
    }
}

#[test]
fn the_workspace_is_found_from_any_folder_and_nothing_is_coloured() {
    let folder = TempDir::new().unwrap();
    let bundled = support::workspace().join("spec/openapi.documented.yml");
    let output = xtask(folder.path(), &["regen", "--dry-run", "--from", bundled.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("none: the documents say the same\n"));
    assert!(!output.stdout.contains(&b'\x1b'));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}
