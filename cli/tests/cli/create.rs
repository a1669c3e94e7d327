//! `create`: the plaintext ends up where it was wanted, or there is no key.

use std::fs::{self, File};

use onkernel::testing::Fault;
use serde_json::json;

use crate::support::{Bench, assert_mentions, run, run_unread};

#[test]
fn the_plaintext_stands_alone_on_standard_output() {
    let bench = Bench::new();
    let ran = bench.run(["create", "ci", "--days", "30"]);
    let key = bench.last();
    assert_eq!(ran.done(), key.plaintext());
    assert_mentions(&ran.err, &["Created ci", &key.id, "org-wide", "expires in 30 days"]);
    assert!(!ran.err.contains(key.plaintext()));
    assert_eq!(key.expires_at, Some(key.created_at + chrono::Duration::days(30)));
}

#[test]
fn json_holds_the_plaintext_and_the_key() {
    let bench = Bench::new();
    let ran = bench.run(["--json", "create", "ci", "--never", "--project-id", "proj_1"]);
    let key = bench.last();
    let printed = ran.json();
    assert_eq!(printed["key"], key.plaintext());
    assert_eq!(printed["id"], key.id);
    assert_eq!(printed["project_id"], "proj_1");
    assert_eq!(printed["expires_at"], json!(null));
    assert_eq!(ran.err, "");
}

#[test]
fn a_policy_comes_from_a_file() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    let args = ["create", "ci", "--policy", path.to_str().unwrap()];

    assert_mentions(bench.run(args).failed(2), &["policy.json", "cannot be read"]);
    fs::write(&path, r#"{"statements": [{"action": "browsers:use"}]}"#).unwrap();
    assert_mentions(bench.run(args).failed(2), &["resource", "line 1"]);
    let denied = r#"{"statements": [{"action": "*", "resource": "*", "effect": "deny"}]}"#;
    fs::write(&path, denied).unwrap();
    assert_mentions(bench.run(args).failed(2), &["does not know"]);
    assert_eq!(bench.server.keys().len(), 1, "no key was made of a doubtful policy");

    let policy = json!({ "statements": [{ "action": "browsers:use", "resource": "projects/*" }] });
    fs::write(&path, policy.to_string()).unwrap();
    bench.run(args).done();
    assert_eq!(serde_json::to_value(bench.last().policy).unwrap(), policy);
}

