//! Journals in the database that `tests/real/postgres/run` starts: without one, a line says so.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{World, code, text, until};

/// One test at a time: `resume` goes on with all that is there.
static ALONE: Mutex<()> = Mutex::new(());

/// An empty database, for as long as the other is held.
fn database() -> Option<(String, MutexGuard<'static, ()>)> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(database) = std::env::var("ONKERNEL_REAL_POSTGRES") else {
        println!("skipped: ONKERNEL_REAL_POSTGRES names no database");
        return None;
    };
    sql("drop schema if exists kernel_keys cascade");
    Some((database, alone))
}

fn run(world: &World, database: &str, args: &[&str]) -> Output {
    world.command(args).env("DATABASE_URL", database).output().unwrap()
}

#[test]
fn a_key_is_rotated_and_no_file_is_written() {
    let Some((database, _alone)) = database() else { return };
    let world = World::new();
    let migrate = run(&world, &database, &["ledger", "migrate", "--json"]);
    assert_eq!(code(&migrate), Some(0), "{}", text(&migrate));
    assert!(text(&migrate).contains(r#""now": 2"#), "{}", text(&migrate));
    let path = world.stored("ci");
    let old = fs::read_to_string(&path).unwrap();
    let store = format!("file:{}", path.display());
    let in_database = ["--journal", "postgres"];
    let rotate =
        ["rotate", "--store", &store, "--retire", "delete", "--overlap", "0", "--lease", "5"];
    let done = run(&world, &database, &[&rotate[..], &in_database].concat());
    assert_eq!(code(&done), Some(0), "{}", text(&done));
    assert_ne!(fs::read_to_string(&path).unwrap(), old);
    assert!(world.works(&path));
    for command in ["resume", "sweep"] {
        let done = run(&world, &database, &[&[command][..], &in_database].concat());
        assert_eq!(code(&done), Some(0), "{}", text(&done));
    }
    let lost = ["resume", "--store", &store, "--journal", "postgres"];
    assert_eq!(code(&run(&world, &database, &lost)), Some(0));
    assert!(!world.path("postgres").exists());
}

#[test]
fn a_database_that_is_not_there_is_named_and_its_password_is_not() {
    let world = World::new();
    let store = format!("file:{}", world.stored("ci").display());
    let rotate = ["rotate", "--store", &store, "--retire", "keep"];
    let here = run(&world, "", &[&rotate[..], &["--lease", "5"]].concat());
    assert_eq!(code(&here), Some(2), "{}", text(&here));
    let bad = "postgres://u:hunter2@h/d?sslmode=maybe";
    let refused = run(&world, bad, &[&rotate[..], &["--journal", "postgres"]].concat());
    assert_eq!(code(&refused), Some(2), "{}", text(&refused));
    let said = [refused.stdout, refused.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("sslmode") && !said.contains("hunter2"), "{said}");
}

fn sql(statement: &str) -> String {
    let database = std::env::var("ONKERNEL_REAL_POSTGRES_DIRECT").unwrap();
    let done = Command::new("psql").args(["-qAtX", "-c", statement, &database]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn printed(done: &Output) -> String {
    String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned()
}

#[test]
fn a_rotation_whose_process_was_killed_is_gone_on_with_after_its_lease() {
    let Some((database, _alone)) = database() else { return };
    let world = World::new();
    let path = world.stored("ci");
    let old = fs::read_to_string(&path).unwrap();
    let store = format!("file:{}", path.display());
    let rotate = ["rotate", "--store", &store, "--deploy", "sleep 5", "--overlap", "0"];
    let mut rotation = world
        .command(&[&rotate[..], &["--journal", "postgres", "--lease", "30"]].concat())
        .env("DATABASE_URL", &database)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("nothing is stored", || fs::read_to_string(&path).unwrap() != old);
    rotation.kill().unwrap();
    rotation.wait().unwrap();
    let resume = || run(&world, &database, &["resume", "--journal", "postgres"]);
    let in_use = resume();
    assert!(printed(&in_use).contains("in use by a rotation"), "{}", printed(&in_use));
    // The lease is over; and on another host its store is not there.
    sql("update kernel_keys.journals set until = null where open");
    let host = |line: &str| sql(&format!("update kernel_keys.records set line = {line}"));
    host(r#"regexp_replace(line, '("host":{[^}]*"name":")', '\1other-')"#);
    let elsewhere = resume();
    assert_eq!(code(&elsewhere), Some(0), "{}", printed(&elsewhere));
    assert!(printed(&elsewhere).contains("left to other-"), "{}", printed(&elsewhere));
    host("replace(line, 'other-', '')");
    let done = run(&world, &database, &["resume", "--journal", "postgres", "--deployed"]);
    assert_eq!(code(&done), Some(0), "{}", printed(&done));
    assert!(printed(&done).contains("ci is rotated"), "{}", printed(&done));
    assert!(world.works(&path));
}

#[test]
fn workers_share_a_fleet_and_anybody_sees_how_far_it_is() {
    let Some((database, _alone)) = database() else { return };
    let world = World::new();
    let status = |more: &[&str]| run(&world, &database, &[&["fleet", "status"], more].concat());
    let none = status(&[]);
    assert_eq!(code(&none), Some(0), "{}", text(&none));
    assert!(printed(&none).contains("No fleet has begun"), "{}", printed(&none));
    let paths = ["fleet-1", "fleet-2", "fleet-3"].map(|name| world.stored(name));
    let old = paths.each_ref().map(|path| fs::read_to_string(path).unwrap());
    let store = format!("file:{}/{{name}}", paths[0].parent().unwrap().display());
    let all = ["rotate-all", "--name", "fleet-*", "--store", &store, "--retire", "delete"];
    let all = [&all[..], &["--overlap", "0", "--journal", "postgres"]].concat();
    let one = || {
        let mut command = world.command(&all);
        command.env("DATABASE_URL", &database).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    for worker in [one(), one()] {
        let done = worker.wait_with_output().unwrap();
        assert_eq!(code(&done), Some(0), "{}", printed(&done));
    }
    for (path, old) in paths.iter().zip(old) {
        assert!(world.works(path) && fs::read_to_string(path).unwrap() != old, "{path:?}");
    }
    let ended = "select count(*) from kernel_keys.records where line like '%\"ended\"%'";
    assert_eq!(sql(ended), "3");
    let status = printed(&status(&["--json"]));
    assert!(status.contains(r#""under_way": false"#), "{status}");
    // What has ended is kept, and the doctor and the metrics see it.
    let doctor = run(&world, &database, &["doctor", "--journal", "postgres"]);
    assert!(printed(&doctor).contains("3 in PostgreSQL"), "{}", printed(&doctor));
    let metrics = world.path("keys.prom");
    let audit = ["audit", "--name", "fleet-*", "--journal", "postgres", "--prometheus"];
    let audit = run(&world, &database, &[&audit[..], &[metrics.to_str().unwrap()]].concat());
    assert_eq!(code(&audit), Some(0), "{}", printed(&audit));
    let metrics = fs::read_to_string(metrics).unwrap();
    let rotations = metrics.lines().filter(|it| it.starts_with("kernel_keys_rotations_total{"));
    assert_eq!(rotations.filter(|line| line.ends_with(" 1")).count(), 3, "{metrics}");
    let prune = run(&world, &database, &["ledger", "prune", "--keep", "1"]);
    assert_eq!(text(&prune).trim(), "Removed 0 journals.", "{}", printed(&prune));
    sql("update kernel_keys.journals set changed = changed - interval '2 days'");
    let prune = run(&world, &database, &["ledger", "prune", "--keep", "1"]);
    assert_eq!(text(&prune).trim(), "Removed 3 journals.", "{}", printed(&prune));
}

#[test]
fn what_is_for_the_database_only_says_so() {
    let world = World::new();
    let all = ["rotate-all", "--name", "a*", "--store", "file:/k/{name}", "--retire", "keep"];
    for (more, says) in [
        (["--keep", "30"], "--keep is for journals in PostgreSQL"),
        (["--keep", "0"], "it must be 1 to 3650 days"),
        (["--lease", "2"], "it must be 3 to 86400 seconds"),
    ] {
        let done = run(&world, "", &[&all[..], &more].concat());
        assert_eq!(code(&done), Some(2), "{}", printed(&done));
        assert!(printed(&done).contains(says), "{}", printed(&done));
    }
}

#[test]
fn an_unfinished_journal_in_a_file_is_pointed_out() {
    let Some((database, _alone)) = database() else { return };
    let world = World::new();
    let path = world.stored("ci");
    let store = format!("file:{}", path.display());
    let old = fs::read_to_string(&path).unwrap();
    let rotate = ["rotate", "--store", &store, "--deploy", "sleep 5", "--overlap", "0"];
    let mut command = world.command(&rotate);
    let mut rotation = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    until("nothing is stored", || fs::read_to_string(&path).unwrap() != old);
    rotation.kill().unwrap();
    rotation.wait().unwrap();
    let resume = run(&world, &database, &["resume", "--journal", "postgres"]);
    let says = "run kernel-keys resume without --journal";
    assert!(printed(&resume).contains(says), "{}", printed(&resume));
    let doctor = run(&world, &database, &["doctor", "--journal", "postgres"]);
    assert!(printed(&doctor).contains(says), "{}", printed(&doctor));
}

#[test]
fn every_worker_says_that_a_key_of_the_fleet_has_failed() {
    let Some((database, _alone)) = database() else { return };
    let world = World::new();
    let paths = ["fleet-1", "fleet-2", "fleet-3"].map(|name| world.stored(name));
    fs::write(&paths[1], "sk_nobodys").unwrap();
    let store = format!("file:{}/{{name}}", paths[0].parent().unwrap().display());
    let all = ["rotate-all", "--name", "fleet-*", "--store", &store, "--retire", "delete"];
    let more = ["--stop-after", "9", "--overlap", "2", "--journal", "postgres"];
    let worker = || {
        let mut command = world.command(&[&all[..], &more].concat());
        command.env("DATABASE_URL", &database).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let one = worker();
    until("no key has failed", || {
        !sql("select to_regclass('kernel_keys.tasks')").is_empty()
            && sql("select count(*) from kernel_keys.tasks where state = 'failed'") == "1"
    });
    // The others are in their overlap, so it joins them.
    let other = worker().wait_with_output().unwrap();
    assert_eq!(code(&one.wait_with_output().unwrap()), Some(1));
    assert!(printed(&other).contains("failed at "), "{}", printed(&other));
    assert_eq!(code(&other), Some(1), "{}", printed(&other));
}
