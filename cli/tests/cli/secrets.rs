//! No plaintext, and no escape code, in anything that any command writes.

use onkernel::testing::{Fault, NewKey};
use serde_json::json;

use crate::support::{Bench, Ran, program, run};

/// A plaintext that no server has made.
const UNKNOWN: &str = "sk_unknown_0123456789";

/// Every command in a good and a bad case; `create` stores, so that nothing is to be printed.
fn everything(bench: &Bench, extra: &[&str]) -> Vec<Ran> {
    let folder = tempfile::tempdir().unwrap();
    let key = bench.server.add_key(NewKey::named("ci").days(3));
    let store = format!("file:{}", folder.path().join("key").display());
    let commands: &[&[&str]] = &[
        &["create", "x", "--store", &store],
        &["create", "x", "--store", &store],
        &["create", "x", "--project-id", ""],
        &["whoami"],
        &["list"],
        &["list", "--status", "all"],
        &["get", &key.id],
        &["get", key.plaintext()],
        &["rename", &key.id, "y"],
        &["rename", &key.id, ""],
        &["delete", &key.id],
        &["delete", &key.id, "--yes"],
        &["delete", &key.id, "--yes"],
        &["demo"],
    ];
    commands.iter().map(|args| bench.run(args.iter().chain(extra))).collect()
}

/// Fails if any key that the server ever made was shown, or one that it never made.
fn assert_silent(bench: &Bench, ran: &[Ran]) {
    let keys = bench.server.keys();
    for plaintext in keys.iter().map(|key| key.plaintext()).chain([UNKNOWN]) {
        for Ran { out, err, .. } in ran {
            assert!(!out.contains(plaintext) && !err.contains(plaintext), "{out}{err}");
        }
    }
}

fn assert_everything_silent(extra: &[&str]) {
    let bench = Bench::new();
    let mut ran = everything(&bench, extra);
    ran.push(run(bench.command(["list"].iter().chain(extra)).env("KERNEL_API_KEY", UNKNOWN)));
    assert!(bench.server.keys().len() > 2);
    assert_silent(&bench, &ran);
}

#[test]
fn no_command_shows_a_plaintext() {
    assert_everything_silent(&[]);
    assert_everything_silent(&["--json"]);
}

#[test]
fn no_command_shows_a_plaintext_at_its_most_talkative() {
    assert_everything_silent(&["-vvv"]);
    assert_everything_silent(&["--json", "-vvv"]);
}

#[test]
fn no_wrong_response_brings_a_plaintext_to_light() {
    for extra in [&[][..], &["--json"], &["-vvv"]] {
        let bench = Bench::new();
        let mut ran = Vec::new();
        for fault in [
            Fault::garbage_json(),
            Fault::truncated_body(),
            Fault::merge_json(json!({ "name": null })),
            Fault::drop_connection().after(),
            Fault::status_with(400, json!({ "code": UNKNOWN, "message": UNKNOWN })),
        ] {
            bench.server.faults().clear();
            bench.server.faults().add(fault);
            let folder = tempfile::tempdir().unwrap();
            let store = format!("file:{}", folder.path().join("key").display());
            let create = ["create", "z", "--store", store.as_str()];
            ran.push(bench.run(create.iter().chain(extra)));
        }
        // Under the last of them, which is not retried.
        ran.push(bench.run(["list"].iter().chain(extra)));
        ran.push(bench.run(["get", UNKNOWN].iter().chain(extra)));
        assert_eq!(bench.server.keys().len(), 5);
        assert_silent(&bench, &ran);
    }
}

#[test]
fn where_the_plaintext_is_the_result_it_is_there_once_and_nowhere_else() {
    for extra in [&[][..], &["--json"], &["-vvv"], &["--json", "-vvv"]] {
        let bench = Bench::new();
        let ran = bench.run(["create", "x"].iter().chain(extra));
        let key = bench.last();
        assert_eq!(ran.done().matches(key.plaintext()).count(), 1, "{extra:?}");
        for plaintext in [key.plaintext(), bench.server.bootstrap_key()] {
            assert!(!ran.err.contains(plaintext), "{extra:?}: {}", ran.err);
        }
    }
}

#[test]
fn without_a_terminal_there_are_no_escape_codes() {
    let bench = Bench::new();
    let mut ran = everything(&bench, &[]);
    ran.extend(everything(&bench, &["-v"]));
    ran.push(run(&mut program(["--help"])));
    ran.push(run(&mut program(["--nonsense"])));
    for ran in ran {
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    }
}
