//! Stores that show late what was written, write a part of it, or are written by somebody else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::future::BoxFuture;
use onkernel::Secret;
use onkernel::rotation::{
    Clock, CommandStore, HookCommand, Outcome, Resolution, Rotation, RotationError, Store,
    StoreError, StoreHolds, pending,
};
use onkernel::testing::{KeyRecord, NewKey};

use super::support::{Settings, TestClock, World, plain, world};

type Change = fn(&str) -> Result<Option<String>, StoreError>;

/// A store that does something else than it was asked, and shows it late.
#[derive(Clone)]
struct Odd {
    state: Arc<Mutex<State>>,
    clock: TestClock,
    lag: Duration,
    propagation: Duration,
}

struct State {
    held: Vec<(Duration, Option<String>)>,
    change: Vec<Change>,
}

impl Odd {
    fn new(world: &World, lag: u64) -> Self {
        let held = vec![(Duration::ZERO, world.store.held())];
        Self {
            state: Arc::new(Mutex::new(State { held, change: Vec::new() })),
            clock: world.clock.clone(),
            lag: Duration::from_secs(lag),
            propagation: Duration::from_secs(30),
        }
    }

    /// What the first writes become.
    fn changing(self, changes: &[Change]) -> Self {
        self.state.lock().unwrap().change = changes.to_vec();
        self
    }

    fn last(&self) -> Option<String> {
        self.state.lock().unwrap().held.last().unwrap().1.clone()
    }

    fn set(&self, held: Option<String>) {
        let now = self.clock.elapsed();
        self.state.lock().unwrap().held.push((now.saturating_sub(self.lag), held));
    }
}

impl Store for Odd {
    fn describe(&self) -> String {
        "memory:ci".to_owned()
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async {
            let seen = self.clock.elapsed();
            let state = self.state.lock().unwrap();
            let shown =
                state.held.iter().rev().find(|(at, _)| at.is_zero() || *at + self.lag <= seen);
            Ok(shown.and_then(|(_, held)| held.clone()).map(Secret::from))
        })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let now = self.clock.elapsed().max(Duration::from_millis(1));
            let mut state = self.state.lock().unwrap();
            let change = if state.change.is_empty() { None } else { Some(state.change.remove(0)) };
            let change = change.unwrap_or(|key| Ok(Some(key.to_owned())));
            match change(secret.expose()) {
                Ok(held) => state.held.push((now, held)),
                Err(error) => {
                    state.held.push((now, None));
                    return Err(error);
                }
            }
            Ok(())
        })
    }
}

fn rotation(world: &World, store: &Odd) -> Rotation {
    world.rotation().store(store.clone())
}

fn no_orphans(world: &World, store: &Odd) {
    for key in world.server.keys() {
        let marked = key.name.starts_with("~onk-") && key.deleted_at.is_none();
        assert!(!marked, "{} is left", key.name);
    }
    let held = store.last().unwrap();
    assert!(world.server.authenticates(&held), "the store holds a dead key");
}

/// Rule 2: an acknowledged write is confirmed when it is read back, however late it shows.
#[tokio::test]
async fn a_write_that_shows_late_is_waited_for() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let store = Odd::new(&world, 12);
    let report = rotation(&world, &store).run().await.unwrap();
    assert!(report.is_settled(), "{report:?}");
    no_orphans(&world, &store);
    assert!(world.old().deleted_at.is_some());
}

/// Rule 2: one that does not show in time is undone, and the new key goes only when it cannot come.
#[tokio::test]
async fn a_write_that_shows_too_late_installs_no_deleted_key() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let store = Odd::new(&world, 100);
    let error = rotation(&world, &store).run().await.unwrap_err();
    assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
    let shown = store.read().await.unwrap().unwrap();
    assert!(world.server.authenticates(shown.expose()), "{error}");
    no_orphans(&world, &store);
}

/// Rule 3: what a write of ours broke is mended with the old key, which is still in memory.
#[tokio::test]
async fn what_we_broke_we_mend() {
    let truncates: Change = |key| Ok(Some(key[..20].to_owned()));
    let empties: Change = |_| Err(StoreError::unknown("it broke off"));
    for change in [truncates, empties] {
        let world = world(Settings { deploys: false, ..Settings::default() }).await;
        let store = Odd::new(&world, 0).changing(&[change]);
        let error = rotation(&world, &store).run().await.unwrap_err();
        assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
        assert_eq!(store.last().as_deref(), Some(world.old().plaintext()));
        no_orphans(&world, &store);
        assert!(pending(&world.journal).unwrap().is_none());
    }
}

/// Rule 3: what mends it is read back, too.
#[tokio::test]
async fn a_restore_that_breaks_the_store_is_repeated() {
    let truncates: Change = |key| Ok(Some(key[..20].to_owned()));
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let store = Odd::new(&world, 0).changing(&[truncates, truncates]);
    let error = rotation(&world, &store).run().await.unwrap_err();
    assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
    assert_eq!(store.last().as_deref(), Some(world.old().plaintext()));
    no_orphans(&world, &store);
}

/// A rotation during whose verification, which ends like this, somebody puts a third key into the
/// store, that works.
async fn put_by_hand(
    verified: fn() -> std::io::Result<()>,
) -> (World, Odd, KeyRecord, RotationError) {
    let world = plain().await;
    let store = Odd::new(&world, 0);
    let third = world.server.add_key(NewKey::named("by hand"));
    let (put, plaintext) = (store.clone(), third.plaintext().to_owned());
    let rotation = rotation(&world, &store).verify(move |_| {
        put.set(Some(plaintext.clone()));
        async move { verified() }
    });
    let error = rotation.run().await.unwrap_err();
    assert_eq!(error.report().unwrap().outcome, Outcome::NeedsAttention, "{error}");
    assert_eq!(store.last().as_deref(), Some(third.plaintext()));
    (world, store, third, error)
}

