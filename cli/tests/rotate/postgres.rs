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
    assert!(text(&migrate).contains(r#""now": 1"#), "{}", text(&migrate));
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

fn sql(statement: &str) {
    let database = std::env::var("ONKERNEL_REAL_POSTGRES_DIRECT").unwrap();
    let done = Command::new("psql").args(["-qAtX", "-c", statement, &database]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
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
