//! The test of a store loses nothing of what the store holds, whatever the store does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{
    BoxFuture, CheckResult, FileStore, Stop, Store, StoreCheck, StoreError, StoreLeft, StoreTest,
    StoreTestReport,
};

use crate::support::{Like, MemoryStore, StoreFault, StoreKind, TestClock, World, plain};

const KEY: &str = "sk_old_0123456789abcdef";

async fn run(world: &World, store: impl Store + 'static) -> StoreTestReport {
    let report = StoreTest::new(store).clock(TestClock::new(&world.server)).run().await;
    assert!(!format!("{report:?}").contains(KEY), "{report:?}");
    report
}

fn result(report: &StoreTestReport, wanted: StoreCheck) -> Option<&CheckResult> {
    report.checks.iter().find(|(check, _)| *check == wanted).map(|(_, result)| result)
}

fn failed(report: &StoreTestReport, wanted: StoreCheck) -> bool {
    matches!(result(report, wanted), Some(CheckResult::Failed(_)))
}

#[tokio::test]
async fn a_store_is_read_and_written_back() {
    let world = plain().await;
    let store = MemoryStore::holding(KEY);
    let report = run(&world, store.clone()).await;
    assert!(report.passed(), "{report:?}");
    assert_eq!((store.held().as_deref(), store.writes()), (Some(KEY), 1));
    assert_eq!((report.left, report.shown_after), (StoreLeft::AsBefore, Some(Duration::ZERO)));
    assert!(report.todo.is_none() && result(&report, StoreCheck::PutBack).is_none());
    assert!(world.server.log().is_empty(), "no key and no server");
}

#[tokio::test]
async fn where_nothing_is_held_or_known_nothing_is_written() {
    let world = plain().await;
    let empty = MemoryStore::default();
    let report = run(&world, empty.clone()).await;
    assert!(report.passed() && report.left == StoreLeft::Untouched, "{report:?}");
    let one_way = Like { readable: false, ..Like::new(&MemoryStore::holding(KEY)) };
    let report = run(&world, one_way.clone()).await;
    assert!(report.passed(), "{report:?}");
    for check in [StoreCheck::Read, StoreCheck::Write] {
        assert!(matches!(result(&report, check), Some(CheckResult::Skipped(_))), "{report:?}");
    }
    assert_eq!((empty.writes(), one_way.store.writes()), (0, 0));
    assert_eq!(one_way.store.calls(), 0);
}

#[tokio::test]
async fn whatever_the_write_does_the_store_holds_the_key_again() {
    for fault in StoreKind::Plain.faults() {
        let world = plain().await;
        let store = MemoryStore::holding(KEY);
        // The first call reads it, the second writes it back.
        store.fail(1, fault);
        let like = Like { propagation: Duration::from_secs(20), ..Like::new(&store) };
        let report = run(&world, like).await;
        store.land();
        assert_eq!(store.held().as_deref(), Some(KEY), "{fault:?} {report:?}");
        let broken = matches!(fault, StoreFault::Truncates | StoreFault::Empties);
        assert_eq!(failed(&report, StoreCheck::Show), broken, "{fault:?} {report:?}");
        assert_eq!(report.passed(), fault == StoreFault::StaleRead, "{fault:?} {report:?}");
        assert!(report.todo.is_none(), "{fault:?} {report:?}");
        let left = match fault {
            StoreFault::FailsBefore | StoreFault::ReadFails => StoreLeft::Untouched,
            _ => StoreLeft::AsBefore,
        };
        assert_eq!(report.left, left, "{fault:?}");
    }
}

#[tokio::test]
async fn a_store_that_always_truncates_is_said_to_hold_something_else() {
    let world = plain().await;
    let store = MemoryStore::holding(KEY);
    (1..100).for_each(|call| store.fail(call, StoreFault::Truncates));
    let report = run(&world, store.clone()).await;
    assert!(failed(&report, StoreCheck::Show) && failed(&report, StoreCheck::PutBack));
    assert_eq!(report.left, StoreLeft::Different);
    assert!(report.todo.is_some_and(|todo| todo.contains("by hand")));
}

