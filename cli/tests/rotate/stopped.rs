//! Ctrl-C, SIGTERM and SIGHUP at exact points: the program reports where it stands and which command continues; the
//! exit code is 3, or 1 when nothing was touched. A second signal stops at once.

use std::fs;
use std::path::Path;

use crate::support::{World, code, text, until};

/// A hangup only where the tests themselves are not run so that it is ignored, as under `nohup`.
fn signals() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t"));
    let ignored = ignored.is_none_or(|mask| u64::from_str_radix(mask, 16).unwrap() & 1 == 1);
    if ignored { vec!["-INT", "-TERM"] } else { vec!["-INT", "-TERM", "-HUP"] }
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

#[test]
fn before_anything_is_touched() {
    for signal in signals() {
        let world = World::new();
        let held = world.stored("ci");
        let gate = world.gate("gate");
        let store = world.commands(&held, "", "");
        world.program("read", &format!("{}\ncat {}", gate.pass(), held.display()));
        let old = fs::read_to_string(&held).unwrap();
        let mut rotation = world.rotate(&["--store", &store, "--retire", "delete"]);
        gate.wait();
        rotation.signal(signal);
        rotation.says("Stopping at the next safe point");
        gate.open();
        let (status, printed) = rotation.end();
        assert_eq!(status.code(), Some(1), "{printed}");
        assert!(printed.contains("before anything was touched"), "{printed}");
        assert_eq!(fs::read_to_string(&held).unwrap(), old);
        assert_eq!(world.names(), ["ci", "bootstrap"]);
        assert!(text(&world.run(&["resume"])).contains("Nothing is left to do"));
    }
}

/// The hook is not killed half-way: it ends first.
#[test]
fn while_a_hook_runs() {
    for (signal, hook) in [("-INT", "--deploy"), ("-TERM", "--deploy"), ("-INT", "--verify")] {
        let world = World::new();
        let held = world.stored("ci");
        let gate = world.gate("gate");
        let done = world.path("done");
        let lines = format!("{}\ntouch {}", gate.pass(), done.display());
        let program = world.program("hook", &lines).to_str().unwrap().to_owned();
        let mut rotation =
            world.rotate(&["--store", &file(&held), hook, &program, "--overlap", "0"]);
        gate.wait();
        rotation.signal(signal);
        rotation.says("Stopping at the next safe point");
        assert!(!done.exists());
        gate.open();
        let (status, printed) = rotation.end();
        assert_eq!(status.code(), Some(3), "{printed}");
        assert!(done.exists(), "the hook was killed");
        assert!(printed.contains("holds the new key"), "{printed}");
        assert!(printed.contains("run: kernel-keys resume --timeout 120\n"), "{printed}");
        assert!(world.works(&held), "{printed}");
        let output = world.resume_and_check(&held, &printed);
        assert!(output.contains("ci is rotated"), "{output}");
    }
}

#[test]
fn while_both_keys_work() {
    for signal in signals() {
        let world = World::new();
        let held = world.stored("ci");
        let folder = world.path("journals of mine");
        let journals = folder.to_str().unwrap();
        let mut rotation = world.rotate(&[
            "--store",
            &file(&held),
            "--deploy",
            "true",
            "--overlap",
            "86400",
            "--journal",
            journals,
        ]);
        rotation.says("✓ verify");
        rotation.signal(signal);
        let (status, printed) = rotation.end();
        assert_eq!(status.code(), Some(3), "{printed}");
        let command = format!("run: kernel-keys resume --timeout 120 --journal '{journals}'");
        assert!(printed.contains(&command), "{printed}");
        assert!(world.works(&held));
        // A day of overlap is not what a test waits for: the journal keeps how it was requested.
        for journal in fs::read_dir(&folder).unwrap().flatten() {
            let text = fs::read_to_string(journal.path()).unwrap();
            fs::write(journal.path(), text.replace("\"overlap\":86400.0", "\"overlap\":0.0"))
                .unwrap();
        }
        let resumed = world.run(&["resume", "--journal", journals]);
        assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
        assert!(world.works(&held));
        assert_eq!(world.names(), ["ci", "bootstrap"]);
    }
}

/// As under `nohup`: whoever ignores hangups wants the program to outlive its terminal.
#[test]
#[cfg(target_os = "linux")]
fn a_hangup_that_is_ignored_stops_nothing() {
    let world = World::new();
    let held = world.stored("ci");
    let gate = world.gate("gate");
    let hook = world.program("hook", &gate.pass()).to_str().unwrap().to_owned();
    let rotation = world
        .rotate_ignoring("HUP", &["--store", &file(&held), "--deploy", &hook, "--overlap", "0"]);
    gate.wait();
    rotation.signal("-HUP");
    gate.open();
    let (status, printed) = rotation.end();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(printed.contains("ci is rotated"), "{printed}");
}

