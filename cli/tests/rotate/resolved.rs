//! What needs attention prints the commands that resolve it, and each of them ends it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{World, code, text};

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// Runs a command that was printed, as a shell would.
#[track_caller]
fn run_printed(world: &World, command: &str) -> Output {
    let words = shlex::split(command).unwrap();
    assert_eq!(words[0], "kernel-keys", "{command}");
    let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    world.run(&words)
}

/// The printed command that has this option.
#[track_caller]
fn printed(output: &str, option: &str) -> String {
    let mut commands = output.lines().map(str::trim).filter(|it| it.starts_with("kernel-keys "));
    let found = commands.find(|command| command.contains(option));
    found.unwrap_or_else(|| panic!("no command with {option:?} in {output}")).to_owned()
}

#[track_caller]
fn assert_over(world: &World, held: &Path, names: &[&str]) {
    assert!(world.works(held), "the store holds a dead key");
    assert_eq!(world.names(), names);
    let again = world.run(&["resume"]);
    assert!(text(&again).contains("Nothing is left to do"), "{}", text(&again));
}

/// A rotation whose deployment has failed on the way there and on the way back.
fn undeployable() -> (World, std::path::PathBuf, String) {
    let world = World::new();
    let held = world.stored("ci");
    let hook = world.program("hook", "exit 1").to_str().unwrap().to_owned();
    let rotated =
        world.run(&["rotate", "--store", &file(&held), "--deploy", &hook, "--overlap", "0"]);
    assert_eq!(code(&rotated), Some(3), "{}", text(&rotated));
    (world, held, text(&rotated))
}

#[test]
fn a_hook_that_cannot_work_is_replaced() {
    let (world, held, output) = undeployable();
    let command = printed(&output, "--deploy COMMAND").replace("COMMAND", "true");
    let resumed = run_printed(&world, &command);
    assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    assert_over(&world, &held, &["ci", "bootstrap"]);
}

#[test]
fn a_workload_may_be_deployed_by_hand() {
    let (world, held, output) = undeployable();
    let resumed = run_printed(&world, &printed(&output, "--deployed"));
    assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    assert_over(&world, &held, &["ci", "bootstrap"]);
}

#[test]
fn giving_up_changes_nothing_and_lists_what_stays() {
    let (world, held, output) = undeployable();
    let (before, names) = (fs::read_to_string(&held).unwrap(), world.names());
    let given_up = run_printed(&world, &printed(&output, "--give-up"));
    assert_eq!(code(&given_up), Some(0), "{}", text(&given_up));
    assert!(text(&given_up).contains("ci is given up"), "{}", text(&given_up));
    assert_eq!(fs::read_to_string(&held).unwrap(), before);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_over(&world, &held, &names);
}

#[test]
fn a_hook_that_has_gone_does_not_stand_in_the_way() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let hook = world.hook("hook", &gate);
    let rotation = world.rotate(&["--store", &file(&held), "--deploy", &hook, "--overlap", "0"]);
    gate.wait();
    rotation.kill();
    gate.open();
    fs::remove_file(&hook).unwrap();
    let resumed = world.run(&["resume"]);
    let output = text(&resumed);
    assert_eq!(code(&resumed), Some(3), "{output}");
    assert!(output.contains("does not exist"), "{output}");
    let resumed = run_printed(&world, &printed(&output, "--deployed"));
    assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    assert_over(&world, &held, &["ci", "bootstrap"]);
}

/// After a crash there is no way back, and the hook that fails is what stands in the way.
#[test]
fn a_hook_that_fails_after_a_crash_is_replaced() {
    for (hook, option) in [
        ("--deploy", "--deploy COMMAND"),
        ("--deploy", "--deployed"),
        ("--verify", "--verify COMMAND"),
    ] {
        let world = World::new();
        let held = world.stored("ci");
        let gate = world.gate("gate");
        let program = world.program("hook", &format!("{}\nexit 7", gate.pass()));
        let program = program.to_str().unwrap();
        let rotation = world.rotate(&["--store", &file(&held), hook, program, "--overlap", "0"]);
        gate.wait();
        rotation.kill();
        gate.open();
        let resumed = world.run(&["resume"]);
        let output = text(&resumed);
        assert_eq!(code(&resumed), Some(3), "{output}");
        assert!(!output.contains("--store-holds"), "the store shows what it holds: {output}");
        assert!(!output.contains("status: 7:"), "{output}");
        let command = printed(&output, option).replace("COMMAND", "true");
        let resumed = run_printed(&world, &command);
        assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
        assert_over(&world, &held, &["ci", "bootstrap"]);
    }
}

#[test]
fn a_folder_that_has_gone_is_named_and_does_not_stand_in_the_way() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let (hook, folder) = (world.hook("hook", &gate), world.path("project"));
    fs::create_dir(&folder).unwrap();
    let args = ["--store", &file(&held), "--deploy", &hook, "--overlap", "0"];
    let rotation = world.rotate_in(&folder, &args);
    gate.wait();
    rotation.kill();
    gate.open();
    fs::remove_dir(&folder).unwrap();
    let output = text(&world.run(&["resume"]));
    let shown = fs::canonicalize(world.folder.path()).unwrap().join("project");
    let missing = format!("the folder {}, in which", shown.display());
    assert!(output.contains(&missing), "{output}");
    let resumed = run_printed(&world, &printed(&output, "--deployed"));
    assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    assert_over(&world, &held, &["ci", "bootstrap"]);
}