/// Rule 3: also on the way back a good key of somebody's is not overwritten.
#[tokio::test]
async fn a_foreign_key_is_left_alone_on_the_way_back() {
    let fails = || Err(std::io::Error::other("it responds with 500"));
    let (world, store, third, _) = put_by_hand(fails).await;
    let resume = world.resume().store(store.clone()).store_holds(StoreHolds::Other);
    assert_eq!(resume.run().await.unwrap().unwrap().outcome, Outcome::AsBefore);
    assert_eq!(store.last().as_deref(), Some(third.plaintext()));
    no_orphans(&world, &store);
}

/// Rules 3 and 8: a good key that a person has put there stays, is reported, and there is a way out.
#[tokio::test]
async fn a_foreign_key_that_works_is_left_alone() {
    let (world, store, third, error) = put_by_hand(|| Ok(())).await;
    let other = Resolution::StoreHolds(StoreHolds::Other);
    assert!(error.resolutions().contains(&other), "{:?}", error.resolutions());
    let resume = || world.resume().store(store.clone());
    let error = resume().run().await.unwrap_err();
    assert!(error.needs_attention(), "nobody has chosen yet");
    assert!(error.resolutions().contains(&other), "{:?}", error.resolutions());
    let report = resume().store_holds(StoreHolds::Other).run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert!(pending(&world.journal).unwrap().is_none());
    assert_eq!(store.last().as_deref(), Some(third.plaintext()));
    assert!(world.server.key(&third.id).unwrap().deleted_at.is_none());
    assert!(world.old().deleted_at.is_none());
    no_orphans(&world, &store);
}

/// The old key put back by GitOps before the retirement: then it is gone back to.
#[tokio::test]
async fn a_store_that_is_reverted_before_the_retirement_is_believed() {
    let world = plain().await;
    let store = Odd::new(&world, 0);
    let (put, old) = (store.clone(), world.old().plaintext().to_owned());
    let rotation = rotation(&world, &store).verify(move |_| {
        put.set(Some(old.clone()));
        async { Ok::<_, std::io::Error>(()) }
    });
    let error = rotation.run().await.unwrap_err();
    assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
    no_orphans(&world, &store);
}

#[tokio::test]
async fn a_program_gets_the_key_in_its_template() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line");
    let write = ["sh", "-c", "cat > \"$1\"", "sh", path.to_str().unwrap()];
    let store = CommandStore::new("fly", write).stdin_template("NAME={key}\n").unwrap();
    store.write(&Secret::from("sk_0123456789")).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "NAME=sk_0123456789\n");
    for wrong in ["NAME=", "{key}{key}"] {
        assert!(CommandStore::new("x", write).stdin_template(wrong).is_err());
    }
}

/// Rule 12: a program is over when it ends; what it left in the background goes on.
#[tokio::test]
async fn a_daemon_that_a_program_leaves_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pid) = (folder.path().join("key"), folder.path().join("pid"));
    let script = format!("cat > {}; sleep 300 & echo $! > {}", file.display(), pid.display());
    let store = CommandStore::new("c", ["sh", "-c", &script]).timeout(Duration::from_secs(60));
    let began = std::time::Instant::now();
    store.write(&Secret::from("sk_0123456789")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "the daemon was waited for");
    let pid = std::fs::read_to_string(&pid).unwrap();
    let stat = std::path::Path::new("/proc").join(pid.trim()).join("stat");
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    // A killed one may stay a zombie.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    let alive = !matches!(state, None | Some('Z' | 'X'));
    assert!(alive || !cfg!(target_os = "linux"), "the daemon was killed");
    let killed = std::process::Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(killed.success());
}

/// Rule 12: so does a hook; one that runs out of time is killed with all that it has started.
#[tokio::test]
async fn a_program_as_a_hook_ends_when_it_ends_or_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 300 & echo $! > {}; echo \"$NAME\" >&2; exit 3", pid.display());
    let hook = HookCommand::new(["sh", "-c", &script]).env("NAME", "it is the hook");
    let error = hook.run().await.unwrap_err().to_string();
    assert!(error.contains("it is the hook") && error.contains("3"), "{error}");
    let daemon = std::fs::read_to_string(&pid).unwrap();
    assert!(std::process::Command::new("kill").arg(daemon.trim()).status().unwrap().success());

    let script = format!("sleep 300 & echo $! > {}; wait", pid.display());
    std::fs::remove_file(&pid).unwrap();
    let hook = HookCommand::new(["sh", "-c", &script]).run();
    let begun = async {
        while !std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = hook => panic!("it waits"),
        () = begun => {}
    }
    let child = std::fs::read_to_string(&pid).unwrap();
    let stat = std::path::Path::new("/proc").join(child.trim()).join("stat");
    if cfg!(target_os = "linux") {
        let dead = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            matches!(state, None | Some('Z' | 'X'))
        };
        for _ in 0..400 {
            if dead() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(dead(), "what it started goes on");
    }
}

/// Rule 12: a hook has a time of its own, and what it began is undone.
#[tokio::test]
async fn a_hook_that_hangs_is_given_up() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let rotation = world
        .rotation()
        .hook_timeout(Duration::from_millis(50))
        .verify(|_| std::future::pending::<Result<(), std::io::Error>>());
    let error = rotation.run().await.unwrap_err();
    assert!(error.to_string().contains("longer than its time"), "{error}");
    assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore);
}