/// The rotation is done, and only a key that may have been made unseen is still to be looked for.
#[test]
fn while_it_settles() {
    for signal in signals() {
        let world = World::with_faults(
            r#"[{"method": "POST", "path": "/org/api_keys", "nth": 2, "when": "after", "do": "drop"}]"#,
        );
        let held = world.stored("ci");
        let mut rotation =
            world.rotate(&["--store", &file(&held), "--retire", "delete", "--overlap", "0"]);
        rotation.says("✓ retire");
        rotation.signal(signal);
        let (status, printed) = rotation.end();
        assert_eq!(status.code(), Some(3), "{printed}");
        assert!(printed.contains("ci is rotated") && printed.contains("sweep"), "{printed}");
        assert!(printed.contains("run: kernel-keys resume"), "{printed}");
        world.resume_and_check(&held, &printed);
    }
}

/// A create that lands after everybody has given up is found by a sweep.
#[test]
fn while_it_settles_and_a_key_appears_later() {
    let world = World::with_faults(
        r#"[{"method": "POST", "path": "/org/api_keys", "nth": 2, "do": {"effect_later": {"ms": 1500}}}]"#,
    );
    let held = world.stored("ci");
    let mut rotation =
        world.rotate(&["--store", &file(&held), "--retire", "delete", "--overlap", "0"]);
    rotation.says("✓ retire");
    rotation.signal("-INT");
    let (status, printed) = rotation.end();
    assert_eq!(status.code(), Some(3), "{printed}");
    let late = |name: &String| name.starts_with("~onk-");
    until("the create does not land", || world.names().iter().any(late));
    let swept = world.run(&["sweep"]);
    assert_eq!(code(&swept), Some(0), "{}", text(&swept));
    assert!(text(&swept).contains("Deleted 1 orphaned key"), "{}", text(&swept));
    assert_eq!(world.names(), ["ci", "bootstrap"]);
    world.resume_and_check(&held, &printed);
}

#[test]
fn twice_stops_at_once() {
    for (first, second) in [("-INT", "-INT"), ("-TERM", "-INT")] {
        let world = World::new();
        let held = world.stored("ci");
        let gate = world.gate("gate");
        let program = world.hook("hook", &gate);
        let mut rotation =
            world.rotate(&["--store", &file(&held), "--deploy", &program, "--overlap", "0"]);
        gate.wait();
        rotation.signal(first);
        rotation.says("Press Ctrl-C again to stop at once; the journal makes that safe");
        rotation.signal(second);
        let (status, printed) = rotation.end();
        assert_eq!(status.code(), Some(3), "{printed}");
        assert!(printed.contains("stopped at once"), "{printed}");
        assert!(printed.contains("run: kernel-keys resume"), "{printed}");
        assert!(world.works(&held));
        gate.open();
        let output = world.resume_and_check(&held, &printed);
        assert!(output.contains("ci is rotated"), "{output}");
    }
}

/// Those under way stop at a safe point, and no other is begun.
#[test]
fn many_at_a_time() {
    let world = World::new();
    fs::create_dir(world.path("keys")).unwrap();
    for name in ["ci-1", "ci-2", "ci-3"] {
        let held = world.stored(name);
        fs::rename(held, world.path("keys").join(name)).unwrap();
    }
    let (gate, came) = (world.gate("gate"), world.path("came"));
    let lines = format!("echo >> {}\n{}", came.display(), gate.pass());
    let program = world.program("hook", &lines).to_str().unwrap().to_owned();
    let store = format!("file:{}/{{name}}", world.path("keys").display());
    let mut fleet = world.begin(&[
        "--timeout",
        "0.5",
        "rotate-all",
        "--name",
        "ci-*",
        "--store",
        &store,
        "--concurrency",
        "2",
        "--deploy",
        &program,
        "--overlap",
        "0",
    ]);
    until("two do not come", || fs::read(&came).is_ok_and(|lines| lines.len() == 2));
    fleet.signal("-INT");
    fleet.says("Stopping at the next safe point");
    gate.open();
    let (status, printed) = fleet.end();
    assert_eq!(status.code(), Some(3), "{printed}");
    assert_eq!(
        printed.matches("not started, because of the signal to stop").count(),
        1,
        "{printed}"
    );
    assert!(printed.contains("run: kernel-keys resume"), "{printed}");
    let resumed = world.run(&["resume"]);
    assert_eq!(code(&resumed), Some(0), "{}", text(&resumed));
    assert_eq!(text(&resumed).matches("is rotated").count(), 2, "{}", text(&resumed));
    for name in ["ci-1", "ci-2", "ci-3"] {
        assert!(world.works(&world.path("keys").join(name)), "{name}");
    }
    let mut names = world.names();
    names.sort();
    assert_eq!(names, ["bootstrap", "ci-1", "ci-2", "ci-3"]);
}
