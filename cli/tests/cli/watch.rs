//! `audit` for machines: its exit code, and the metrics that it leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use onkernel::testing::NewKey;

use crate::support::{Bench, assert_mentions, run};

#[test]
fn the_exit_code_says_whether_keys_are_selected() {
    let bench = Bench::new();
    bench.add(&["ci"]);
    let ran = bench.run(["audit", "--name", "ci", "--exit-code"]);
    assert_eq!(ran.code, Some(4));
    assert_mentions(&ran.out, &["ci: it is in scope"]);
    assert!(!ran.err.contains("error"), "{ran:?}");
    let ran = bench.run(["audit", "--name", "ci", "--exit-code", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), ""));
    assert_mentions(&ran.out, &["\"why\""]);
    bench.run(["audit", "--name", "none", "--exit-code"]).done();
    bench.run(["audit", "--name", "ci"]).done();
    bench.run(["audit", "--exit-code"]).failed(2);
    let mut unknown = bench.command(["audit", "--name", "ci", "--exit-code"]);
    run(unknown.env("KERNEL_API_KEY", "sk_unknown_0123456789")).failed(1);
}

/// The samples of a file in the text format, each by its name and labels; fails on anything that the
/// format does not allow.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'), "the last line ends, too");
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            && name.starts_with(|c: char| !c.is_ascii_digit())
    };
    let (mut samples, mut families, mut current) = (BTreeMap::new(), BTreeSet::new(), "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, _) = help.split_once(' ').unwrap();
            assert!(is_name(name) && families.insert(name), "{name}");
            let kind = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
            let (typed, kind) = kind.split_once(' ').unwrap();
            assert_eq!(typed, name);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(["gauge", "counter"].contains(&kind), "{kind}");
            current = name;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert_eq!(name, current, "samples follow their family");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let mut rest = labels.strip_prefix('{').unwrap();
            while let Some((label, more)) = rest.split_once("=\"") {
                assert!(is_name(label), "{label}");
                let mut end = 0;
                let bytes = more.as_bytes();
                while bytes[end] != b'"' {
                    if bytes[end] == b'\\' {
                        end += 1;
                        assert!(b"\\\"n".contains(&bytes[end]), "{line}");
                    }
                    end += 1;
                }
                rest = more[end + 1..].strip_prefix(',').unwrap_or(&more[end + 1..]);
            }
            assert_eq!(rest, "}", "{line}");
        }
        let value: f64 = value.parse().unwrap();
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
    }
    samples
}

/// What Prometheus' own program says, where it is installed.
fn promtool(text: &str) {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else { return println!("promtool is not installed") };
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = tool.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let bench = Bench::new();
    let home = tempfile::tempdir().unwrap();
    let odd = bench.server.add_key(NewKey::named("a \"b\\c\"\nd").days(30));
    let stored = bench.server.add_key(NewKey::named("ci"));
    let key = home.path().join("ci");
    fs::write(&key, stored.plaintext()).unwrap();
    let store = format!("file:{}", key.display());
    let args =
        ["rotate", "--store", &store, "--retire", "delete", "--overlap", "0", "--settle", "0"];
    run(bench.command(args).arg("--timeout=0.5").env("HOME", home.path())).done();
    // One that fails and leaves all as it was.
    let verify = ["--verify", "false", "--timeout=0.5"];
    let mut failing = bench.command([&args[..], &verify].concat());
    let failed = run(failing.env("HOME", home.path()).env("PATH", "/usr/bin:/bin"));
    assert_eq!(failed.code, Some(1), "{failed:?}");

    let file = home.path().join("kernel_keys.prom");
    let audit = ["audit", "--name", "*", "--own", "--prometheus", file.to_str().unwrap()];
    run(bench.command(audit).env("HOME", home.path())).done();
    let text = fs::read_to_string(&file).unwrap();
    promtool(&text);
    let samples = parsed(&text);
    assert_eq!(samples["kernel_keys_selected_keys"], 3.0);
    let one = |name: &str, with: &str| {
        let mut found = samples.iter().filter(|(it, _)| it.starts_with(name) && it.contains(with));
        let value = *found.next().unwrap_or_else(|| panic!("{name} {with} in {text}")).1;
        assert!(found.next().is_none(), "{name} {with}");
        value
    };
    let expiry = one("kernel_keys_key_expiry_timestamp_seconds", &odd.id);
    assert!(
        (expiry - one("kernel_keys_key_created_timestamp_seconds", &odd.id) - 2_592_000.0).abs()
            < 1.0
    );
    assert!(one("kernel_keys_key_age_seconds", &odd.id) < 600.0);
    assert!(one("kernel_keys_rotation_last_success_timestamp_seconds", &store) > 1.0e9);
    assert_eq!(one("kernel_keys_rotations_total", &store), 1.0);
    assert_eq!(one("kernel_keys_rotation_failures_total", &store), 1.0);
    assert_eq!(one("kernel_keys_rotation_unfinished", &store), 0.0);
    for secret in [stored.plaintext().to_owned(), fs::read_to_string(&key).unwrap()] {
        assert!(!text.contains(secret.trim()), "a key is in the metrics");
    }
    // Nothing else is left in the folder of the collector.
    let names: Vec<_> =
        fs::read_dir(home.path()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{names:?}");
}

#[test]
fn a_file_that_cannot_be_is_named_before_or_after() {
    let bench = Bench::new();
    let home = tempfile::tempdir().unwrap();
    let audit = |file: &str| {
        let mut command = bench.command(["audit", "--name", "*", "--prometheus", file]);
        run(command.env("HOME", home.path()))
    };
    assert_mentions(audit("x.txt").failed(2), &["x.txt", ".prom"]);
    assert_mentions(audit("/dev/null/x.prom").failed(1), &["/dev/null/x.prom"]);
}
