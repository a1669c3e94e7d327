//! `list`: all pages, every filter, for people and for programs.

use chrono::Duration;
use onkernel::testing::NewKey;

use crate::support::{Bench, assert_mentions, run_unread};

#[test]
fn all_pages_become_one_table() {
    let bench = Bench::new();
    bench.add(&["a", "b", "c", "d"]);
    let ran = bench.run(["list", "--limit", "2"]);
    let names: Vec<&str> =
        ran.done().lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(names, ["NAME", "d", "c", "b", "a", "bootstrap"]);
    assert_eq!(bench.server.log().len(), 3);
    assert_eq!(ran.err, "5 keys\n");
}

#[test]
fn times_are_in_words() {
    let bench = Bench::new();
    let now = bench.server.now();
    let key = NewKey::named("old").created_at(now - Duration::days(3));
    bench.server.add_key(key.expires_at(now - Duration::days(2)));
    bench.server.add_key(NewKey::named("new").days(12).project("proj_1"));
    let ran = bench.run(["list"]);
    assert_mentions(
        ran.done(),
        &["3 days ago", "expired 2 days ago", "in 12 days", "never", "just now", "Checkout"],
    );
    assert_eq!(ran.err, "3 keys, 1 expired\n");
}

#[test]
fn programs_get_an_array() {
    let bench = Bench::new();
    let added = bench.add(&["a", "b"]);
    let ran = bench.run(["--json", "list", "--limit", "1", "--sort-direction", "asc"]);
    let printed = ran.json();
    assert_eq!(printed.as_array().unwrap().len(), 3);
    assert_eq!(printed[1]["id"], added[0].id);
    assert_eq!(printed[1]["masked_key"], added[0].masked_key);
    assert_eq!(ran.err, "");
    assert_eq!(bench.run(["--json", "list", "--query", "nothing"]).done(), "[]");
}

#[test]
fn every_filter_reaches_the_server() {
    let bench = Bench::new();
    let added = bench.add(&["b-1", "a-1", "A-1", "c"]);
    assert!(bench.server.delete(&added[3].id));
    let names = |args: &[&str]| -> Vec<String> {
        let args = ["list", "--json", "--sort-direction", "asc"].iter().chain(args);
        let printed = bench.run(args).json();
        printed.as_array().unwrap().iter().map(|k| k["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&["--query=-1"]), ["b-1", "a-1", "A-1"]);
    assert_eq!(names(&["--name", "a-1"]), ["a-1", "A-1"]);
    assert_eq!(names(&["--query=-1", "--sort-by", "name"]), ["a-1", "A-1", "b-1"]);
    assert_eq!(names(&["--status", "deleted"]), ["c"]);
    assert_eq!(names(&["--status", "all"]).len(), 5);
    assert_eq!(names(&["--include-deleted"]).len(), 5);
    assert_eq!(names(&["--offset", "3"]), ["A-1"]);
    bench.server.clear_log();
    assert_eq!(names(&["--max", "2"]), ["bootstrap", "b-1"]);
    assert_eq!(bench.server.log().len(), 1, "no more is asked for than is wanted");
    assert_mentions(&bench.run(["list", "--status", "all"]).err, &["5 keys, 1 deleted"]);
}

#[test]
fn filters_that_are_none_are_wrong_usage() {
    let bench = Bench::new();
    for args in [["--sort-by", "colour"], ["--status", "gone"], ["--limit", "101"]] {
        bench.run(["list"].iter().chain(&args)).failed(2);
    }
    assert_eq!(bench.server.log(), []);
}

#[test]
fn a_project_confines_the_list() {
    let bench = Bench::new();
    bench.server.add_key(NewKey::named("inside").project("proj_1"));
    let printed = bench.run(["--project", "proj_1", "--json", "list"]).json();
    assert_eq!(printed.as_array().unwrap().len(), 1);
    assert_eq!(printed[0]["name"], "inside");
}

#[test]
fn names_cannot_steer_the_terminal() {
    let bench = Bench::new();
    bench.add(&["\u{1b}]0;owned\u{7}\r\nx"]);
    let ran = bench.run(["list"]);
    assert_mentions(ran.done(), &["\\u{1b}]0;owned\\u{7}\\r\\nx"]);
    assert!(!ran.done().chars().any(|c| c.is_control() && c != '\n'), "{ran:?}");
    assert_eq!(ran.done().lines().count(), 3);
}

#[test]
fn nothing_to_list_is_no_failure() {
    let ran = Bench::new().run(["list", "--name", "none"]);
    assert_eq!((ran.done(), ran.err.as_str()), ("", "No keys.\n"));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let bench = Bench::new();
    let id = bench.last().id;
    let commands = [vec!["list"], vec!["whoami"], vec!["get", &id], vec!["rename", &id, "x"]];
    for args in commands.into_iter().chain([vec!["demo"], vec!["--json", "demo"], vec!["serve"]]) {
        let ran = run_unread(&mut bench.command(&args));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{args:?}");
    }
}
