//! `doctor`: what is wrong, and what mends it.

use std::fs;
use std::process::Command;

use chrono::TimeDelta;
use onkernel::testing::{AuthContext, NewKey, Policy, Server};
use serde_json::Value;

use crate::support::{Bench, assert_mentions, program, run};

/// The program with a home of its own.
fn doctor(bench: &Bench, home: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = bench.command([&["doctor"], args].concat());
    command.env("HOME", home.path());
    command
}

/// What is said of one thing.
#[track_caller]
fn of<'a>(report: &'a Value, check: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().rfind(|one| one["check"] == check);
    found.unwrap_or_else(|| panic!("{check} is not in {report}"))
}

/// The report of a run that found problems, or none.
#[track_caller]
fn report(command: &mut Command, code: i32) -> Value {
    let ran = run(command.arg("--json"));
    assert_eq!(ran.code, Some(code), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["healthy"], code == 0, "{report}");
    report
}

#[test]
fn all_is_well() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let ran = run(&mut doctor(&bench, &home, &[]));
    let names = ["configuration", "proxy", "server", "clock", "key", "scope", "journals"];
    assert_mentions(ran.done(), &names);
    assert_mentions(ran.done(), &["bootstrap", "the whole organization", "it may manage keys"]);
    assert!(!ran.out.contains('✗') && !ran.out.contains(bench.server.bootstrap_key()), "{ran:?}");
    report(&mut doctor(&bench, &home, &[]), 0);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing is changed");
}

#[test]
fn without_a_key_it_says_how_to_give_one() {
    let home = tempfile::tempdir().unwrap();
    let mut command = program(["doctor"]);
    let report = report(command.env("HOME", home.path()), 1);
    let key = of(&report, "key");
    assert_eq!(key["status"], "wrong");
    assert_mentions(key["mend"].as_str().unwrap(), &["KERNEL_API_KEY", "--key-file"]);
    assert_eq!(of(&report, "server")["status"], "skipped");
}

#[test]
fn a_key_that_does_not_work_is_told_from_a_server_that_does_not() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let mut command = doctor(&bench, &home, &[]);
    let wrong = report(command.env("KERNEL_API_KEY", "sk_unknown_0123456789"), 1);
    assert_eq!(of(&wrong, "server")["status"], "good");
    assert_eq!(of(&wrong, "key")["status"], "wrong");
    assert_mentions(of(&wrong, "key")["mend"].as_str().unwrap(), &["KERNEL_API_KEY"]);
    let mut command = doctor(&bench, &home, &["--base-url", "http://127.0.0.1:1"]);
    let away = report(&mut command, 1);
    assert_eq!(of(&away, "server")["status"], "wrong");
    assert_mentions(of(&away, "server")["mend"].as_str().unwrap(), &["--base-url"]);
}

#[test]
fn a_certificate_that_nobody_trusts_is_named() {
    // What is no TLS at all fails in the same place.
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let url = bench.server.url().replace("http://", "https://");
    let report = report(&mut doctor(&bench, &home, &["--base-url", &url]), 1);
    let checks = report["checks"].as_array().unwrap();
    let wrong: Vec<_> = checks.iter().filter(|one| one["status"] == "wrong").collect();
    assert_eq!(wrong.len(), 1, "{report}");
}

#[test]
fn a_clock_that_is_off_is_measured() {
    let builder = Server::builder().clock_offset(TimeDelta::hours(1));
    let (bench, home) = (Bench::with(builder), tempfile::tempdir().unwrap());
    let report = report(&mut doctor(&bench, &home, &[]), 1);
    let clock = of(&report, "clock");
    assert_eq!(clock["status"], "wrong", "{report}");
    assert_mentions(clock["message"].as_str().unwrap(), &["behind"]);
}

#[test]
fn a_key_that_may_not_manage_keys_is_a_warning() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let policy = Policy::new().allow("browsers:use", "projects/proj_1/*");
    let key = bench.server.add_key(NewKey::named("narrow").project("proj_1").policy(policy));
    let mut command = doctor(&bench, &home, &[]);
    let report = report(command.env("KERNEL_API_KEY", key.plaintext()), 0);
    let scope = of(&report, "scope");
    assert_eq!(scope["status"], "warning", "{report}");
    assert_mentions(scope["message"].as_str().unwrap(), &["proj_1", "may not manage keys"]);
}

