//! Programs that take long, or leave something behind; and waits, which are shown.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{World, code, text};

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

#[test]
fn a_hook_is_over_when_its_program_ends() {
    let world = World::new();
    let held = world.stored("ci");
    let pid = world.path("pid");
    let lines = format!("sleep 300 & echo $! > {}", pid.display());
    let hook = world.program("hook", &lines).to_str().unwrap().to_owned();
    let began = Instant::now();
    let rotated =
        world.run(&["rotate", "--store", &file(&held), "--deploy", &hook, "--overlap", "0"]);
    assert_eq!(code(&rotated), Some(0), "{}", text(&rotated));
    assert!(
        began.elapsed() < Duration::from_secs(200),
        "it waited for what runs in the background"
    );
    let pid = fs::read_to_string(pid).unwrap();
    let killed = std::process::Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(killed.success(), "what runs in the background was killed");
}

#[test]
fn a_hook_that_takes_too_long_is_stopped_with_all_that_it_started() {
    let world = World::new();
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let seen = world.path("seen");
    // On the way back it is quick.
    let lines = format!(
        "[ \"$KERNEL_KEYS_HOLDS\" = old ] && exit 0\nsleep 300 & echo $! > {}\nwait",
        seen.display()
    );
    let hook = world.program("hook", &lines).to_str().unwrap().to_owned();
    let rotated = world.run(&[
        "rotate",
        "--store",
        &file(&held),
        "--deploy",
        &hook,
        "--overlap",
        "0",
        "--hook-timeout",
        "0.5",
    ]);
    let output = text(&rotated);
    assert_eq!(code(&rotated), Some(1), "{output}");
    assert!(output.contains("took longer"), "{output}");
    assert_eq!(fs::read_to_string(&held).unwrap(), old);
    assert_eq!(world.names(), ["ci", "bootstrap"]);
    let pid = fs::read_to_string(seen).unwrap();
    crate::support::until("what it started still runs", || {
        !std::process::Command::new("kill").args(["-0", pid.trim()]).status().unwrap().success()
    });
}

#[test]
fn a_wait_is_shown_with_the_time_left() {
    let world = World::new();
    let held = world.stored("ci");
    let mut rotation =
        world.rotate(&["--store", &file(&held), "--deploy", "true", "--overlap", "600"]);
    rotation.says("waiting for the overlap, at most 600 s");
    rotation.signal("-INT");
    let (status, printed) = rotation.end();
    assert_eq!(status.code(), Some(3), "{printed}");
    assert!(world.works(&held));
}

#[test]
fn a_store_program_gets_the_line_that_its_file_describes() {
    let world = World::new();
    let held = world.stored("ci");
    let line = world.path("line");
    let plain = format!(
        "tee {line} | sed 's/^KEY=//' > {held}",
        line = line.display(),
        held = held.display()
    );
    let write = world.program("write", &plain);
    let path = world.path("store.toml");
    fs::write(
        &path,
        format!(
            "write = [{write:?}]\nread = [\"cat\", {held:?}]\nstdin = \"KEY={{key}}\"\npropagation = 0.5\n"
        ),
    )
    .unwrap();
    let store = format!("command:{}", path.display());
    let rotated = world.run(&["rotate", "--store", &store, "--retire", "delete", "--overlap", "0"]);
    assert_eq!(code(&rotated), Some(0), "{}", text(&rotated));
    let new = fs::read_to_string(&held).unwrap();
    assert_eq!(fs::read_to_string(line).unwrap(), format!("KEY={new}"));
    assert!(world.works(&held));
}
