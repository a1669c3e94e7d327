//! Files: what is left of a write that was killed, what they carry besides their content, and
//! variables of any name.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;

use crate::support::{World, file, files_below};

/// Kills the process when a file is renamed to the path in `KILL_AT`.
const KILLER: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int killed_at(int from_folder, const char *from, int folder, const char *to, int flags) {
    const char *at = getenv("KILL_AT");
    if (at && strcmp(at, to) == 0) kill(getpid(), SIGKILL);
    return (int)syscall(SYS_renameat2, from_folder, from, folder, to, flags);
}
int rename(const char *from, const char *to) {
    return killed_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int a, const char *from, int b, const char *to) { return killed_at(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return killed_at(a, from, b, to, (int)flags);
}
"#;

/// The second copy of the secret goes with the next who takes the lock.
#[test]
fn kill_nine_between_the_temporary_file_and_the_rename() {
    let world = World::new();
    let held = world.stored();
    let (source, killer) = (world.path("killer.c"), world.path("killer.so"));
    fs::write(&source, KILLER).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&killer, &source]);
    assert!(compiler.status().unwrap().success());
    let mut rotation = world.rotation(&file(&held), &[]);
    rotation.env("LD_PRELOAD", &killer).env("KILL_AT", fs::canonicalize(&held).unwrap());
    let ran = world.begin(&mut rotation).end();
    assert_eq!(ran.code, None, "it was not killed there: {}", ran.said);
    assert_eq!(fs::read_to_string(&held).unwrap(), world.old.plaintext());
    let new = world.new_key();

    let resumed = world.run(&["resume"]).ended_with(0);
    for path in files_below(&world.path("workload")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(new.plaintext()), "{path:?} holds the new key: {resumed}");
    }
    world.assert_as_before(&held, &format!("{}{resumed}", ran.said));
}

const ACCESS_LIST: &str = "system.posix_acl_access";

/// The list that `setfacl -m u:4242:r` leaves on a file of mode 0600.
fn access_list() -> Vec<u8> {
    let nobody = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, nobody), (2, 4, 4242), (4, 0, nobody), (16, 4, nobody), (32, 0, nobody)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Kept, or found out before a key is made: the workload reads by it.
#[test]
fn a_file_with_an_access_list() {
    let world = World::new();
    let held = world.stored();
    match setxattr(&held, ACCESS_LIST, &access_list(), XattrFlags::empty()) {
        Err(Errno::NOTSUP) => return println!("SKIPPED: no access lists on this file system"),
        set => set.unwrap(),
    }
    let list = || {
        let mut bytes = vec![0; 1024];
        let length = getxattr(&held, ACCESS_LIST, &mut bytes[..]).unwrap_or_default();
        bytes.truncate(length);
        bytes
    };
    let before = list();
    let ran = world.rotate(&file(&held), &[]);
    assert_eq!(list(), before, "{}", ran.said);
    match ran.code {
        Some(0) => world.assert_rotated(&held, &ran.said),
        _ => {
            let made = world.server.log().iter().any(|entry| entry.method == "POST");
            assert!(!made, "a key was made: {}", ran.said);
            world.assert_as_before(&held, &ran.said);
        }
    }
}

/// The file is locked once, whatever the variable is called.
#[test]
fn an_env_variable_of_any_name() {
    for name in ["write", "lock", "tmp", "KERNEL_API_KEY"] {
        let world = World::new();
        let path = world.path("workload.env");
        let with = |key: &str| format!("# ours\nA=1\n{name}={key}\nB='two words'\n");
        fs::write(&path, with(world.old.plaintext())).unwrap();
        let store = format!("env-file:{}#{name}", path.display());
        let said = world.rotate(&store, &[]).ended_with(0);
        let new = world.new_key();
        assert_eq!(fs::read_to_string(&path).unwrap(), with(new.plaintext()), "{name}: {said}");
        assert!(!world.server.authenticates(world.old.plaintext()), "{name}: {said}");
        world.assert_finished();
    }
}

/// It cannot be replaced; the message names the store that can, and that is what its readers see.
#[test]
fn a_file_with_two_names_is_written_in_place() {
    let world = World::new();
    let held = world.stored();
    let other = world.path("other-name");
    fs::hard_link(&held, &other).unwrap();
    let said = world.rotate(&file(&held), &[]).ended_with(1);
    assert!(said.contains("hard links") && said.contains("in-place:"), "{said}");

    let store = format!("in-place:{}", file(&held));
    let failed = world.rotate(&store, &["--deploy", "false"]).needs_attention(&store);
    world.run(&["resume", "--store", &store, "--deployed"]).ended_with(0);
    world.assert_as_before(&held, &failed);
    let said = world.rotate(&store, &[]).ended_with(0);
    world.assert_rotated(&held, &said);
    assert_eq!(fs::read(&held).unwrap(), fs::read(&other).unwrap(), "{said}");
}
