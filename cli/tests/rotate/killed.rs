//! `kill -9` at exact points: each is a gate that a program waits at, or a request whose response the
//! server holds back after its effect. Then `resume`, and what must hold is held against the server.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::support::{World, holds_plaintext, text, until};

/// A response that does not come as long as the test runs, after the effect.
fn held_back(method: &str, path: &str, from: u32) -> String {
    format!(
        r#"[{{"method": "{method}", "path": "{path}", "from": {from}, "times": 1, "when": "after",
            "do": {{"delay": {{"ms": 100000}}}}}}]"#
    )
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// The second create is the rotation's own: the first makes the key that is rotated.
#[test]
fn while_the_response_to_the_create_is_under_way() {
    let world = World::with_faults(&held_back("POST", "/org/api_keys", 2));
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let rotation = world.rotate(&["--store", &file(&held), "--retire", "delete"]);
    until("no key is made", || world.names().iter().any(|name| name.starts_with("~onk-")));
    let printed = rotation.kill();
    let output = world.resume_and_check(&held, &printed);
    assert_eq!(fs::read_to_string(&held).unwrap(), old, "{output}");
    assert!(output.contains("as before"), "{output}");
}

/// The server has set the old key's end, which says nothing of how long the next one is to live.
#[test]
fn while_the_response_to_the_servers_own_rotation_is_under_way() {
    let world = World::with_faults(&held_back("POST", "/org/api_keys/{id}/rotate", 1));
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let rotation = world.rotate(&["--store", &file(&held), "--retire", "grace"]);
    let marked = || world.names().iter().filter(|name| name.starts_with("~onk-")).count();
    until("no key is made", || marked() == 2);
    let output = world.resume_and_check(&held, &rotation.kill());
    assert_eq!(fs::read_to_string(&held).unwrap(), old, "{output}");
    assert!(output.contains("expires after the grace period, at 20"), "{output}");
    for retire in ["grace", "delete"] {
        let store = file(&held);
        let rotate = ["rotate", "--store", &store, "--retire", retire, "--overlap", "0"];
        let rotated = world.run(&rotate);
        assert!(rotated.status.success(), "{retire}: {}", text(&rotated));
        let path = held.to_str().unwrap();
        let own = world.run(&["--key-file", path, "whoami", "--json"]);
        let own: Value = serde_json::from_slice(&own.stdout).unwrap();
        let own = &own["candidates"][0];
        let time = |field: &str| -> DateTime<Utc> { own[field].as_str().unwrap().parse().unwrap() };
        let lives = time("expires_at") - time("created_at");
        assert_eq!(lives.num_hours(), 30 * 24, "{retire}: {own}");
    }
}

#[test]
fn while_the_response_to_the_new_name_is_under_way() {
    let world = World::with_faults(&held_back("PATCH", "/org/api_keys/{id}", 1));
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let rotation = world.rotate(&["--store", &file(&held), "--retire", "delete", "--overlap", "0"]);
    until("nothing is stored", || fs::read_to_string(&held).unwrap() != old);
    let marked = |name: &String| name.starts_with("~onk-");
    until("it is not renamed", || !world.names().iter().any(marked));
    let output = world.resume_and_check(&held, &rotation.kill());
    assert!(output.contains("ci is rotated"), "{output}");
}

#[test]
fn while_the_response_to_the_delete_is_under_way() {
    let world = World::with_faults(&held_back("DELETE", "/org/api_keys/{id}", 1));
    let held = world.stored("ci");
    let old = world.path("old");
    fs::copy(&held, &old).unwrap();
    let rotation = world.rotate(&["--store", &file(&held), "--retire", "delete", "--overlap", "0"]);
    until("the old key is not deleted", || !world.works(&old));
    assert!(world.works(&held));
    let output = world.resume_and_check(&held, &rotation.kill());
    assert!(output.contains("ci is rotated"), "{output}");
}

