//! Journals in the database that `tests/real/postgres/run` starts: without one, a line says so.

use std::fs;
use std::process::Output;

use crate::support::{World, code, text};

fn database() -> Option<String> {
    let database = std::env::var("ONKERNEL_REAL_POSTGRES").ok();
    if database.is_none() {
        println!("skipped: ONKERNEL_REAL_POSTGRES names no database");
    }
    database
}

fn run(world: &World, database: &str, args: &[&str]) -> Output {
    world.command(args).env("DATABASE_URL", database).output().unwrap()
}

#[test]
fn a_key_is_rotated_and_no_file_is_written() {
    let Some(database) = database() else { return };
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
