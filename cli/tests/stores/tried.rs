//! `store test`: it loses nothing of what a store holds, and says what is wrong with it.

use std::fs;

use serde_json::Value;

use crate::support::World;

/// Runs the test, and wants the held key unharmed and unseen.
#[track_caller]
fn test(world: &World, store: &str, code: i32) -> (Value, String) {
    let said = world.run(&["store", "test", store]).ended_with(code);
    let json = world.command(&["store", "test", store, "--json"]).output().unwrap();
    assert_eq!(json.status.code(), Some(code), "{said}");
    let printed = [&json.stdout[..], &json.stderr[..]].concat();
    assert!(
        !format!("{said}{}", String::from_utf8_lossy(&printed)).contains(world.old.plaintext())
    );
    (serde_json::from_slice(&json.stdout).unwrap(), said)
}

fn outcome<'a>(report: &'a Value, check: &str) -> &'a str {
    let mut checks = report["checks"].as_array().unwrap().iter();
    let found = checks.find(|found| found["check"] == check);
    found.map_or("", |found| found["result"].as_str().unwrap())
}

#[test]
fn stores_that_work_pass() {
    let world = World::new();
    let held = world.stored();
    for store in [
        format!("file:{}", held.display()),
        world.commands(&held, "", "propagation = 1\ntakes_effect = \"next_job\""),
    ] {
        let (report, said) = test(&world, &store, 0);
        for check in ["lock", "ready", "read", "write", "show"] {
            assert_eq!(outcome(&report, check), "passed", "{said}");
        }
        assert_eq!(report["left"], "as_before");
        assert!(report["shown_after"].as_f64().unwrap() < 1.0);
        assert!(said.contains("The store holds what it held."), "{said}");
        assert_eq!(fs::read_to_string(&held).unwrap(), world.old.plaintext());
    }
    assert!(world.run(&["stores"]).ended_with(0).contains("command:FILE"));
}

#[test]
fn a_store_that_truncates_gets_its_key_back() {
    let world = World::new();
    let held = world.stored();
    // Once for each of the two runs: people, then programs.
    let before = format!(
        "if [ -e $once ]; then rm $once; else touch $once; printf %.9s \"$key\" > {}; exit 0; fi",
        held.display()
    );
    let store = world.commands(&held, &before, "propagation = 1");
    let (report, said) = test(&world, &store, 1);
    assert_eq!((outcome(&report, "show"), outcome(&report, "put back")), ("failed", "passed"));
    assert_eq!(report["left"], "as_before");
    assert!(said.contains("shows something else than was written"), "{said}");
    assert_eq!(fs::read_to_string(&held).unwrap(), world.old.plaintext());
}

#[test]
fn an_empty_store_and_a_one_way_store_are_not_written() {
    let world = World::new();
    let held = world.path("held");
    fs::write(&held, "").unwrap();
    let store = world.commands(&held, "touch $once", "propagation = 1");
    let (report, _) = test(&world, &store, 0);
    assert_eq!(outcome(&report, "write"), "skipped");
    let store = world.commands(&held, "touch $once", "readable = false");
    let (report, said) = test(&world, &store, 0);
    assert_eq!((outcome(&report, "read"), outcome(&report, "write")), ("skipped", "skipped"));
    assert!(said.contains("it is one-way"), "{said}");
    assert!(!world.path("once").exists());
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    let held = world.stored();
    let fails = |said: &str| world.programs("exit 1", &format!("echo '{said}' >&2; exit 1"), "");
    for (message, missing) in [
        ("Unable to locate credentials", "permission"),
        ("dial tcp: lookup vault: no such host", "network"),
    ] {
        let (report, said) = test(&world, &fails(message), 1);
        assert_eq!(report["checks"][2]["missing"], missing, "{said}");
        assert!(said.contains("What is missing seems to be"), "{said}");
    }
    assert_eq!(fs::read_to_string(&held).unwrap(), world.old.plaintext());
    let nowhere = world.run(&["store", "test", "file:/none/key"]).ended_with(1);
    assert!(nowhere.contains("is not a folder"), "{nowhere}");
    world.run(&["store", "test", "none:x"]).ended_with(2);
}