#[test]
fn a_store_gets_the_plaintext_and_standard_output_does_not() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for json in [false, true] {
        let path = folder.path().join(format!("key-{json}"));
        let store = format!("file:{}", path.display());
        let mut command = bench.command(["create", "ci", "--store", &store]);
        let ran = run(if json { command.arg("--json") } else { &mut command });
        let key = bench.last();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", key.plaintext()));
        if json {
            assert_eq!(ran.json()["store"], store);
            assert_eq!(ran.json().get("key"), None);
        } else {
            assert_eq!(ran.done(), "");
            assert_mentions(&ran.err, &[&key.id, &store]);
        }
        assert!(!format!("{ran:?}").contains(key.plaintext()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_store_that_cannot_be_written_is_known_before_the_key_exists() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    let store = format!("file:{}", taken.display());
    let ran = bench.run(["create", "ci", "--store", &store]);
    assert_mentions(ran.failed(1), &["already exists", "only copy"]);
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");

    let store = format!("file:{}/none/key", folder.path().display());
    assert_mentions(bench.run(["create", "ci", "--store", &store]).failed(1), &["folder"]);
    assert_mentions(bench.run(["create", "ci", "--store", "vault:x"]).failed(2), &["file:PATH"]);
    assert_eq!(bench.server.log(), []);
}

#[test]
fn a_key_that_nobody_could_read_is_deleted_again() {
    let bench = Bench::new();
    for json in [false, true] {
        let mut command = bench.command(["create", "ci"]);
        let ran = run_unread(if json { command.arg("--json") } else { &mut command });
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let key = bench.last();
        assert!(key.deleted_at.is_some());
        assert_mentions(&ran.err, &["could not be printed", "deleted again", &key.id, "--store"]);
        assert!(!ran.err.contains(key.plaintext()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_undoes_the_key_too() {
    let bench = Bench::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ran = run(bench.command(["create", "ci"]).stdout(full));
    assert_mentions(ran.failed(1), &["No space left", "deleted again"]);
    assert!(bench.last().deleted_at.is_some());
}

#[cfg(unix)]
#[test]
fn a_discarded_standard_output_is_rejected_before_the_key_exists() {
    let bench = Bench::new();
    let null = File::options().write(true).open("/dev/null").unwrap();
    let ran = run(bench.command(["create", "ci"]).stdout(null));
    assert_mentions(ran.failed(2), &["/dev/null", "--store"]);
    assert_eq!(bench.server.log(), []);
}

#[test]
fn a_key_that_could_not_be_deleted_again_is_named() {
    let bench = Bench::new();
    bench.server.faults().add(Fault::status(403).method("DELETE"));
    let ran = run_unread(&mut bench.command(["create", "ci"]));
    assert_eq!(ran.code, Some(1));
    let key = bench.last();
    assert!(key.deleted_at.is_none());
    let remedy = format!("kernel-keys delete {} --yes", key.id);
    assert_mentions(&ran.err, &["could not be deleted again", &remedy]);
}

#[test]
fn a_response_that_is_not_as_documented_is_not_lost() {
    let bench = Bench::new();
    bench.server.faults().add(Fault::merge_json(json!({ "created_at": 7 })).method("POST"));
    let ran = bench.run(["create", "ci"]);
    assert_eq!(ran.done(), bench.last().plaintext());
    assert_mentions(&ran.err, &["not as documented", &bench.last().id]);
}

#[test]
fn an_unknown_outcome_is_reported() {
    let bench = Bench::new();
    bench.server.faults().add(Fault::drop_connection().method("POST").after());
    let ran = bench.run(["create", "ci"]);
    assert_mentions(ran.failed(1), &["may have been created", "kernel-keys list --name"]);
    assert_eq!(bench.server.keys().len(), 2, "it was sent once");
}

#[test]
fn what_the_document_does_not_allow_is_wrong_usage() {
    let bench = Bench::new();
    let ran = bench.run(["create", "ci", "--days", "4000"]);
    assert_mentions(ran.failed(2), &["days_to_expire", "between 1 and 3650"]);
    assert_mentions(bench.run(["create", ""]).failed(2), &["name", "1 to 255"]);
    assert_mentions(bench.run(["create", "ci", "--days", "3", "--never"]).failed(2), &["--never"]);
    assert_eq!(bench.server.log(), [], "nothing was sent");
}

#[test]
fn an_unknown_project_is_not_found() {
    let bench = Bench::new();
    let ran = bench.run(["create", "ci", "--project-id", "proj_2"]);
    assert_mentions(ran.failed(1), &["404", "Check the project id"]);
}

#[cfg(unix)]
#[test]
fn an_interruption_reports_an_unknown_outcome() {
    use std::process::{Command, Stdio};
    use std::sync::{Mutex, mpsc};

    let bench = Bench::new();
    let (tell_id, id) = mpsc::channel::<u32>();
    let (tell_end, end) = mpsc::channel::<()>();
    let (id, end) = (Mutex::new(id), Mutex::new(end));
    // The request has arrived: interrupt who sent it, and respond when it is gone.
    let interrupt = Fault::run(move |_| {
        let id = id.lock().unwrap().recv().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let _ = end.lock().unwrap().recv();
    });
    bench.server.faults().add(interrupt.method("POST"));
    let mut command = bench.command(["create", "ci"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    tell_id.send(child.id()).unwrap();
    let ran = crate::support::Ran::from(child.wait_with_output().unwrap());
    tell_end.send(()).unwrap();
    assert_mentions(ran.failed(1), &["interrupted", "may have been created"]);
}
