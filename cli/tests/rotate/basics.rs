//! What a rotation does, and what its hooks are output.

use std::fs;
use std::process::Command;

use crate::support::{World, code, text};

#[test]
fn a_key_is_rotated_and_what_is_printed_holds_no_secret() {
    let world = World::new();
    let path = world.stored("ci");
    let old = fs::read_to_string(&path).unwrap();
    let store = format!("file:{}", path.display());
    let rotate = ["rotate", "--store", &store, "--overlap", "0"];
    // Nothing is deleted by silence.
    assert_eq!(code(&world.run(&rotate)), Some(2));
    assert_eq!(fs::read_to_string(&path).unwrap(), old);

    let done = world.run(&[&rotate[..], &["--deploy", "true", "--json"]].concat());
    assert_eq!(code(&done), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let new = fs::read_to_string(&path).unwrap();
    assert_ne!(new, old);
    assert!(world.works(&path));
    let printed = [done.stdout, done.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    assert!(!printed.contains(old.trim()) && !printed.contains(new.trim()));

    // The hook gets the store, and neither the secret nor the caller's key.
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

/// The exit code says what happened, whether or not anybody could be output.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_changes_nothing() {
    let world = World::new();
    let held = world.stored("ci");
    let old = fs::read_to_string(&held).unwrap();
    let store = format!("file:{}", held.display());
    let full = fs::File::create("/dev/full").unwrap();
    let rotated = world
        .command(&["rotate", "--store", &store, "--retire", "delete", "--overlap", "0"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(code(&rotated), Some(0));
    assert!(text(&rotated).contains("cannot write to standard output"));
    assert_ne!(fs::read_to_string(&held).unwrap(), old);
    assert!(world.works(&held));
}
