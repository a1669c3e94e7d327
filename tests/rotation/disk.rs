//! Disks that are really full, really read-only, or lose a file, at every step of a rotation.
//!
//! What needs a disk of its own runs in a mount namespace, in a process of its own; where there are
//! none (`unshare` is missing, or not allowed) it says that it was skipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use onkernel::rotation::{
    Event, FileStore, Outcome, Retirement, Rotation, RotationError, RotationExt, RotationReport,
    Step, pending,
};

use crate::support::{Settings, World, http};

/// Says to a test that it runs in a mount namespace of its own.
const INSIDE: &str = "ONKERNEL_TEST_MOUNTS";

/// Runs a test of this file again, where it may mount; whether it runs there already.
fn may_mount(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let alone = ["--map-root-user", "--mount"];
    if !Command::new("unshare").args(alone).arg("true").status().is_ok_and(|s| s.success()) {
        println!("SKIPPED {test}: no mount namespace can be made here");
        return false;
    }
    let inner = Command::new("unshare")
        .args(alone)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("disk::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inner.stdout).into_owned();
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn mount(args: &[&str]) {
    assert!(Command::new("mount").args(args).status().unwrap().success(), "mount {args:?}");
}

fn unmount(path: &Path) {
    assert!(Command::new("umount").arg(path).status().unwrap().success());
}

/// A key in a file, and its rotation.
struct Disk {
    world: World,
    folder: PathBuf,
    _kept: tempfile::TempDir,
}

impl Disk {
    async fn new(http: &reqwest::Client, prepare: impl FnOnce(&Path)) -> Self {
        let world = World::new(http, &Settings { deploys: false, ..Settings::default() }).await;
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().join("disk");
        fs::create_dir(&folder).unwrap();
        prepare(&folder);
        let disk = Self { world, folder, _kept: kept };
        fs::write(disk.file(), disk.world.old().plaintext()).unwrap();
        disk
    }

    fn file(&self) -> PathBuf {
        self.folder.join("key")
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("journal.jsonl")
    }

    fn rotation(&self) -> Rotation {
        self.world
            .client
            .rotation(&self.world.old_id)
            .store(FileStore::new(self.file()))
            .journal(self.journal())
            .retire(Retirement::Delete)
            .clock(self.world.clock.clone())
    }

    /// Rotates, and does something when a step begins.
    async fn run(
        &self,
        at: Step,
        act: impl Fn() + Send + Sync + 'static,
    ) -> Result<RotationReport, RotationError> {
        let rotation = self.rotation().on_event(move |event| {
            if *event == (Event::Started { step: at }) {
                act();
            }
        });
        rotation.run().await
    }

    async fn resume(&self) -> Result<Option<RotationReport>, RotationError> {
        let resume = self.world.client.resume(self.journal()).store(FileStore::new(self.file()));
        resume.clock(self.world.clock.clone()).run().await
    }

    fn held(&self) -> Option<String> {
        fs::read_to_string(self.file()).ok()
    }

    fn works(&self) -> bool {
        self.held().is_some_and(|held| self.world.server.authenticates(&held))
    }

    /// The live keys that the rotation has made.
    fn made(&self) -> Vec<onkernel::testing::KeyRecord> {
        let mut keys = self.world.server.keys();
        keys.retain(|key| {
            key.deleted_at.is_none()
                && key.id != self.world.old_id
                && !self.world.bystanders.contains(&key.id)
                && key.plaintext() != self.world.server.bootstrap_key()
        });
        keys
    }

    /// With the disk as it should be, everything comes to one of two ends.
    async fn ends(&self, case: &str) {
        for _ in 0..3 {
            if pending(self.journal()).unwrap().is_some() {
                let _ = self.resume().await;
            }
        }
        assert!(pending(self.journal()).unwrap().is_none(), "{case}: it never ends");
        assert!(self.works(), "{case}: the store holds no key that works");
        let made = self.made();
        match self.world.old().deleted_at.is_some() {
            true => assert!(made.len() == 1 && self.held().as_deref() == Some(made[0].plaintext())),
            false => assert!(made.is_empty(), "{case}: {made:?}"),
        }
        let left: Vec<_> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{case}: {left:?}");
        // And the next one goes through.
        if made.is_empty() {
            self.rotation().run().await.unwrap();
        }
    }
}

const STEPS: [Step; 9] = [
    Step::Plan,
    Step::Create,
    Step::Compare,
    Step::Store,
    Step::Verify,
    Step::Overlap,
    Step::Retire,
    Step::Rename,
    Step::Settle,
];

/// Writes until nothing more fits.
fn fill(folder: &Path) {
    let mut file = fs::File::create(folder.join("filler")).unwrap();
    for size in [4096, 256, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
    let full = fs::File::create(folder.join("more")).and_then(|mut more| more.write_all(b"x"));
    assert!(full.is_err(), "the disk is not full");
}

#[tokio::test]
async fn a_full_disk_loses_no_key() {
    if !may_mount("a_full_disk_loses_no_key") {
        return;
    }
    let http = http();
    let mut undone = 0;
    for step in STEPS {
        let disk = Disk::new(&http, |folder| {
            mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.to_str().unwrap()]);
        })
        .await;
        let folder = disk.folder.clone();
        let ran = disk.run(step, move || fill(&folder)).await;
        assert!(disk.works(), "{step:?}: {ran:?}");
        undone += usize::from(ran.is_err());
        for name in ["filler", "more"] {
            let _ = fs::remove_file(disk.folder.join(name));
        }
        disk.ends(&format!("{step:?}: {ran:?}")).await;
        unmount(&disk.folder);
    }
    assert!(undone >= 3, "the disk was never full when it mattered");
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_loses_no_key() {
    if !may_mount("a_disk_that_becomes_read_only_loses_no_key") {
        return;
    }
    let http = http();
    for step in STEPS {
        let disk = Disk::new(&http, |_| {}).await;
        let folder = disk.folder.clone();
        let ran = disk
            .run(step, move || {
                let folder = folder.to_str().unwrap();
                mount(&["--bind", folder, folder]);
                mount(&["-o", "remount,bind,ro", folder]);
            })
            .await;
        assert!(disk.works(), "{step:?}: {ran:?}");
        match (step, &ran) {
            (Step::Plan, Err(error)) => assert!(error.changed_nothing(), "{error}"),
            (Step::Plan, Ok(_)) => panic!("a folder that cannot be written was not rejected"),
            (Step::Create | Step::Compare | Step::Store, _) => {
                let error = ran.as_ref().unwrap_err();
                assert!(error.to_string().contains("cannot be"), "{error}");
                assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
            }
            _ => assert!(ran.is_ok(), "{step:?}: {ran:?}"),
        }
        if disk.folder.join("key").exists() && fs::write(disk.folder.join("x"), "").is_err() {
            unmount(&disk.folder);
        }
        disk.ends(&format!("{step:?}: {ran:?}")).await;
    }
}

#[tokio::test]
async fn a_file_that_is_lost_in_the_middle_costs_no_key() {
    let http = http();
    for step in &STEPS[1..7] {
        let disk = Disk::new(&http, |_| {}).await;
        let file = disk.file();
        let ran = disk.run(*step, move || fs::remove_file(&file).unwrap()).await;
        let error = ran.unwrap_err();
        let report = error.report().unwrap();
        assert!(disk.world.old().deleted_at.is_none(), "{step:?}: {error}");
        // The key that the store held may be in use, wherever it has gone.
        match step {
            Step::Create | Step::Compare | Step::Store => {
                assert_eq!(report.outcome, Outcome::AsBefore, "{step:?}: {error}");
                assert!(disk.made().is_empty(), "{step:?}: {error}");
            }
            _ => {
                assert_eq!(report.outcome, Outcome::NeedsAttention, "{step:?}: {error}");
                assert_eq!(disk.made().len(), 1, "{step:?}: {error}");
            }
        }
        fs::write(disk.file(), disk.world.old().plaintext()).unwrap();
        disk.ends(&format!("{step:?}: {error}")).await;
    }
}

#[tokio::test]
async fn a_file_that_is_mounted_by_itself_is_rejected_or_written_in_place() {
    if !may_mount("a_file_that_is_mounted_by_itself_is_rejected_or_written_in_place") {
        return;
    }
    let disk = Disk::new(&http(), |_| {}).await;
    let secret = disk.folder.with_file_name("the host's file");
    fs::write(&secret, disk.world.old().plaintext()).unwrap();
    mount(&["--bind", secret.to_str().unwrap(), disk.file().to_str().unwrap()]);
    let error = disk.rotation().run().await.unwrap_err();
    assert!(error.changed_nothing() && error.to_string().contains("in place"), "{error}");
    assert!(disk.made().is_empty(), "it was rejected before anything was made");
    let in_place = FileStore::new(disk.file()).in_place();
    disk.rotation().store(in_place).run().await.unwrap();
    assert_eq!(disk.held(), fs::read_to_string(&secret).ok());
    assert!(disk.works() && disk.held().as_deref() == Some(disk.made()[0].plaintext()));
    unmount(&disk.file());
}
