//! Rotations on the command line: exit codes, and processes killed at many points.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

struct World {
    server: Child,
    url: String,
    key: String,
    folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl World {
    fn new() -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_kernel-keys"))
            .args(["serve", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |field: &str| said[field].as_str().unwrap().to_owned();
        let (url, key) = (text("url"), text("key"));
        Self { server, url, key, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kernel-keys"));
        // The settle time is twice the timeout.
        command
            .args(["--timeout", "0.5"])
            .args(args)
            .env("KERNEL_BASE_URL", &self.url)
            .env("KERNEL_API_KEY", &self.key)
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A key of this name in a file of this name.
    fn stored(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = self.run(&["create", name, "--days", "30"]);
        assert!(made.status.success());
        fs::write(&path, made.stdout).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let listed = self.run(&["list", "--json"]);
        let keys: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let keys = keys.as_array().unwrap().iter();
        keys.map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    }

    fn works(&self, path: &Path) -> bool {
        let path = path.to_str().unwrap();
        self.run(&["--key-file", path, "list", "--limit", "1", "--max", "1"]).status.success()
    }
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_key_is_rotated_and_what_is_said_holds_no_secret() {
    let world = World::new();
    let path = world.stored("ci");
    let old = fs::read_to_string(&path).unwrap();
    let store = format!("file:{}", path.display());
    let rotate = ["rotate", "--store", &store, "--overlap", "0"];
    // Nothing is deleted by silence.
    assert_eq!(code(&world.run(&rotate)), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), old);

    let done = world.run(&[&rotate[..], &["--deploy", "true", "--json"]].concat());
    assert_eq!(code(&done), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let new = fs::read_to_string(&path).unwrap();
    assert_ne!(new, old);
    assert!(world.works(&path));
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains(old.trim()) && !said.contains(new.trim()));

    // The hook is told the store, and neither the secret nor the caller's key.
    let seen = world.path("seen");
    let verify = format!("sh -c 'env > {}; exit 1'", seen.display());
    let undone = world.run(&[&rotate[..], &["--verify", &verify]].concat());
    assert_eq!(code(&undone), Some(1), "{}", String::from_utf8_lossy(&undone.stderr));
    assert_eq!(fs::read_to_string(&path).unwrap(), new);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains(&format!("KERNEL_KEYS_STORE={store}")) && !seen.contains("sk_"),
        "{seen}"
    );
    assert_eq!(world.names(), ["ci", "bootstrap"]);
    assert_eq!(code(&world.run(&["rotate", "--store", "vault:x"])), Some(2));
}

#[test]
fn resuming_with_nothing_to_do_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_kernel-keys"))
        .arg("resume")
        .env_remove("KERNEL_API_KEY")
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&done), Some(0));
}

/// Killed with SIGKILL at many points, from before the first request to after the last.
#[test]
fn a_rotation_that_is_killed_is_finished_or_undone() {
    let world = World::new();
    let path = world.stored("ci");
    let store = format!("file:{}", path.display());
    let mut killed = 0;
    for ms in (0..64).step_by(4) {
        let mut rotation = world
            .command(&["rotate", "--store", &store, "--overlap", "0", "--retire", "delete"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        let _ = rotation.kill();
        killed += usize::from(!rotation.wait().unwrap().success());
        assert!(world.works(&path), "after {ms} ms");
        let resumed = world.run(&["resume"]);
        let said = String::from_utf8_lossy(&resumed.stderr);
        assert_eq!(code(&resumed), Some(0), "after {ms} ms: {said}");
        assert!(world.works(&path), "after {ms} ms and resuming");
        assert_eq!(world.names(), ["ci", "bootstrap"], "after {ms} ms: {said}");
        let again = world.run(&["resume"]);
        assert!(again.status.success() && again.stdout.is_empty());
    }
    assert!(killed > 0, "none was killed in time");
    let journals = fs::read_dir(world.path("state/kernel-keys")).unwrap();
    for journal in journals.flatten() {
        assert!(!fs::read_to_string(journal.path()).unwrap_or_default().contains("sk_"));
    }
}
