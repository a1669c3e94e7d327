//! Stores that show late what was written, write a part of it, or hold what nobody has written.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use onkernel::testing::NewKey;

use crate::support::{World, file, until};

const PART: &str = r#"printf %.9s "$key" >"#;

#[test]
fn a_store_that_truncates_once_and_says_success_gets_the_old_key_back() {
    let world = World::new();
    let held = world.stored();
    let before = format!("[ -e $once ] || {{ touch $once; {PART} {}; exit 0; }}", held.display());
    let store = world.commands(&held, &before, "propagation = 1");
    let said = world.rotate(&store, &[]).ended_with(1);
    world.assert_as_before(&held, &said);
}

/// A program that fails may show what it was given as it would have sent it.
#[test]
fn a_store_that_prints_the_key_in_base64() {
    let world = World::new();
    let held = world.stored();
    let before = r#"for before in "" u us; do printf "$before$key" | base64 -w0 >&2; echo >&2; done; exit 1"#;
    let store = world.commands(&held, before, "propagation = 1");
    let said = world.rotate(&store, &[]).ended_with(1);
    assert!(said.contains("[redacted]"), "{said}");
    for key in world.server.keys() {
        let encoded = BASE64_STANDARD.encode(key.plaintext());
        let inner = &encoded[4..encoded.len() - 8];
        assert!(!said.contains(inner) && !world.journals().contains(inner), "{said}");
        // Behind one character more, and two.
        for before in ["u", "us"] {
            let encoded = BASE64_STANDARD.encode(format!("{before}{}", key.plaintext()));
            assert!(!said.contains(&encoded[8..encoded.len() - 8]), "{said}");
        }
    }
    world.assert_as_before(&held, &said);
}

/// It cannot be put right, so both keys stay, and there is a way to end it.
#[test]
fn a_store_that_always_truncates_costs_no_key() {
    let world = World::new();
    let held = world.stored();
    let store =
        world.commands(&held, &format!("{PART} {}; exit 0", held.display()), "propagation = 1");
    let said = world.rotate(&store, &[]).needs_attention("--give-up");
    assert_eq!(world.ours().len(), 2, "{said}");
    let given_up = world.run(&["resume", "--give-up"]);
    let (old, new) = (&world.old.id, &world.new_key().id);
    assert!(given_up.said.contains(old) && given_up.said.contains(new), "{}", given_up.said);
    assert_eq!(world.ours().len(), 2, "{}", given_up.said);
    world.assert_finished();
}

#[test]
fn a_store_that_empties_itself_and_fails_gets_the_old_key_back() {
    let world = World::new();
    let held = world.stored();
    let before = format!("[ -e $once ] || {{ touch $once; : > {}; exit 1; }}", held.display());
    let store = world.commands(&held, &before, "propagation = 1");
    let said = world.rotate(&store, &[]).ended_with(1);
    world.assert_as_before(&held, &said);
}

/// As a secret manager does whose replicas, or caches, take their time.
#[test]
fn a_store_whose_reads_lag_three_seconds_behind() {
    let world = World::new();
    let held = world.stored();
    let (held_at, next, at) = (held.display(), world.path("next"), world.path("next.at"));
    let (next, at) = (next.display(), at.display());
    let write = format!("cat > {next}.new\ndate +%s > {at}\nmv {next}.new {next}");
    let read = format!(
        "if [ -e {next} ] && [ $(($(date +%s) - $(cat {at}))) -ge 3 ]; then mv {next} {held_at}; fi\n\
         cat {held_at}"
    );
    let store = world.programs(&write, &read, "propagation = 8");
    let said = world.rotate(&store, &[]).ended_with(0);
    until("it never shows", || {
        let _ = std::process::Command::new(world.path("read")).output().unwrap();
        !world.path("next").exists()
    });
    world.assert_rotated(&held, &said);
}

