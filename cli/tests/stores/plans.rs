//! `--dry-run` shows the whole plan and changes nothing.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{World, file, files_below};

/// Runs a command that must change nothing: no file, no key, no request but GETs.
#[track_caller]
fn dry(world: &World, command: &mut Command, code: i32) -> String {
    let all = |world: &World| {
        let mut files: Vec<_> = files_below(world.folder.path())
            .into_iter()
            .filter(|path| path.extension().is_none_or(|extension| extension != "said"))
            // A program of a store counts there how often it was asked.
            .filter(|path| !path.ends_with("reads"))
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        (files, world.server.keys(), world.path("home").exists())
    };
    let before = all(world);
    world.server.clear_log();
    let said = world.begin(command).end().ended_with(code);
    assert!(all(world) == before, "{said}");
    let log = world.server.log();
    assert!(log.iter().all(|entry| entry.method == "GET"), "{log:?}");
    assert!(world.server.keys().iter().all(|key| !said.contains(key.plaintext())), "{said}");
    said
}

fn rotate(world: &World, store: &str, more: &[&str]) -> Command {
    let args = [&["rotate", "--store", store, "--dry-run"], more].concat();
    world.command(&args)
}

#[test]
fn a_plan_in_words_and_as_json() {
    let world = World::new();
    let store = file(&world.stored());
    let options = ["--retire", "delete", "--deploy", "true --now", "--overlap", "5"];
    let said = dry(&world, &mut rotate(&world, &store, &options), 0);
    let said = said.replace(&store, "STORE").replace(&world.old.id, "ID");
    for line in [
        "Key              ci (ID), expires in 30 days",
        "New key lives    30 days",
        "Store            STORE",
        "holds a key, can be read back, no compare-and-swap, on this host, shows a write within 0 s",
        "Workload sees it at its restart",
        "Deploy hook      true --now",
        "Verify hook      none",
        "Overlap          5 s",
        "Old key          delete",
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    let mut command = rotate(&world, &store, &[&options[..], &["--json"]].concat());
    let plan: Value = serde_json::from_str(&dry(&world, &mut command, 0)).unwrap();
    assert_eq!(plan["key"]["id"], *world.old.id);
    assert_eq!((&plan["overlap"], &plan["rejected"]), (&5.0.into(), &Value::Array(vec![])));
    assert_eq!(plan["store"]["takes_effect"], "restart");
    assert_eq!(plan["hooks"]["deploy"], "true --now");
}

#[test]
fn what_would_be_rejected_is_listed_with_its_options() {
    let world = World::new();
    let held = world.stored();
    let store = world.commands(&held, "", "takes_effect = \"next_deployment\"\npropagation = 7");
    let delete = ["--retire", "delete", "--overlap", "0"];
    let said = dry(&world, &mut rotate(&world, &store, &delete), 1);
    for words in
        ["without a deploy hook", "--deploy COMMAND", "7 s after the write", "next deployment"]
    {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    // The rotation itself ends there, too.
    let said = world.rotate(&store, &[]).ended_with(1);
    assert!(said.contains("without a deploy hook") && said.contains("--deploy COMMAND"), "{said}");
    world.assert_as_before(&held, &said);
    dry(&world, &mut rotate(&world, &store, &[&delete[..], &["--deploy", "true"]].concat()), 0);

    let said = dry(&world, &mut rotate(&world, &file(&held), &[]), 1);
    assert!(said.contains("--retire delete, keep or grace"), "{said}");
    let one_way = world.commands(&held, "", "readable = false");
    let keep = ["--retire", "keep"];
    let mut command = rotate(&world, &one_way, &[&[&*world.old.id], &keep[..]].concat());
    let said = dry(&world, &mut command, 1);
    assert!(said.contains("--store-is-new") && said.contains("a person has to look"), "{said}");
}

#[test]
fn an_interrupted_rotation_is_found_and_left_as_it_is() {
    let world = World::new();
    let held = world.stored();
    let gate = world.gate("gate");
    let hook = world.hook("hook", &gate);
    let store = file(&held);
    let running = world.begin(&mut world.rotation(&store, &["--deploy", &hook]));
    gate.wait(&running);
    let mut command = rotate(&world, &store, &["--retire", "keep", "--settle", "2"]);
    let said = world.begin(&mut command).end().ended_with(3);
    assert!(said.contains("is being rotated already") && said.contains("resume"), "{said}");
    gate.open();
    let said = running.end().ended_with(0);
    world.assert_rotated(&held, &said);
}

#[test]
fn the_plan_of_many_keys() {
    let world = World::new();
    let held = world.stored();
    let store = format!("file:{}/{{name}}", held.parent().unwrap().display());
    let args = ["rotate-all", "--name", "*", "--store", &store, "--retire", "keep", "--dry-run"];
    let said = dry(&world, &mut world.command(&args), 0);
    assert!(said.contains("ci planned") && said.contains("bootstrap skipped"), "{said}");
    let mut command = world.command(&[&args[..], &["--json"]].concat());
    let plans: Value = serde_json::from_str(&dry(&world, &mut command, 0)).unwrap();
    let ci = plans.as_array().unwrap().iter().find(|key| key["name"] == "ci").unwrap();
    assert_eq!((&ci["outcome"], &ci["more"]["lifetime"]), (&"planned".into(), &"30 days".into()));
    fs::write(&held, "sk_other_0123456789").unwrap();
    dry(&world, &mut world.command(&args), 1);
}
