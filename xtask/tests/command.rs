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
    let nothing = r#"{"responses": {"204": {"description": ""}}}"#;
    write("old.yml", &format!("openapi: 3.1.0\npaths:\n  /a:\n    get: {nothing}\n"));
    let paths = format!(r#"{{"/a": {{"get": {nothing}, "post": {nothing}}}}}"#);
    write("new.json", &format!(r#"{{"openapi": "3.0.3", "paths": {paths}}}"#));
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
    let both = "for callers of this crate: minor (1 additive)\n\
                for anyone who speaks HTTP: minor (1 additive)\n\n";
    let rust = "2 items added\n";
    assert_eq!(
        run("text"),
        format!(
            "{both}POST /a\n  additive       operation added\n\nGenerated Rust\n  additive       {rust}"
        )
    );
    assert_eq!(
        run("markdown"),
        format!(
            "for callers of this crate: minor (1 additive)\n\nfor anyone who speaks HTTP: minor (1 additive)\n\n**POST /a**\n\n- additive: operation added\n\n**Generated Rust**\n\n- additive: {rust}"
        )
    );
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!((&json["verdict"], &json["http_verdict"]), (&"minor".into(), &"minor".into()));
    assert_eq!(
        json["changes"][0],
        serde_json::json!({
            "operation": "POST /a",
            "pointer": "/paths/~1a/post",
            "message": "operation added",
            "effect": "additive",
            "http_effect": "additive",
        })
    );
    assert_eq!(json["changes"].as_array().unwrap().len(), 3);
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
    let ours = support::workspace().join(onkernel_codegen::DOCUMENT);
    let bundled = fs::read_to_string(&ours).unwrap();
    // The vendor's own document does not say that a one-time code is a secret; whole-api.overlay.yml does.
    let (before, operation) =
        bundled.split_once("  /credentials/{id_or_name}/totp-code:\n").unwrap();
    let operation = operation.replacen("                    format: password\n", "", 1);
    let path = "  /credentials/{id_or_name}/totp-code:\n";
    fs::write(folder.path().join("theirs.yml"), format!("{before}{path}{operation}")).unwrap();
    let output = xtask(folder.path(), &["diff", "theirs.yml", ours.to_str().unwrap()]);
    assert_eq!(
        text(&output.stdout),
        "none: the documents say the same\n",
        "{}",
        text(&output.stderr)
    );
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
