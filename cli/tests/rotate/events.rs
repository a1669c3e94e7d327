//! The events of `--output ndjson`: their shapes are a promise (docs/events.md).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::support::{World, code, text};

/// Every line of a run, whose shapes are checked.
#[track_caller]
fn events(ran: &Output) -> Vec<Value> {
    let printed = String::from_utf8(ran.stdout.clone()).unwrap();
    let events: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let shapes = BTreeMap::from([
        ("started", "at event step store"),
        ("done", "at event seconds step store"),
        ("failed", "at event seconds step store why"),
        ("waiting", "at event seconds_left store why"),
        ("note", "at event store text"),
        ("result", "at event id name outcome report store why"),
    ]);
    for event in &events {
        let fields: BTreeSet<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        let fields = fields.into_iter().collect::<Vec<_>>().join(" ");
        let kind = event["event"].as_str().unwrap();
        assert_eq!(Some(&&*fields), shapes.get(kind), "{event}");
        let at = event["at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.len() == "2026-11-28T06:55:24.164Z".len(), "{at}");
        for number in ["seconds", "seconds_left"] {
            assert!(event.get(number).is_none_or(Value::is_f64), "{event}");
        }
    }
    events
}

fn results(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["event"] == "result").collect()
}

const NOW: [&str; 6] = ["--retire", "delete", "--overlap", "0", "--output", "ndjson"];

#[test]
fn a_rotation_tells_each_step_and_its_result() {
    let world = World::new();
    let store = format!("file:{}", world.stored("ci").display());
    let ran = world.run(&[&["rotate", "--store", &store], &NOW[..]].concat());
    assert_eq!(code(&ran), Some(0), "{}", text(&ran));
    assert!(ran.stderr.is_empty(), "{}", text(&ran));
    let events = events(&ran);
    let done = events.iter().filter(|event| event["event"] == "done");
    let steps: Vec<_> = done.map(|event| event["step"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        ["plan", "create", "compare", "store", "verify", "overlap", "retire", "rename"]
    );
    assert!(events.iter().all(|event| event["store"] == store.as_str()));
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["outcome"]), (&"result".into(), &"rotated".into()));
    assert_eq!((&last["name"], &last["why"]), (&"ci".into(), &Value::Null));
    assert_eq!(last["report"]["old_id"], last["id"]);
    assert_eq!(results(&events).len(), 1);
}

#[test]
fn a_failure_is_a_result_and_an_error() {
    let world = World::new();
    let store = format!("file:{}", world.stored("ci").display());
    let args = [&["rotate", "--store", &store, "--verify", "false"], &NOW[..]].concat();
    let ran = world.run(&args);
    assert_eq!(code(&ran), Some(1), "{}", text(&ran));
    let events = events(&ran);
    assert!(events.iter().any(|event| event["event"] == "failed" && event["step"] == "verify"));
    let last = events.last().unwrap();
    assert_eq!(last["outcome"], "as_before", "{last}");
    let error: Value = serde_json::from_slice(&ran.stderr).unwrap();
    assert_eq!(error["error"]["message"], last["why"]);

    // One that is rejected before it begins has no report.
    let args = [&["rotate", "nobody", "--store", &store], &NOW[..]].concat();
    let ran = world.run(&args);
    let last = events_last(&ran);
    assert_eq!((&last["outcome"], &last["report"]), (&"rejected".into(), &Value::Null));
}

fn events_last(ran: &Output) -> Value {
    events(ran).pop().unwrap()
}

#[test]
fn a_resumed_rotation_tells_the_same() {
    let world = World::new();
    let store = format!("file:{}", world.stored("ci").display());
    // A deploy hook that fails, also on the way back, leaves it unfinished.
    let hook = world.path("hook");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let deploy = ["--deploy", hook.to_str().unwrap()];
    let args = [&["rotate", "--store", &store], &deploy[..], &NOW[..]].concat();
    let ran = world.run(&args);
    assert_eq!(code(&ran), Some(3), "{}", text(&ran));
    assert_eq!(events_last(&ran)["event"], "result");
    fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    let ran = world.run(&["resume", "--output", "ndjson"]);
    assert_eq!(code(&ran), Some(0), "{}", text(&ran));
    let events = events(&ran);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["store"]), (&"result".into(), &store.as_str().into()));
    assert!(world.run(&["resume", "--output", "ndjson"]).stdout.is_empty());
}

#[test]
fn many_rotations_have_a_result_for_each_key() {
    let world = World::new();
    let stores: Vec<_> = ["ci-1", "ci-2"].map(|name| world.stored(name)).into();
    world.run(&["create", "ci-3"]);
    let template = format!("file:{}/{{name}}", stores[0].parent().unwrap().display());
    let args = [&["rotate-all", "--name", "ci-*", "--store", &template], &NOW[..]].concat();
    let ran = world.run(&args);
    assert_eq!(code(&ran), Some(0), "{}", text(&ran));
    let events = events(&ran);
    let outcomes: BTreeMap<_, _> = results(&events)
        .into_iter()
        .map(|event| (event["name"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect();
    let wanted = [("ci-1", "rotated"), ("ci-2", "rotated"), ("ci-3", "skipped")];
    assert_eq!(outcomes, BTreeMap::from(wanted));
    // Which rotation a step belongs to is told by the store.
    for path in &stores {
        let store = format!("file:{}", path.display());
        let own = events.iter().filter(|event| event["store"] == store.as_str());
        assert!(own.count() > 10);
    }
}
