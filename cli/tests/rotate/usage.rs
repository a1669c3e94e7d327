//! Requests that cannot work are found before anything is touched, and reported in one clear sentence.

use std::fs;

use crate::support::{World, code, text};

/// Runs `rotate` with the key in `ci`, and wants this exit code, these words, and nothing changed.
struct UsageErrors {
    world: World,
    store: String,
}

impl UsageErrors {
    fn new() -> Self {
        let world = World::new();
        let store = format!("file:{}", world.stored("ci").display());
        Self { world, store }
    }

    #[track_caller]
    fn run(&self, args: &[&str], wanted: i32, words: &[&str]) {
        let ran = self.world.run(args);
        let printed = text(&ran);
        assert_eq!(code(&ran), Some(wanted), "{args:?}: {printed}");
        for word in words {
            assert!(printed.contains(word), "{word:?} is not in {printed:?}");
        }
        assert!(!printed.contains("panicked"), "{printed}");
        assert_eq!(printed.matches("error:").count(), 1, "one sentence: {printed}");
        assert_eq!(self.world.names(), ["ci", "bootstrap"], "{args:?}");
        let resumed = text(&self.world.run(&["resume"]));
        assert!(resumed.contains("Nothing is left to do"), "{args:?}: {resumed}");
    }

    #[track_caller]
    fn rotate(&self, args: &[&str], wanted: i32, words: &[&str]) {
        self.run(&[&["rotate", "--store", &self.store], args].concat(), wanted, words);
    }

    /// With this in the file of a command store.
    #[track_caller]
    fn commands(&self, toml: &str, words: &[&str]) {
        let path = self.world.path("store.toml");
        fs::write(&path, toml).unwrap();
        let store = format!("command:{}", path.display());
        let words = [words, &["store.toml"]].concat();
        self.run(&["rotate", "--store", &store, "--retire", "delete"], 2, &words);
    }
}

#[test]
fn options_that_cannot_be() {
    let errors = UsageErrors::new();
    let delete = ["--retire", "delete"];
    errors.rotate(
        &[],
        2,
        &["choose what happens to the old key", "--retire delete, keep or grace", "--deploy"],
    );
    errors.rotate(&["--deploy", ""], 2, &["--deploy", "names no program"]);
    errors.rotate(&["--verify", "sh -c 'x"], 2, &["--verify", "a quote is not closed"]);
    errors.rotate(
        &["--deploy", "no-such-program x"],
        2,
        &["--deploy", "`no-such-program` does not exist"],
    );
    errors.rotate(&["--retire", "sometimes"], 2, &["delete, keep, grace"]);
    errors.rotate(
        &["--retire", "grace", "--grace-days", "0"],
        2,
        &["--grace-days", "1 to 3650", "lock"],
    );
    errors.rotate(&["--retire", "keep", "--grace-days", "5"], 2, &["--retire grace"]);
    errors.rotate(&["--retire", "grace", "--grace-days", "40"], 1, &["--grace-days", "--days"]);
    for (days, words) in [("0", "1 to 3650"), ("4000", "1 to 3650"), ("-1", "1 to 3650")] {
        errors.rotate(&[&delete[..], &["--days", days]].concat(), 2, &["--days", words]);
    }
    errors.rotate(&["--days", "3", "--never"], 2, &["--days", "--never"]);
    errors.rotate(&["--expires-at", "tomorrow"], 2, &["--expires-at", "2027-01-31T12:00:00Z"]);
    errors.rotate(
        &[&delete[..], &["--expires-at", "2020-01-01T00:00:00Z"]].concat(),
        1,
        &["in the past"],
    );
    errors.rotate(&["--settle", "-1"], 2, &["--settle", "0 to 86400"]);
    errors.rotate(&["--overlap", "x"], 2, &["--overlap", "0 to 86400"]);
    errors.rotate(&[&delete[..], &["nosuchid"]].concat(), 1, &["no key nosuchid"]);
}

#[test]
fn stores_that_cannot_be() {
    let errors = UsageErrors::new();
    let run = |store: &str, wanted, words: &[&str]| {
        errors.run(&["rotate", "--store", store, "--retire", "delete"], wanted, words);
    };
    let folder = errors.world.folder.path().display().to_string();
    run("keyring:x", 2, &["file:PATH, env-file:PATH#NAME, command:FILE", "preset:NAME#…"]);
    run("aws:", 2, &["aws:NAME#FIELD"]);
    run("vault:x", 2, &["vault:PATH#FIELD"]);
    run("k8s:kernel#key", 2, &["k8s:NAMESPACE/NAME#KEY"]);
    run("env-file:/a", 2, &["env-file:PATH#NAME"]);
    run("env-file:/a#9-A", 2, &["9-A", "variable"]);
    run(&format!("file:{folder}"), 1, &["is not an ordinary file"]);
    // Opening a pipe would wait for somebody to write.
    let pipe = errors.world.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    run(&format!("env-file:{}#KEY", pipe.display()), 1, &["is not an ordinary file"]);
    run(&format!("file:{folder}/nowhere/key"), 2, &["nowhere is not a folder"]);
    run(&format!("file:{folder}/none"), 1, &["holds no key", "rotate ID"]);
    let none = format!("file:{folder}/none");
    let listed = errors.world.run(&["list", "--name", "ci", "--json"]);
    let keys: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let id = keys[0]["id"].as_str().unwrap();
    let args = ["rotate", id, "--store", &none, "--retire", "delete"];
    errors.run(&args, 1, &["--store-is-new"]);
    run(&format!("command:{folder}/none.toml"), 2, &["none.toml cannot be read"]);
    errors.commands("write = \"put ci\"", &["line 1", "`write`", "list of a program"]);
    errors.commands("write = [\"cat\"]\nread = [", &["line 2"]);
    errors.commands("write = [\"cat\"]\nraed = [\"cat\"]", &["line 2", "raed", "`read`"]);
    errors.commands("write = []", &["`write` names no program"]);
    errors.commands("write = [\"no-such\"]", &["`write`", "`no-such` does not exist"]);
    errors.commands("write = [\"cat\"]\nread = [\"./no-such\"]", &["`read`", "`./no-such`"]);
}

