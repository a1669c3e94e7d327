//! No plaintext, and no escape code, in anything that any command writes.

use onkernel::testing::{Fault, NewKey};

use crate::support::{Bench, Ran, program, run};

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

#[test]
fn no_command_shows_a_plaintext() {
    for extra in [&[][..], &["--json"], &["-vv"], &["--json", "-vvv"]] {
        let bench = Bench::new();
        let mut ran = everything(&bench, extra);
        let unknown = "sk_unknown_0123456789";
        ran.push(run(bench.command(["list"].iter().chain(extra)).env("KERNEL_API_KEY", unknown)));
        bench.server.faults().add(Fault::garbage_json());
        ran.push(bench.run(["create", "z"].iter().chain(extra)));

        let keys = bench.server.keys();
        assert!(keys.len() > 3);
        let plaintexts = keys.iter().map(|key| key.plaintext()).chain([unknown]);
        let shown: Vec<String> = ran.iter().map(|ran| format!("{}{}", ran.out, ran.err)).collect();
        for plaintext in plaintexts {
            for shown in &shown {
                assert!(!shown.contains(plaintext), "{extra:?}: {shown}");
            }
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