/// What a person puts there by hand, as told, and what works, is left alone.
#[test]
fn a_third_key_that_works_is_left_in_the_store() {
    let world = World::new();
    let held = world.stored();
    let before = format!(": > {}; exit 1", held.display());
    let store = world.commands(&held, &before, "propagation = 1");
    let said = world.rotate(&store, &[]).needs_attention("--store-holds");
    assert_eq!(world.ours().len(), 2, "{said}");

    let third = world.server.add_key(NewKey::named("by hand"));
    fs::write(&held, third.plaintext()).unwrap();
    let resumed = world.run(&["resume"]);
    assert!(matches!(resumed.code, Some(0 | 3)), "{:?}: {}", resumed.code, resumed.said);
    assert_eq!(fs::read_to_string(&held).unwrap(), third.plaintext(), "{}", resumed.said);
    assert!(world.server.authenticates(world.old.plaintext()), "{}", resumed.said);

    let said = world.run(&["resume", "--store-holds", "other"]).ended_with(0);
    assert_eq!(fs::read_to_string(&held).unwrap(), third.plaintext(), "{said}");
    assert_eq!(world.server.key(&third.id).as_ref(), Some(&third), "{said}");
    let ours: Vec<_> = world.ours().into_iter().map(|key| key.id).collect();
    assert!(ours == [&*world.old.id], "nobody holds the new key: {ours:?} {said}");
    world.assert_finished();
}

/// The write that puts the old key back is under way when the process dies, and lands while
/// somebody resumes: the old key must not have been deleted by then.
#[test]
fn kill_nine_in_the_restore() {
    for lands_before in [true, false] {
        let world = World::new();
        let held = world.stored();
        let gate = world.gate("restore");
        // The first write is the new key's, the second puts the old one back.
        let before = format!("if [ -e $once ]; then\n{}\nelse\ntouch $once\nfi", gate.pass());
        let store = world.commands(&held, &before, "propagation = 3");
        let running = world.begin(&mut world.rotation(&store, &["--verify", "false"]));
        gate.wait(&running);
        let said = running.kill();
        assert!(world.server.authenticates(&fs::read_to_string(&held).unwrap()), "{said}");
        let landed = || fs::read_to_string(&held).unwrap() == world.old.plaintext();
        if lands_before {
            gate.open();
            until("it does not land", landed);
            let resumed = world.run(&["resume"]).ended_with(0);
            world.assert_as_before(&held, &format!("{said}{resumed}"));
            continue;
        }
        let reads = world.reads();
        let resuming = world.begin(&mut world.command(&["resume"]));
        until("resume does not look at the store", || world.reads() > reads);
        gate.open();
        until("it does not land", landed);
        let resumed = resuming.end();
        assert!(world.server.authenticates(world.old.plaintext()), "{said}{}", resumed.said);
        let ended = world.run(&["resume"]).ended_with(0);
        world.assert_ended(&held, &format!("{said}{}{ended}", resumed.said));
    }
}

/// Nobody has either plaintext any more: both keys stay, and there is a way to end it.
#[test]
fn kill_nine_in_a_restore_that_has_emptied_the_store() {
    let world = World::new();
    let held = world.stored();
    let (gate, id) = (world.gate("restore"), world.path("writer"));
    let before = format!(
        "if [ -e $once ]; then\n: > {}\necho $$ > {}\n{}\nelse\ntouch $once\nfi",
        held.display(),
        id.display(),
        gate.pass()
    );
    let store = world.commands(&held, &before, "propagation = 1");
    let running = world.begin(&mut world.rotation(&store, &["--verify", "false"]));
    gate.wait(&running);
    let said = running.kill();
    let writer = fs::read_to_string(id).unwrap();
    let killed = std::process::Command::new("kill").args(["-KILL", writer.trim()]).status();
    assert!(killed.unwrap().success());

    let resumed = world.run(&["resume"]).needs_attention("--give-up");
    assert!(!resumed.contains("--store-holds"), "no word can be true: {resumed}");
    assert_eq!(world.ours().len(), 2, "{said}{resumed}");
    let given_up = world.run(&["resume", "--give-up"]);
    let (old, new) = (&world.old.id, &world.new_key().id);
    assert!(given_up.said.contains(old) && given_up.said.contains(new), "{}", given_up.said);
    assert_eq!(world.ours().len(), 2, "{}", given_up.said);
    world.assert_finished();
}

/// The hook ruins what was stored: the old key, which only this process has, is put back.
#[test]
fn a_store_that_is_ruined_after_it_was_read_back_gets_the_old_key_back() {
    let world = World::new();
    let held = world.stored();
    let lines = format!("[ $KERNEL_KEYS_HOLDS = old ] || echo garbage > {}", held.display());
    let hook = world.program("deploy", &lines);
    let ran = world.rotate(&file(&held), &["--deploy", hook.to_str().unwrap()]);
    world.assert_as_before(&held, &ran.ended_with(1));
}
