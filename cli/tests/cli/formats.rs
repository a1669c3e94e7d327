//! The formats of results: JSON, a value a line, CSV, and tables of chosen columns.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use onkernel::testing::NewKey;
use serde_json::Value;

use crate::support::{Bench, assert_mentions, program};

#[test]
fn json_has_two_names_and_one_meaning() {
    let bench = Bench::new();
    bench.add(&["a", "b"]);
    let array = bench.run(["list", "--json"]);
    assert_eq!(array.json().as_array().unwrap().len(), 3);
    assert_eq!(bench.run(["list", "--output", "json"]).done(), array.done());
    assert_eq!(bench.run(["--output", "json", "--json", "list"]).done(), array.done());
    let ran = bench.run(["list", "--json", "--output", "csv"]);
    assert_mentions(ran.failed(2), &["--json", "--output"]);
}

#[test]
fn ndjson_is_the_array_a_line_each() {
    let bench = Bench::new();
    bench.add(&["a\nb", "b"]);
    let array = bench.run(["list", "--json"]).json();
    let lines = bench.run(["list", "--output", "ndjson"]);
    let lines: Vec<Value> =
        lines.done().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::Array(lines), array);
    let ran = bench.run(["list", "--output", "ndjson", "--name", "none"]);
    assert_eq!((ran.done(), ran.err.as_str()), ("", ""));
    let id = bench.last().id;
    assert_eq!(bench.run(["get", &id, "--output", "ndjson"]).done().lines().count(), 1);
    let created = bench.run(["create", "c", "--output", "ndjson"]);
    assert_eq!(created.done().lines().count(), 1);
    assert!(created.json()["key"].is_string());
    let error = bench.run(["get", "nobody", "--output", "ndjson"]).error(1);
    assert_eq!(error["status"], 404);
    let error = bench.run(["list", "--output=ndjson", "--colour"]).error(2);
    assert_mentions(error["message"].as_str().unwrap(), &["--colour"]);
}

#[test]
fn csv_has_a_header_and_quotes_what_it_must() {
    let bench = Bench::new();
    let key = bench.server.add_key(NewKey::named("a,\"b\"").project("proj_1").days(1));
    bench.server.add_key(NewKey::named("=HYPERLINK(1)"));
    let ran = bench.run(["list", "--output", "csv", "--columns", "id,name,scope,expires,project"]);
    let lines: Vec<_> = ran.done().lines().collect();
    assert_eq!(lines[0], "id,name,scope,expires,project");
    assert_mentions(lines[1], &[",'=HYPERLINK(1),organization,,"]);
    let start = format!("{},\"a,\"\"b\"\"\",project,20", key.id);
    assert!(lines[2].starts_with(&start) && lines[2].ends_with("Z,proj_1"), "{lines:?}");
    assert_eq!(ran.err, "");
    let none = bench.run(["list", "--output", "csv", "--name", "none"]);
    assert_eq!(none.done().lines().count(), 1);
    let one = bench.run(["get", &key.id, "--output", "csv"]);
    assert_eq!(one.done().lines().count(), 2);
    assert_mentions(bench.run(["whoami", "--output", "csv"]).failed(2), &["list, get and audit"]);
}

#[test]
fn columns_are_chosen_and_ordered() {
    let bench = Bench::new();
    bench.add(&["a"]);
    let ran = bench.run(["list", "--columns", "name,creator"]);
    assert_eq!(
        ran.done().lines().collect::<Vec<_>>(),
        ["NAME       CREATOR", "a          owner@example.com", "bootstrap  owner@example.com"]
    );
    let ran = bench.run(["list", "--columns", "nmae"]);
    assert_mentions(ran.failed(2), &["similar value", "'name'", "creator"]);
    let ran = bench.run(["audit", "--name", "a", "--columns", "name,why"]);
    assert_mentions(ran.done(), &["NAME  WHY", "a     it is in scope"]);
}

/// A server with this many keys, in pages, that looks at its client before the last one.
struct Crowd {
    url: String,
    peak: Arc<AtomicU64>,
    client: Arc<Mutex<Option<u32>>>,
}