#[test]
fn journals_that_cannot_be() {
    let errors = UsageErrors::new();
    let file = errors.world.path("ci");
    let file = file.to_str().unwrap();
    for place in [file, "/proc/none"] {
        errors.rotate(
            &["--retire", "delete", "--journal", place],
            1,
            &["cannot create", "--journal DIR"],
        );
    }
    let homeless = errors
        .world
        .command(&["rotate", "--store", &errors.store, "--retire", "delete"])
        .env_remove("XDG_STATE_HOME")
        .env_remove("HOME")
        .output()
        .unwrap();
    assert_eq!(code(&homeless), Some(2));
    assert!(text(&homeless).contains("--journal DIR"));
    // The default is in the user's own folder.
    let home = errors.world.path("home");
    let args = ["rotate", "--store", &errors.store, "--retire", "delete", "--overlap", "0"];
    let rotated =
        errors.world.command(&args).env_remove("XDG_STATE_HOME").env("HOME", &home).output();
    assert_eq!(code(&rotated.unwrap()), Some(0));
    let journals = fs::read_dir(home.join(".local/state/kernel-keys")).unwrap();
    assert_eq!(
        journals.flatten().filter(|j| j.path().extension().is_some_and(|e| e == "jsonl")).count(),
        1
    );
}

/// One journal that cannot be read keeps no other from being resumed.
#[test]
fn a_damaged_journal_is_reported_and_the_others_are_resumed() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let hook = world.hook("hook", &gate);
    let store = format!("file:{}", held.display());
    let rotation = world.rotate(&["--store", &store, "--deploy", &hook, "--overlap", "0"]);
    gate.wait();
    rotation.kill();
    gate.open();
    let damaged = world.path("state/kernel-keys/damaged.jsonl");
    fs::write(&damaged, "no JSON\n").unwrap();
    let resumed = world.run(&["resume"]);
    let output = text(&resumed);
    assert_eq!(code(&resumed), Some(3), "{output}");
    assert!(output.contains("ci is rotated") && output.contains("damaged.jsonl"), "{output}");
    fs::remove_file(&damaged).unwrap();
    world.resume_and_check(&held, &output);
}

#[test]
fn many_keys_are_chosen_by_name_or_age_and_by_their_stores() {
    let world = World::new();
    let folder = world.path("keys");
    fs::create_dir(&folder).unwrap();
    for name in ["ci-1", "ci-2", "twin", "twin", "../ci-3"] {
        let plain = name.replace(['.', '/'], "");
        let made = world.run(&["create", "--days", "10", "--", name]);
        fs::write(folder.join(plain), made.stdout).unwrap();
    }
    world.run(&["create", "ci-lost"]);
    let store = format!("file:{}/{{name}}", folder.display());
    let all = |args: &[&str]| {
        world.run(&[&["rotate-all", "--retire", "delete", "--overlap", "0"], args].concat())
    };

    let ran = all(&["--store", &store]);
    assert_eq!(code(&ran), Some(2), "{}", text(&ran));
    let ran = all(&["--store", &store[..store.len() - 6], "--name", "*"]);
    assert_eq!(code(&ran), Some(2));
    assert!(text(&ran).contains("{name}"), "{}", text(&ran));
    let ran = all(&["--store", &store, "--name", "*", "--concurrency", "0"]);
    assert_eq!(code(&ran), Some(2));
    assert_eq!(code(&world.run(&["audit"])), Some(2));

    let picked = world.run(&["audit", "--older-than", "60d", "--expiring-within", "14d", "--json"]);
    let picked: serde_json::Value = serde_json::from_slice(&picked.stdout).unwrap();
    assert_eq!(picked.as_array().unwrap().len(), 5);
    let ran = all(&[
        "--older-than",
        "60d",
        "--expiring-within",
        "14d",
        "--name",
        "*",
        "--store",
        &store,
        "--concurrency",
        "2",
        "--json",
    ]);
    assert_eq!(code(&ran), Some(0), "{}", text(&ran));
    let printed: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let of = |name: &str| {
        let found = printed.as_array().unwrap().iter().filter(|key| key["name"] == name);
        found.map(|key| key["outcome"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("ci-1"), ["rotated"]);
    assert_eq!(of("ci-2"), ["rotated"]);
    assert_eq!(of("twin"), ["skipped", "skipped"]);
    assert_eq!(of("../ci-3"), ["skipped"]);
    for name in ["ci-1", "ci-2"] {
        assert!(world.works(&folder.join(name)), "{name}");
    }
    let ran = all(&["--store", &store, "--name", "*lost"]);
    assert_eq!(code(&ran), Some(0));
    assert!(text(&ran).contains("its store does not exist"), "{}", text(&ran));
    // One that is there and cannot be used is no reason to leave its key alone.
    fs::write(folder.join("ci-1.toml"), "write = [\n").unwrap();
    let store = format!("command:{}/{{name}}.toml", folder.display());
    let ran = all(&["--store", &store, "--name", "ci-*"]);
    assert_eq!(code(&ran), Some(1), "{}", text(&ran));
    assert!(
        text(&ran).contains("ci-1 failed: ") && text(&ran).contains("line 1"),
        "{}",
        text(&ran)
    );
}
