//! What goes wrong: the message, then the advice, and the exit code.

use std::fs;
use std::time::Duration;

use onkernel::testing::{Fault, RetryAfter};

use crate::support::{Bench, assert_mentions, program, run};

#[test]
fn the_message_comes_before_the_advice() {
    let bench = Bench::new();
    let ran = run(bench.command(["list"]).env("KERNEL_API_KEY", "sk_unknown_0123456789"));
    let mut lines = ran.failed(1).lines();
    assert_mentions(lines.next().unwrap(), &["error: ", "401", "request id"]);
    assert_mentions(lines.next().unwrap(), &["KERNEL_API_KEY"]);
    assert_eq!(lines.next(), None);
}

#[test]
fn programs_get_the_parts_of_an_error() {
    let bench = Bench::new();
    let error = bench.run(["--json", "get", "nobody"]).error(1);
    assert_eq!(error["status"], 404);
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["request_id"], bench.server.log()[0].request_id);
    assert_mentions(error["message"].as_str().unwrap(), &["404"]);
    assert_mentions(error["advice"].as_str().unwrap(), &["id"]);

    let error = bench.run(["--json", "create", "", "--never"]).error(2);
    assert_eq!(error["status"], serde_json::Value::Null);
}

#[test]
fn wrong_usage_is_json_too() {
    let error = run(&mut program(["list", "--json", "--colour"])).error(2);
    assert_mentions(error["message"].as_str().unwrap(), &["--colour"]);
    assert_mentions(error["advice"].as_str().unwrap(), &["Usage:"]);
    assert_mentions(run(&mut program(["list", "--colour"])).failed(2), &["error:", "Usage:"]);
    assert_mentions(run(&mut program::<&str>([])).failed(2), &["Usage:", "demo"]);
}

#[test]
fn a_client_that_cannot_be_is_wrong_usage() {
    let ran = run(&mut program(["list"]));
    assert_mentions(ran.failed(2), &["KERNEL_API_KEY", "--key-file"]);
    let bench = Bench::new();
    let ran = bench.run(["--base-url", "http://example.com", "list"]);
    assert_mentions(ran.failed(2), &["base URL", "http"]);
    assert_mentions(bench.run(["--project", "", "list"]).failed(2), &["project"]);
    for timeout in ["0", "soon"] {
        bench.run(["--timeout", timeout, "list"]).failed(2);
    }
    assert_eq!(bench.server.log(), []);
}

#[test]
fn the_key_may_come_from_a_file() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let args = ["list", "--base-url", bench.server.url(), "--key-file", path.to_str().unwrap()];
    assert_mentions(run(&mut program(args)).failed(2), &[path.to_str().unwrap()]);
    fs::write(&path, "\n").unwrap();
    assert_mentions(run(&mut program(args)).failed(2), &["empty"]);
    fs::write(&path, format!("{}\n", bench.server.bootstrap_key())).unwrap();
    run(&mut program(args)).done();
    // It is stronger than the environment.
    run(bench.command(args).env("KERNEL_API_KEY", "sk_unknown_0123456789")).done();
}

#[test]
fn no_option_takes_a_key() {
    let bench = Bench::new();
    bench.run(["--api-key", "sk_0123456789abcdef", "list"]).failed(2);
}

#[test]
fn a_timeout_names_the_option() {
    let bench = Bench::new();
    bench.server.faults().add(Fault::delay(Duration::from_secs(30)).method("POST"));
    let ran = bench.run(["--timeout", "0.1", "create", "ci"]);
    assert_mentions(ran.failed(1), &["100ms", "may have been created"]);
}

#[test]
fn a_rate_limit_says_how_long() {
    let bench = Bench::new();
    bench.server.faults().add(Fault::too_many_requests(RetryAfter::Seconds(300)));
    assert_mentions(bench.run(["list"]).failed(1), &["429", "300 seconds"]);
}

#[test]
fn verbose_shows_the_call_and_its_request_id() {
    let bench = Bench::new();
    let ran = bench.run(["list", "-v"]);
    ran.done();
    let id = bench.server.log()[0].request_id.clone();
    assert_mentions(&ran.err, &["api_keys.list", "/org/api_keys", "200", &id]);
}

#[test]
fn verbose_shows_why_a_call_is_retried() {
    let bench = Bench::new();
    let wait = RetryAfter::Milliseconds(3);
    bench.server.faults().add(Fault::too_many_requests(wait).times(1));
    let ran = bench.run(["list", "-v"]);
    ran.done();
    assert_mentions(&ran.err, &["trying again", "rate limited", "3ms", "attempt=2"]);
}
