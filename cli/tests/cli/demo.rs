//! `demo`: the first thing that a stranger sees.

use serde_json::Value;

use crate::support::{assert_mentions, program, run};
#[cfg(unix)]
use crate::terminal::Terminal;

/// What differs from run to run, replaced.
fn steady(text: &str) -> String {
    let replaced = text.lines().map(|line| {
        if let Some((before, after)) = line.split_once("http://127.0.0.1:") {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{before}http://127.0.0.1:PORT{after}");
        }
        if let Some((before, after)) = line.split_once("the workload made ")
            && let Some((_, after)) = after.split_once(" calls")
        {
            return format!("{before}the workload made N calls{after}");
        }
        if let Some((before, _)) = line.split_once("[request id ") {
            return format!("{before}[request id …]");
        }
        for title in ["Created ", "Expires "] {
            if let Some((before, after)) = line.split_once('(')
                && line.contains(title)
                && let Some((_, after)) = after.split_once(')')
            {
                return format!("{before}(…){after}");
            }
        }
        line.to_owned()
    });
    replaced.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_tells_the_whole_story() {
    let ran = run(&mut program(["demo"]));
    assert_eq!(ran.err, "");
    insta::assert_snapshot!("demo", steady(ran.done()));
}

/// Of this `cargo xtask pictures` makes the picture in the README.
#[cfg(unix)]
#[test]
fn a_terminal_shows_it_in_colour() {
    let mut demo = program(["demo"]);
    // Progress goes elsewhere, and with it the timings, which differ each time.
    let terminal = Terminal::of_results(demo.env("TERM", "xterm"), 100);
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    insta::assert_snapshot!("demo-in-colour", steady(&shown.replace('\u{1b}', "␛")));
}

#[test]
fn it_needs_no_account_and_touches_none() {
    let ran = run(program(["demo"])
        .env("KERNEL_API_KEY", "sk_of_a_real_account")
        .env("KERNEL_BASE_URL", "http://127.0.0.1:1")
        .env("NO_COLOR", "1"));
    assert_mentions(ran.done(), &["embedded server", "no account was touched"]);
    assert!(!ran.out.contains('\u{1b}'));
}

#[test]
fn programs_get_a_summary() {
    let ran = run(&mut program(["--json", "demo"]));
    let summary = ran.json();
    assert_eq!(summary["embedded_server"], true);
    assert_eq!(summary["account_touched"], false);
    let statuses: Vec<Option<u64>> =
        summary["errors"].as_array().unwrap().iter().map(|e| e["status"].as_u64()).collect();
    let wanted = [None, Some(400), None, Some(400), Some(400), Some(401), Some(404), Some(404)];
    assert_eq!(statuses, wanted);
    let keys = summary["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 11);
    let (gone, left): (Vec<_>, Vec<_>) = keys.iter().partition(|k| k["deleted_at"].is_string());
    assert_eq!(gone.len(), 4);
    let marked = |key: &&Value| key["name"].as_str().unwrap().starts_with("~onk-");
    assert_eq!(gone.iter().filter(|key| marked(key)).count(), 1, "the response that was lost");
    assert!(!left.iter().any(marked), "an orphan");
    assert_eq!(left.iter().filter(|key| key["name"] == "checkout").count(), 1);
    assert!(keys.iter().all(|key| key["outcome"].is_string() && key.get("key").is_none()));
}

#[test]
fn it_prints_no_plaintext() {
    for args in [&["demo"][..], &["demo", "--json"], &["demo", "-vvv"]] {
        let ran = run(&mut program(args));
        let shown = format!("{}{}", ran.done(), ran.err);
        for (at, _) in shown.match_indices("sk_") {
            let rest = &shown[at + "sk_".len()..];
            let length =
                rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            assert!(length <= 4, "{}", &shown[at..]);
        }
    }
}