#[test]
fn a_server_that_does_not_say_who_calls_is_no_problem() {
    let builder = Server::builder().auth_context(AuthContext::Missing);
    let (bench, home) = (Bench::with(builder), tempfile::tempdir().unwrap());
    let report = report(&mut doctor(&bench, &home, &[]), 0);
    assert_mentions(of(&report, "key")["message"].as_str().unwrap(), &["bootstrap"]);
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_a_warning_with_the_command() {
    use std::os::unix::fs::PermissionsExt;

    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let path = home.path().join("my key");
    fs::write(&path, bench.server.bootstrap_key()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let args = ["--key-file", path.to_str().unwrap()];
    let report = report(&mut doctor(&bench, &home, &args), 0);
    let file = of(&report, "key file");
    assert_eq!(file["status"], "warning");
    // The command is one that a shell understands.
    let mend = file["mend"].as_str().unwrap();
    assert!(Command::new("sh").args(["-c", mend]).status().unwrap().success(), "{mend}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_proxy_that_calls_take_is_shown_without_its_password() {
    let proxy = "http://me:hunter2@127.0.0.1:1";
    let (https, http) = ("https://api.invalid", "http://api.invalid");
    for (url, variables, message) in [
        (https, [("HTTPS_PROXY", proxy), ("NO_PROXY", "localhost")], "http://127.0.0.1:1"),
        (https, [("HTTPS_PROXY", proxy), ("NO_PROXY", "api.invalid")], "none"),
        (https, [("HTTP_PROXY", proxy), ("NO_PROXY", "")], "none"),
        (http, [("HTTP_PROXY", proxy), ("NO_PROXY", "")], "http://127.0.0.1:1"),
        (http, [("http_proxy", proxy), ("NO_PROXY", "")], "http://127.0.0.1:1"),
        (http, [("all_proxy", "socks5://127.0.0.1:1"), ("NO_PROXY", "")], "SOCKS"),
    ] {
        let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
        let mut command = doctor(&bench, &home, &["--base-url", url, "--allow-plain-http"]);
        let report = report(command.envs(variables), 1);
        let shown = of(&report, "proxy")["message"].as_str().unwrap();
        assert!(shown.contains(message), "{url} {variables:?}: {shown}");
        assert!(!report.to_string().contains("hunter2"), "{report}");
    }
}

#[test]
fn no_proxy_leads_to_this_machine() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let report = report(doctor(&bench, &home, &[]).env("HTTP_PROXY", "http://127.0.0.1:1"), 0);
    assert_mentions(of(&report, "proxy")["message"].as_str().unwrap(), &["none"]);
}

#[test]
fn stores_are_looked_at() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let path = home.path().join("key");
    fs::write(&path, bench.server.bootstrap_key()).unwrap();
    let good = format!("file:{}", path.display());
    let well = report(&mut doctor(&bench, &home, &["--store", &good]), 0);
    assert_mentions(of(&well, "store")["message"].as_str().unwrap(), &[&good, "holds a key"]);
    let bad = report(&mut doctor(&bench, &home, &["--store", "file:/dev/null/x"]), 1);
    assert_mentions(of(&bad, "store")["mend"].as_str().unwrap(), &["store test file:/dev/null/x"]);
}

#[test]
fn journals_that_are_damaged_or_cannot_be_written_are_found() {
    let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
    let journals = home.path().join("j");
    fs::create_dir(&journals).unwrap();
    fs::write(journals.join("a.jsonl"), "damaged\n").unwrap();
    let damaged = report(&mut doctor(&bench, &home, &["--journal", journals.to_str().unwrap()]), 1);
    assert_mentions(of(&damaged, "journals")["mend"].as_str().unwrap(), &["a.jsonl", "resume"]);
    let unwritable = report(&mut doctor(&bench, &home, &["--journal", "/proc/j"]), 1);
    assert_mentions(of(&unwritable, "journals")["mend"].as_str().unwrap(), &["--journal DIR"]);
}
