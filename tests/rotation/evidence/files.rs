//! Rule 13: no litter beside a store, nothing lost of what a file has, and lines that every reader of
//! env files reads the same.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use onkernel::Secret;
use onkernel::rotation::{EnvFileStore, FileStore, Outcome, Retirement, RotationExt, Store};

use super::support::{Settings, world};

const NEW: &str = "sk_new_fedcba9876543210";

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut all: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn what_a_killed_writer_left_is_removed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sk_old_0123456789").unwrap();
    let left = folder.path().join(".key.onkernel-tmp");
    let store = FileStore::new(&path);
    fs::write(&left, NEW).unwrap();
    store.check().await.unwrap();
    assert_eq!(entries(folder.path()), ["key"]);
    fs::write(&left, NEW).unwrap();
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(entries(folder.path()), ["key"]);
}

#[tokio::test]
async fn attributes_and_access_lists_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sk_old_0123456789").unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&path).output();
        output.ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    let set = [
        run("setfacl", &["-m", "u:1:r"]).is_some(),
        run("setfattr", &["-n", "user.owner", "-v", "agent"]).is_some(),
    ];
    if set == [false, false] {
        println!("SKIPPED: neither setfacl nor setfattr can be used here");
        return;
    }
    let shown =
        || (run("getfacl", &["-cp"]), run("getfattr", &["-d", "-m", "-", "--absolute-names"]));
    let before = shown();
    let store = FileStore::new(&path);
    store.check().await.unwrap();
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    assert_eq!(shown(), before);
}

/// Where it can be, which is where the owner may be changed at all.
#[tokio::test]
async fn the_owner_is_kept() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sk_old_0123456789").unwrap();
    if chown(&path, Some(4242), Some(4343)).is_err() {
        println!("SKIPPED: the owner of a file cannot be changed here");
        return;
    }
    let store = FileStore::new(&path);
    store.check().await.unwrap();
    store.write(&Secret::from(NEW)).await.unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (4242, 4343));
}

#[tokio::test]
async fn lines_that_readers_read_differently_are_rejected_in_the_plan() {
    for text in [
        "KEY=   # here\n",
        "KEY=# here\n",
        "A=1\\\nKEY=sk_old_0123456789\n",
        "# a comment \\\nKEY=sk_old_0123456789\n",
        "A=1\\\r\nKEY=sk_old_0123456789\r\n",
        "A=1\\\n",
        "A=1\\",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        fs::write(&path, text).unwrap();
        let store = EnvFileStore::new(&path, "KEY").unwrap();
        assert!(store.check().await.is_err(), "{text:?}");
        assert!(store.write(&Secret::from(NEW)).await.is_err(), "{text:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// The lock of a rotation is never the lock of a write, whatever the variable is called.
#[tokio::test]
async fn a_variable_called_write_is_rotated() {
    for name in ["write", "WRITE", "onkernel", "tmp"] {
        let world = world(Settings { deploys: false, ..Settings::default() }).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        fs::write(&path, format!("A=1\n{name}={}\n", world.old().plaintext())).unwrap();
        let store = EnvFileStore::new(&path, name).unwrap();
        let rotation = world
            .client
            .rotation(&world.old_id)
            .store(store)
            .journal(&world.journal)
            .retire(Retirement::Delete)
            .clock(world.clock.clone());
        let done = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(rotation.run())
        });
        let done = tokio::time::timeout(std::time::Duration::from_secs(60), done).await;
        let report = done.expect("it waits for its own lock").unwrap().unwrap();
        assert_eq!(report.outcome, Outcome::Rotated);
        assert_eq!(entries(folder.path()), ["env"]);
    }
}

/// A path through a link is the same store as the path that it leads to.
#[tokio::test]
async fn a_store_is_known_by_its_real_place() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("release-1");
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, folder.path().join("current")).unwrap();
    let direct = FileStore::new(real.join("key")).identity();
    assert_eq!(FileStore::new(folder.path().join("current/key")).identity(), direct);
    // Replacing the file changes its inode, and not the store.
    FileStore::new(real.join("key")).write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(FileStore::new(real.join("key")).identity(), direct);
}
