//! `serve`: a server for other programs, stopped by a signal.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use onkernel::Client;
use serde_json::Value;

use crate::support::{Bench, Ran, assert_mentions, program, run};

/// A served server, which dies with the test.
struct Served(Child, BufReader<std::process::ChildStdout>);

impl Served {
    fn start(args: &[&str]) -> Self {
        let mut child = program(["serve"].iter().chain(args))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn stop(mut self, signal: &str) -> Ran {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.0.wait().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        self.1.read_to_string(&mut out).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ran { code: status.code(), out, err }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn json_is_one_line_that_a_client_can_use() {
    let mut served = Served::start(&["--json"]);
    let line: Value = serde_json::from_str(&served.line()).unwrap();
    let (url, key) = (line["url"].as_str().unwrap(), line["key"].as_str().unwrap());
    let client = Client::builder().base_url(url).api_key(key).build().unwrap();
    let bench = Bench::new();
    assert_eq!(bench.block_on(client.api_keys().list().send()).unwrap().len(), 1);
    let ran = run(bench
        .command(["create", "x", "--project-id", "proj_demo"])
        .env("KERNEL_BASE_URL", url)
        .env("KERNEL_API_KEY", key));
    assert!(ran.done().starts_with("sk_"));
    assert_eq!(served.stop("-TERM").done(), "");
}

#[test]
fn people_see_where_it_is_and_how_to_try_it() {
    let mut served = Served::start(&["--addr", "127.0.0.1:0"]);
    assert_mentions(&served.line(), &["URL http://127.0.0.1:"]);
    assert_mentions(&served.line(), &["Key sk_"]);
    let ran = served.stop("-INT");
    assert_eq!(ran.done(), "");
    assert_mentions(&ran.err, &["embedded server", "KERNEL_BASE_URL=", "Stopped."]);
}

#[test]
fn the_key_may_go_to_a_file_that_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let shown = path.to_str().unwrap();
    for empty in [false, true] {
        if empty {
            fs::write(&path, "").unwrap();
        }
        let mut served = Served::start(&["--json", "--key-file", shown]);
        let line: Value = serde_json::from_str(&served.line()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().trim_end(), line["key"].as_str().unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        served.stop("-TERM").done();
    }
    fs::write(&path, "precious").unwrap();
    for args in [["serve", "--key-file", shown], ["--key-file", shown, "serve"]] {
        assert_mentions(run(&mut program(args)).failed(1), &["already exists"]);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn faults_are_ordered_by_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    let shown = path.to_str().unwrap();
    assert_mentions(run(&mut program(["serve", "--faults", shown])).failed(2), &[shown]);
    fs::write(&path, "[\n{\"do\": \"explode\"}]").unwrap();
    let ran = run(&mut program(["serve", "--faults", shown]));
    assert_mentions(ran.failed(2), &[shown, "explode", "line 2"]);

    fs::write(&path, r#"[{"method": "GET", "do": {"status": {"code": 403}}}]"#).unwrap();
    let mut served = Served::start(&["--json", "--faults", shown]);
    let line: Value = serde_json::from_str(&served.line()).unwrap();
    let args = ["list", "--base-url", line["url"].as_str().unwrap()];
    let ran = run(program(args).env("KERNEL_API_KEY", line["key"].as_str().unwrap()));
    assert_mentions(ran.failed(1), &["403"]);
    assert_eq!(served.stop("-TERM").json()["fired"], serde_json::json!([1]));
    let mut served = Served::start(&["--faults", shown]);
    assert_mentions(&served.line(), &["URL"]);
    assert_mentions(&served.stop("-INT").err, &["Fault 1 fired 0 times."]);
}

/// A server that lags behind itself, hears things twice and has a clock of its own.
#[test]
fn conditions_are_ordered_by_a_file_and_come_on_top_of_other_faults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    let orders = r#"[
        {"method": "GET", "do": {"stale_reads": {"lag": {"requests": 2}, "changes": ["created"]}}},
        {"method": "POST", "times": 1, "do": {"doubled": {"response": "second"}}},
        {"do": {"clock_skew": {"ms": -36000000}}},
        {"method": "POST", "nth": 2, "do": {"rejected": {"status": 402, "code": "api_key_limit"}}}
    ]"#;
    fs::write(&path, orders).unwrap();
    let mut served = Served::start(&["--json", "--faults", path.to_str().unwrap()]);
    let line: Value = serde_json::from_str(&served.line()).unwrap();
    let kernel_keys = |args: &[&str]| {
        let url = line["url"].as_str().unwrap();
        let mut command = program([args, &["--base-url", url, "--json"]].concat());
        run(command.env("KERNEL_API_KEY", line["key"].as_str().unwrap()))
    };
    let made = kernel_keys(&["create", "twice"]).json();
    let created_at = made["created_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    assert!(chrono::Utc::now() - created_at.unwrap() > chrono::TimeDelta::hours(9));
    assert_mentions(kernel_keys(&["create", "once"]).failed(1), &["402", "api_key_limit"]);
    let names = || kernel_keys(&["list", "--name", "twice"]).json().as_array().unwrap().len();
    assert_eq!([names(), names()], [0, 2]);
    assert_eq!(served.stop("-TERM").json()["fired"], serde_json::json!([2, 1, 4, 1]));
}

#[test]
fn addresses_that_will_not_do_are_rejected() {
    let ran = run(&mut program(["serve", "--addr", "0.0.0.0:0"]));
    assert_mentions(ran.failed(2), &["other machines", "--allow-remote"]);
    run(&mut program(["serve", "--addr", "localhost"])).failed(2);
    let bench = Bench::new();
    let taken = bench.server.url().strip_prefix("http://").unwrap();
    let ran = run(&mut program(["serve", "--addr", taken]));
    assert_mentions(ran.failed(1), &["cannot listen on", "--addr"]);
}

#[test]
fn other_machines_are_let_in_when_that_is_allowed() {
    let mut served = Served::start(&["--json", "--addr", "0.0.0.0:0", "--allow-remote"]);
    assert_mentions(&served.line(), &["0.0.0.0"]);
    served.stop("-TERM").done();
}

#[test]
fn stubs_come_from_a_file_and_requests_go_to_one_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (stubs, record) = (folder.path().join("stubs.json"), folder.path().join("requests.jsonl"));
    let (stubs, record) = (stubs.to_str().unwrap(), record.to_str().unwrap());
    for (text, says) in [
        ("", "No such file"),
        (
            "[\n{\"operation\": \"browsers.get\", \"merge\": {}, \"json\": 1}]",
            "`browsers.get` needs one of",
        ),
        ("[{\"operation\": \"browsers.get\", \"events\": [], \"cut\": 1}]", "unknown field `cut`"),
        (
            "[{\"operation\": \"browsers.git\", \"merge\": {}}]",
            "no operation is called `browsers.git`",
        ),
        ("[{\"operation\": \"api_keys.list\", \"merge\": {}}]", "use a fault instead"),
    ] {
        if !text.is_empty() {
            fs::write(stubs, text).unwrap();
        }
        let ran = run(&mut program(["serve", "--stubs", stubs]));
        assert_mentions(ran.failed(2), &[says]);
    }
    let ran = run(&mut program(["serve", "--record", folder.path().to_str().unwrap()]));
    assert_mentions(ran.failed(2), &["cannot write"]);

    let error = r#"{"status": 402, "code": "payment_required", "message": "the trial is over"}"#;
    let order = format!(r#"[{{"operation": "browsers.create", "error": {error}}}]"#);
    fs::write(stubs, order).unwrap();
    let mut served = Served::start(&["--json", "--stubs", stubs, "--record", record]);
    let line: Value = serde_json::from_str(&served.line()).unwrap();
    let (url, key) = (line["url"].as_str().unwrap(), line["key"].as_str().unwrap());
    let client = Client::builder().base_url(url).api_key(key).build().unwrap();
    let call = client.request(onkernel::Method::POST, "/browsers").json(&serde_json::json!({}));
    let error = Bench::new().block_on(call.send()).unwrap_err();
    assert_mentions(&error.to_string(), &["402", "the trial is over"]);
    assert_eq!(served.stop("-TERM").done(), "");

    let lines = fs::read_to_string(record).unwrap();
    let request: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(
        (&request["operation"], &request["status"]),
        (&"browsers.create".into(), &402.into())
    );
    assert!(!lines.contains(key) && lines.contains("[redacted]"), "{lines}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(record).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// A line that cannot be written is no reason to fail a request, and one to say so in the end.
#[cfg(target_os = "linux")]
#[test]
fn a_record_that_cannot_be_written_is_reported() {
    let mut served = Served::start(&["--json", "--record", "/dev/full"]);
    let line: Value = serde_json::from_str(&served.line()).unwrap();
    let client = Client::builder().base_url(line["url"].as_str().unwrap());
    let client = client.api_key(line["key"].as_str().unwrap()).build().unwrap();
    Bench::new().block_on(client.api_keys().list().send()).unwrap();
    assert_mentions(served.stop("-TERM").failed(1), &["not every request is in /dev/full"]);
}
