//! Hooks: what they leave behind, and the way back, which is as gentle as the way there.

use std::fs;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use onkernel::testing::Effect;

use crate::support::{World, file};

/// A daemon keeps the hook's pipes open: nobody waits for it, and nobody kills it.
#[test]
fn a_hook_that_leaves_a_daemon_behind() {
    let world = World::new();
    let held = world.stored();
    let id = world.path("daemon");
    let deploy = world.program("deploy", &format!("sleep 300 &\necho $! > {}", id.display()));
    let ran = world.rotate(&file(&held), &["--deploy", deploy.to_str().unwrap()]);
    let daemon = fs::read_to_string(id).unwrap();
    let signal = |signal: &str| {
        Command::new("kill").args([signal, daemon.trim()]).status().unwrap().success()
    };
    let lives = signal("-0");
    signal("-KILL");
    let said = ran.ended_with(0);
    assert!(lives, "the daemon was killed: {said}");
    world.assert_rotated(&held, &said);
}

/// A workload that goes back takes as long as one that goes forward.
#[test]
fn the_overlap_on_the_way_back() {
    let world = World::new();
    let held = world.stored();
    let back = world.path("back");
    let deploy = format!("[ \"$KERNEL_KEYS_HOLDS\" = new ] || touch {}", back.display());
    let deploy = world.program("deploy", &deploy);
    let args = ["--deploy", deploy.to_str().unwrap(), "--verify", "false", "--overlap", "3"];
    let said = world.rotate(&file(&held), &args).ended_with(1);
    let told: DateTime<Utc> = fs::metadata(back).unwrap().modified().unwrap().into();
    let log = world.server.log();
    let deleted = log.iter().find(|entry| matches!(entry.effect, Some(Effect::Deleted { .. })));
    let waited = deleted.unwrap().at - told;
    // Files and clocks count in pieces of some milliseconds.
    assert!(waited > TimeDelta::milliseconds(2900), "{waited}: {said}");
    world.assert_as_before(&held, &said);
}
