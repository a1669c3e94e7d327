//! One home on two hosts, and a journal that was restored from before.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Ran, World, file};

/// Runs the program on another host: another name, another machine id, and where `other` is given
/// another folder in the place of the workload's. None where this machine cannot play another.
fn elsewhere(world: &World, other: Option<&Path>, args: &[&str]) -> Option<Ran> {
    let apart = ["--map-root-user", "--mount", "--uts"];
    if !Command::new("unshare").args(apart).arg("true").status().is_ok_and(|s| s.success()) {
        println!("SKIPPED: no other host can be played here");
        return None;
    }
    let machine_id = world.path("machine-id");
    fs::write(&machine_id, "0123456789abcdef0123456789abcdef\n").unwrap();
    let mut script = format!(
        "set -e\nhostname elsewhere\n\
         if [ -e /etc/machine-id ]; then mount --bind {} /etc/machine-id; fi\n",
        machine_id.display()
    );
    if let Some(other) = other {
        let workload = world.path("workload");
        script += &format!("mount --bind {} {}\n", other.display(), workload.display());
    }
    script += "exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(apart).args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_kernel-keys")]);
    command.args(["--timeout", "1"]).args(args);
    world.at_home(&mut command);
    Some(world.begin(&mut command).end())
}

/// A rotation that was killed in its deploy hook: the store holds the new key.
pub(crate) fn killed_in_deploy(world: &World, store: &str) -> String {
    let gate = world.gate("deploy");
    let deploy = world.hook("deploy", &gate);
    let running = world.begin(&mut world.rotation(store, &["--deploy", &deploy]));
    gate.wait(&running);
    let said = running.kill();
    gate.open();
    said
}

/// The file of that name there is another one: it says nothing about the store here.
#[test]
fn two_hosts_that_share_a_home() {
    let world = World::new();
    let held = world.stored();
    let other = world.path("other");
    fs::create_dir(&other).unwrap();
    let killed = killed_in_deploy(&world, &file(&held));
    let (keys, journals) = (world.server.keys(), world.journals());
    for command in ["resume", "sweep"] {
        let Some(ran) = elsewhere(&world, Some(&other), &[command]) else { return };
        assert!(ran.code.is_some_and(|code| code != 0), "{:?} {}", ran.code, ran.said);
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert!(ran.said.contains(host.trim()), "where is it to be resumed? {}", ran.said);
        assert!(world.server.keys() == keys, "{}", ran.said);
        assert_eq!(world.journals(), journals, "{}", ran.said);
        assert_eq!(fs::read_dir(&other).unwrap().count(), 0, "{}", ran.said);
    }
    let said = world.run(&["resume"]).ended_with(0);
    world.assert_rotated(&held, &format!("{killed}{said}"));
}

/// Where the file is the same one, whoever names it may go on there.
#[test]
fn a_rotation_that_is_adopted_on_another_host() {
    let world = World::new();
    let held = world.stored();
    let killed = killed_in_deploy(&world, &file(&held));
    let Some(ran) = elsewhere(&world, None, &["resume", "--store", &file(&held)]) else { return };
    let said = ran.ended_with(0);
    world.assert_rotated(&held, &format!("{killed}{said}"));
}

/// Programs read what is on this host, unless their file says that every host has the same.
#[test]
fn a_store_of_programs_is_of_one_host_unless_it_is_shared() {
    for (more, shared) in [("", false), ("shared = true", true)] {
        let world = World::new();
        let held = world.stored();
        let store = world.commands(&held, "", more);
        let killed = killed_in_deploy(&world, &store);
        let (keys, journals) = (world.server.keys(), world.journals());
        let Some(ran) = elsewhere(&world, None, &["resume"]) else { return };
        if shared {
            let said = ran.ended_with(0);
            world.assert_rotated(&held, &format!("{killed}{said}"));
        } else {
            let said = ran.needs_attention("--store command:");
            assert!(said.contains("this is elsewhere"), "{said}");
            assert!(world.server.keys() == keys && world.journals() == journals, "{said}");
        }
    }
}

/// The old key is gone as planned, and not by somebody's decision: the new one stays.
#[test]
fn a_journal_restored_from_before_the_retirement() {
    let world = World::new();
    let held = world.stored();
    let gate = world.gate("deploy");
    let deploy = world.hook("deploy", &gate);
    let running = world.begin(&mut world.rotation(&file(&held), &["--deploy", &deploy]));
    gate.wait(&running);
    let (home, backup) = (world.path("home"), world.path("backup"));
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(copied.unwrap().success());
    };
    copy(&home, &backup);
    gate.open();
    let rotated = running.end().ended_with(0);
    let new = world.new_key();
    fs::remove_dir_all(&home).unwrap();
    copy(&backup, &home);

    let resumed = world.run(&["resume"]).needs_attention("--store-holds");
    assert!(world.server.authenticates(new.plaintext()), "{resumed}");
    assert_eq!(fs::read_to_string(&held).unwrap().trim(), new.plaintext(), "{resumed}");
    let ended = world.run(&["resume", "--store-holds", "new"]).ended_with(0);
    world.assert_rotated(&held, &format!("{rotated}{resumed}{ended}"));
}