/// Whatever stands in the way of resuming, a command is named that ends it.
#[test]
fn a_server_that_cannot_be_reached_leaves_a_way() {
    let (world, held, _) = undeployable();
    let resumed = world.run(&["resume", "--base-url", "http://127.0.0.1:1"]);
    let output = text(&resumed);
    assert_eq!(code(&resumed), Some(3), "{output}");
    let given_up = run_printed(&world, &printed(&output, "--give-up"));
    assert_eq!(code(&given_up), Some(0), "{}", text(&given_up));
    assert!(world.works(&held));
}

/// It is under way, which needs nobody's attention.
#[test]
fn nothing_is_to_be_resolved_beside_a_running_rotation() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let (store, hook) = (file(&held), world.hook("hook", &gate));
    let rotation = world.rotate(&["--store", &store, "--deploy", &hook, "--overlap", "0"]);
    gate.wait();
    for args in [
        &["resume"][..],
        &["resume", "--give-up"],
        &["rotate", "--store", &store, "--retire", "delete"],
    ] {
        let ran = world.run(args);
        assert_eq!(code(&ran), Some(1), "{args:?}: {}", text(&ran));
        assert!(text(&ran).contains("Wait until it has ended"), "{args:?}: {}", text(&ran));
        assert!(!text(&ran).contains("To resolve it"), "{args:?}: {}", text(&ran));
    }
    gate.open();
    let (status, printed) = rotation.end();
    assert!(status.success(), "{printed}");
    assert_over(&world, &held, &["ci", "bootstrap"]);
}

/// Programs parse what is printed to standard error, whatever failed and how much of it.
#[test]
fn several_failures_are_one_json_value() {
    let world = World::new();
    for name in ["ci-1", "ci-2"] {
        let held = world.stored(name);
        let args = ["rotate", "--store", &file(&held), "--deploy", "false", "--overlap", "0"];
        assert_eq!(code(&world.run(&args)), Some(3));
        // A second one is not begun, and the first still needs attention.
        let again = world.run(&args);
        assert_eq!(code(&again), Some(3), "{}", text(&again));
        assert!(text(&again).contains("run: kernel-keys resume"), "{}", text(&again));
    }
    for command in ["resume", "sweep"] {
        let ran = world.run(&[command, "--json"]);
        assert_eq!(code(&ran), Some(3));
        let error: Value = serde_json::from_slice(&ran.stderr).unwrap();
        let errors = error["error"]["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 2, "{error}");
        assert!(errors.iter().all(|error| error["message"].is_string()), "{error}");
        let printed = text(&world.run(&[command]));
        assert_eq!(printed.matches("error: ").count(), 2, "{printed}");
    }
}

#[test]
fn programs_get_the_list() {
    let (world, _, _) = undeployable();
    let resumed = world.run(&["resume", "--json"]);
    assert_eq!(code(&resumed), Some(3));
    let error: Value = serde_json::from_slice(&resumed.stderr).unwrap();
    let resolutions = error["error"]["resolutions"].as_array().unwrap();
    for option in ["--deploy COMMAND", "--deployed", "--give-up"] {
        let found = resolutions.iter().find(|it| it["command"].as_str().unwrap().contains(option));
        assert!(found.is_some_and(|it| it["explanation"].is_string()), "{option}: {error}");
    }
}

#[test]
fn a_rotation_whose_journal_is_lost_is_resumed_by_its_store() {
    let world = World::new();
    let held = world.stored("ci");
    let store = file(&held);
    let args = ["--store", &store, "--deploy", "true", "--overlap", "600"];
    let mut rotation = world.rotate(&args);
    rotation.says("✓ verify");
    rotation.kill();
    for journal in fs::read_dir(world.path("state/kernel-keys")).unwrap().flatten() {
        fs::remove_file(journal.path()).unwrap();
    }
    let rejected = world.run(&[&["rotate"][..], &args].concat());
    let output = text(&rejected);
    assert_ne!(code(&rejected), Some(0), "{output}");
    assert!(world.works(&held));
    let command = format!("{} --settle 0", printed(&output, "--store"));
    let resumed = run_printed(&world, &command);
    let output = text(&resumed);
    assert_eq!(code(&resumed), Some(0), "{output}");
    assert!(world.works(&held), "{output}");
    // Whether the old key is still in use is not known without a journal: it is kept.
    assert!(!world.names().iter().any(|name| name.starts_with("~onk-")), "{output}");
    let again = world.run(&["resume"]);
    assert!(text(&again).contains("Nothing is left to do"), "{}", text(&again));
}

#[test]
fn options_that_resolve_one_rotation_need_to_know_which() {
    let world = World::new();
    let mut stores = Vec::new();
    for name in ["ci-1", "ci-2"] {
        let held = world.stored(name);
        let hook = world.program("hook", "exit 1").to_str().unwrap().to_owned();
        let store = file(&held);
        let rotated =
            world.run(&["rotate", "--store", &store, "--deploy", &hook, "--overlap", "0"]);
        assert_eq!(code(&rotated), Some(3), "{}", text(&rotated));
        stores.push(store);
    }
    let resumed = world.run(&["resume", "--deployed"]);
    assert_eq!(code(&resumed), Some(2), "{}", text(&resumed));
    for store in &stores {
        assert!(text(&resumed).contains(store.as_str()), "{}", text(&resumed));
        let resumed = world.run(&["resume", "--store", store, "--deployed"]);
        assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    }
}