impl Crowd {
    fn new(keys: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (peak, client) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (seen, who) = (Arc::clone(&peak), Arc::clone(&client));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, who) = (Arc::clone(&seen), Arc::clone(&who));
                thread::spawn(move || serve(stream, keys, &seen, &who));
            }
        });
        Self { url, peak, client }
    }

    /// The peak of memory in KiB, and the lines that were printed.
    fn listed(&self, format: &str) -> (u64, u64) {
        self.peak.store(0, Ordering::SeqCst);
        let mut command = program(["list", "--output", format]);
        command.env("KERNEL_BASE_URL", &self.url).env("KERNEL_API_KEY", "sk_0123456789abcdef");
        let mut holder = self.client.lock().unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        *holder = Some(child.id());
        drop(holder);
        let mut lines = 0;
        let mut buffer = vec![0; 65_536];
        let out = child.stdout.as_mut().unwrap();
        while let read @ 1.. = out.read(&mut buffer).unwrap() {
            lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
        (self.peak.load(Ordering::SeqCst), lines)
    }
}

fn serve(mut stream: TcpStream, keys: u64, peak: &AtomicU64, client: &Mutex<Option<u32>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        request.extend_from_slice(&buffer[..read]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        request.clear();
        let number = |name: &str| {
            let (_, rest) = text.split_once(&format!("{name}="))?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let (first, limit) = (number("offset").unwrap_or(0), number("limit").unwrap());
        let end = (first + limit).min(keys);
        if end == keys {
            let id = client.lock().unwrap().unwrap();
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let high = high.and_then(|high| high.split_whitespace().next()?.parse().ok());
            peak.fetch_max(high.unwrap_or(0), Ordering::SeqCst);
        }
        let page: Vec<_> = (first..end).map(key).collect();
        let body = format!("[{}]", page.join(","));
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nX-Has-More: {}\r\nX-Next-Offset: {end}\r\n\r\n",
            body.len(),
            end < keys
        );
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn key(number: u64) -> String {
    format!(
        r#"{{"id":"key_{number:020}","name":"workload {number}","created_at":"2026-01-01T00:00:00Z","created_by":{{"id":"u","email":"owner@example.com","name":"Owner"}},"expires_at":null,"deleted_at":null,"project_id":null,"project_name":null,"masked_key":"sk_{number:04}...{number:04}"}}"#
    )
}

/// Where the peak of a process can be read.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_keys_stream() {
    let (few, many) = (Crowd::new(2_000), Crowd::new(100_000));
    for format in ["table", "json", "ndjson", "csv"] {
        let (small, _) = few.listed(format);
        let (large, lines) = many.listed(format);
        println!("{format}: {small} KiB for 2000 keys, {large} KiB for 100,000, {lines} lines");
        assert!(lines >= 100_000, "{format}: {lines}");
        assert!(small > 0 && large > 0, "{format}: {small}, {large}");
        // The ids that were seen stay in memory, 100 bytes each; the keys themselves do not.
        assert!(large < small + 20_000, "{format}: {small} KiB became {large} KiB");
    }
}

#[test]
fn a_pipe_that_closes_is_no_failure() {
    let many = Crowd::new(100_000);
    for format in ["table", "json", "ndjson", "csv"] {
        let mut command = program(["list", "--output", format]);
        command.env("KERNEL_BASE_URL", &many.url).env("KERNEL_API_KEY", "sk_0123456789abcdef");
        let mut holder = many.client.lock().unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        *holder = Some(child.id());
        drop(holder);
        let mut out = child.stdout.take().unwrap();
        let mut first = [0; 16];
        out.read_exact(&mut first).unwrap();
        drop(out);
        let done = child.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), printed.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn an_error_in_the_middle_is_an_error() {
    let bench = Bench::new();
    bench.add(&["a", "b", "c"]);
    bench.server.faults().add(onkernel::testing::Fault::status(400).nth(2));
    let ran = bench.run(["list", "--limit", "1", "--output", "ndjson"]);
    // The exit code says that what was printed before is not all.
    assert_eq!(ran.code, Some(1), "{ran:?}");
}