#[test]
fn in_each_hook_and_in_the_overlap() {
    for hook in ["--deploy", "--verify"] {
        let world = World::new();
        let held = world.stored("ci");
        let gate = world.gate("gate");
        let program = world.hook("hook", &gate);
        let rotation = world.rotate(&["--store", &file(&held), hook, &program, "--overlap", "0"]);
        gate.wait();
        assert!(world.works(&held), "at {hook}");
        let printed = rotation.kill();
        gate.open();
        let output = world.resume_and_check(&held, &printed);
        assert!(output.contains("ci is rotated"), "{output}");
    }
    let world = World::new();
    let held = world.stored("ci");
    let mut rotation =
        world.rotate(&["--store", &file(&held), "--deploy", "true", "--overlap", "2"]);
    rotation.says("✓ verify");
    let output = world.resume_and_check(&held, &rotation.kill());
    assert!(output.contains("ci is rotated"), "{output}");
}

/// A hook that is named from a folder is run in that folder, wherever the rotation is resumed.
#[test]
fn a_hook_is_found_again_from_another_folder() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    world.hook("hook", &gate);
    let rotation = world.rotate_in(
        world.folder.path(),
        &["--store", "file:ci", "--deploy", "./hook", "--overlap", "0"],
    );
    gate.wait();
    let printed = rotation.kill();
    gate.open();
    let output = world.resume_and_check(&held, &printed);
    assert!(output.contains("✓ deploy") && output.contains("ci is rotated"), "{output}");
}

/// The program that writes the store outlives its parent, and writes while `resume` waits for that:
/// the store must not be left with a key that is deleted.
#[test]
fn while_a_store_command_hangs_which_writes_late() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let store = world.commands(&held, &gate.pass(), "");
    let rotation =
        world.rotate(&["--store", &store, "--retire", "delete", "--overlap", "0", "--settle", "5"]);
    gate.wait();
    assert!(world.works(&held));
    #[cfg(target_os = "linux")]
    assert!(!holds_plaintext(&crate::support::arguments_of_all()), "a key is in an argument");
    let printed = rotation.kill();

    // The journal keeps `--settle`: so long a late write is waited for.
    let reads = held.with_extension("reads");
    let reads = || fs::read(&reads).map_or(0, |lines| lines.len());
    let before = reads();
    let resuming = world.begin(&["--timeout", "0.5", "resume"]);
    until("resume does not look at the store", || reads() > before);
    assert!(world.works(&held));
    let old = fs::read_to_string(&held).unwrap();
    gate.open();
    until("it does not write", || fs::read_to_string(&held).unwrap() != old);
    assert!(world.works(&held), "the late write put a dead key into the store");
    let (status, output) = resuming.end();
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(world.works(&held), "{output}");
    world.resume_and_check(&held, &format!("{printed}{output}"));
}

/// It writes after its parent was killed, and before anybody resumes.
#[test]
fn while_a_store_command_hangs_which_writes_before_resuming() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let store = world.commands(&held, &gate.pass(), "");
    let rotation = world.rotate(&["--store", &store, "--retire", "delete", "--overlap", "0"]);
    gate.wait();
    let old = fs::read_to_string(&held).unwrap();
    let printed = rotation.kill();
    gate.open();
    until("it does not write", || fs::read_to_string(&held).unwrap() != old);
    assert!(world.works(&held));
    let output = world.resume_and_check(&held, &printed);
    assert!(output.contains("ci is rotated"), "{output}");
}

/// A program that is killed for taking too long never writes: its whole process group is gone.
#[test]
fn a_store_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let world = World::new();
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let gate = world.gate("gate");
    let store = world.commands(&held, &gate.pass(), "timeout = 0.5");
    let rotated = world.run(&["rotate", "--store", &store, "--retire", "delete"]);
    let output = text(&rotated);
    assert_eq!(rotated.status.code(), Some(1), "{output}");
    assert!(output.contains("was killed") && output.contains("undone"), "{output}");
    gate.open();
    assert!(world.works(&held));
    world.resume_and_check(&held, &output);
    assert_eq!(fs::read_to_string(&held).unwrap(), old);
}