/// A store whose reads show this many times what it held before, and then what was written.
struct Reads {
    store: MemoryStore,
    reads: AtomicUsize,
    shown: fn(usize) -> Option<&'static str>,
}

impl Store for Reads {
    fn describe(&self) -> String {
        "reads:ci".to_owned()
    }
    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match (self.shown)(read) {
                Some(shown) => Ok(Some(Secret::from(shown))),
                None => self.store.read().await,
            }
        })
    }
    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.write(secret)
    }
}

/// A truncated write that shows late is found, although the store seems right at first.
#[tokio::test]
async fn what_shows_late_is_waited_for() {
    let world = plain().await;
    let store = MemoryStore::holding(KEY);
    store.fail(1, StoreFault::Truncates);
    // Its own reads count, too: the first is the call that is faulted after.
    let reads = AtomicUsize::new(0);
    let shown = |read| if (1..4).contains(&read) { Some(KEY) } else { None };
    let report = run(&world, Reads { store: store.clone(), reads, shown }).await;
    assert!(failed(&report, StoreCheck::Show), "{report:?}");
    assert_eq!(store.held().as_deref(), Some(KEY));
    assert_eq!(report.left, StoreLeft::AsBefore);
}

/// Whoever stops it before that has shown is told that it is not sure; what shows is put back all the same.
#[tokio::test]
async fn what_is_stopped_while_it_watches_is_not_called_as_before() {
    type Shown = fn(usize) -> Option<&'static str>;
    let late: Shown = |_| Some(KEY);
    let at_once: Shown = |read| (read == 0).then_some(KEY);
    for (shown, left) in [(late, StoreLeft::Unknown), (at_once, StoreLeft::AsBefore)] {
        let world = plain().await;
        let store = MemoryStore::holding(KEY);
        // Its reads are not counted while something else is shown.
        store.fail(0, StoreFault::Truncates);
        let reads = Reads { store: store.clone(), reads: AtomicUsize::new(0), shown };
        let stop = Stop::new();
        let requested = stop.clone();
        let test = StoreTest::new(reads).clock(TestClock::new(&world.server)).stop_on(&stop);
        let watching = store.clone();
        let report = test
            .on_event(move |_| {
                if watching.calls() > 0 {
                    requested.stop()
                }
            })
            .run()
            .await;
        assert_eq!(report.left, left, "{report:?}");
        match left {
            StoreLeft::Unknown => {
                let skipped =
                    matches!(result(&report, StoreCheck::Show), Some(CheckResult::Skipped(_)));
                assert!(skipped && report.todo.is_some_and(|todo| todo.contains("again")));
            }
            _ => assert_eq!(store.held().as_deref(), Some(KEY), "{report:?}"),
        }
    }
}

/// Somebody rotates it elsewhere, or a restore has run.
#[tokio::test]
async fn a_whole_other_value_is_left_alone() {
    let world = plain().await;
    let store = MemoryStore::holding(KEY);
    let shown = |read| (read > 0).then_some("sk_new_fedcba9876543210");
    let reads = AtomicUsize::new(0);
    let report = run(&world, Reads { store: store.clone(), reads, shown }).await;
    assert_eq!((report.left, store.writes()), (StoreLeft::Different, 1));
    assert!(report.todo.is_some_and(|todo| todo.contains("left alone")));
}

#[tokio::test]
async fn a_store_under_rotation_is_not_tested() {
    let world = plain().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, KEY).unwrap();
    let store = Arc::new(FileStore::new(&path));
    let lock = std::fs::File::create(store.lock_path().unwrap()).unwrap();
    lock.lock().unwrap();
    let report = StoreTest::shared(store).clock(TestClock::new(&world.server)).run().await;
    assert!(failed(&report, StoreCheck::Lock), "{report:?}");
    assert_eq!(report.checks.len(), 1);
}