/// One that has left its process group cannot be killed, and writes after the undo has begun: the
/// old key is put back before the new one goes.
#[test]
fn a_store_command_that_escapes_and_writes_late_is_undone() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    // The first write only: what is put back is written at once.
    let late = world.path("late");
    let before = format!(
        "if [ ! -e {late} ]; then\n  touch {late}\n  printf %s \"$key\" | setsid {} >/dev/null 2>&1 &\n  sleep 100\nfi",
        world
            .program(
                "escaped",
                &format!("key=$(cat)\n{}\nprintf %s \"$key\" > {}", gate.pass(), held.display())
            )
            .display(),
        late = late.display(),
    );
    let store = world.commands(&held, &before, "timeout = 1.0");
    let old = fs::read_to_string(&held).unwrap();
    let mut rotation = world.begin(&[
        "--timeout",
        "2.5",
        "rotate",
        "--store",
        &store,
        "--retire",
        "delete",
        "--overlap",
        "0",
    ]);
    rotation.says("✗ store the new key");
    gate.wait();
    gate.open();
    until("it does not write", || fs::read_to_string(&held).unwrap() != old);
    assert!(world.works(&held), "the late write put a dead key into the store");
    let (status, printed) = rotation.end();
    assert_eq!(status.code(), Some(1), "{printed}");
    assert!(printed.contains("✓ put the old key back"), "{printed}");
    world.resume_and_check(&held, &printed);
    assert_eq!(fs::read_to_string(&held).unwrap().trim(), old.trim());
}

/// At any instant, from before the first request to after the last.
#[test]
fn at_any_instant() {
    let world = World::new();
    let path = world.stored("ci");
    let store = format!("file:{}", path.display());
    let mut killed = 0;
    for ms in (0..64).step_by(4) {
        let mut rotation = world
            .command(&["rotate", "--store", &store, "--overlap", "0", "--retire", "delete"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        let _ = rotation.kill();
        killed += usize::from(!rotation.wait().unwrap().success());
        assert!(world.works(&path), "after {ms} ms");
        let resumed = world.run(&["resume"]);
        let printed = String::from_utf8_lossy(&resumed.stderr);
        assert_eq!(resumed.status.code(), Some(0), "after {ms} ms: {printed}");
        assert!(world.works(&path), "after {ms} ms and resuming");
        assert_eq!(world.names(), ["ci", "bootstrap"], "after {ms} ms: {printed}");
        let again = world.run(&["resume"]);
        assert!(again.status.success() && again.stdout.is_empty());
    }
    assert!(killed > 0, "none was killed in time");
    let journals = fs::read_dir(world.path("state/kernel-keys")).unwrap();
    for journal in journals.flatten() {
        assert!(!fs::read_to_string(journal.path()).unwrap_or_default().contains("sk_"));
    }
}

#[test]
fn many_whose_journals_are_gone_name_the_command_that_finds_them() {
    let world = World::new();
    let held = world.stored("fleet-1");
    let old = fs::read_to_string(&held).unwrap();
    let rotation =
        world.rotate(&["--store", &file(&held), "--deploy", "sleep 60", "--overlap", "0"]);
    until("nothing is stored", || fs::read_to_string(&held).unwrap() != old);
    rotation.kill();
    let empty = tempfile::tempdir().unwrap();
    let journal = empty.path().to_str().unwrap();
    let store = format!("file:{}/{{name}}", held.parent().unwrap().display());
    let all = ["rotate-all", "--name", "fleet-1", "--store", &store, "--retire", "keep"];
    let all = world.command(&[&all[..], &["--journal", journal]].concat()).output().unwrap();
    assert_eq!(all.status.code(), Some(3), "{}", text(&all));
    let said = String::from_utf8_lossy(&all.stderr).into_owned();
    assert!(said.contains("--store STORE"), "{said}");
}
