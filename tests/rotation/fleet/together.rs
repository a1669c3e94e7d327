//! Many rotations at once: they share the server's wish to be left alone, and a slow one does not
//! keep the others from being begun.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use chrono::TimeDelta;
use futures_core::future::BoxFuture;
use futures_util::future::join;
use onkernel::rotation::{
    Clock, FileStore, Fleet, Policy, Retirement, Rotated, RotationExt, Skipped, Step, Stop, Store,
};
use onkernel::testing::{Fault, NewKey, RetryAfter, Server};
use onkernel::types::ApiKey;

use crate::support::{Settings, World, http, plain};

/// A world with this many more keys, each in a file of its own.
async fn fleet_of(keys: usize, folder: &Path) -> (World, Fleet) {
    let world = World::new(&http(), &Settings::default()).await;
    for n in 0..keys {
        let key = world.server.add_key(NewKey::named(format!("fleet-{n}")).days(90));
        std::fs::write(folder.join(&key.name), key.plaintext()).unwrap();
    }
    let stores = folder.to_owned();
    let fleet = world
        .client
        .rotate_all(Policy::new().named("fleet-*"), move |key| {
            Some(Arc::new(FileStore::new(stores.join(&key.name))) as Arc<dyn Store>)
        })
        .journals(folder.join("journals"))
        .concurrency(keys);
    (world, fleet)
}

/// Time that stands still until it is moved, and says how many wait for it.
#[derive(Clone)]
struct HandClock(Arc<Mutex<Hand>>);

struct Hand {
    elapsed: Duration,
    server: Server,
    sleeps: usize,
    waiting: BTreeMap<usize, Waker>,
}

impl HandClock {
    fn new(server: &Server) -> Self {
        let server = server.clone();
        Self(Arc::new(Mutex::new(Hand {
            elapsed: Duration::ZERO,
            server,
            sleeps: 0,
            waiting: BTreeMap::new(),
        })))
    }

    /// Returns when so many wait.
    async fn waited_for_by(&self, number: usize) {
        while self.0.lock().unwrap().waiting.len() < number {
            tokio::task::yield_now().await;
        }
    }

    fn advance(&self, time: Duration) {
        let mut hand = self.0.lock().unwrap();
        hand.elapsed += time;
        hand.server.advance(TimeDelta::from_std(time).unwrap());
        for waker in std::mem::take(&mut hand.waiting).into_values() {
            waker.wake();
        }
    }
}

impl Clock for HandClock {
    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().elapsed
    }

    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.lock().unwrap().server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let (end, number) = {
            let mut hand = self.0.lock().unwrap();
            hand.sleeps += 1;
            (hand.elapsed + time, hand.sleeps)
        };
        Box::pin(std::future::poll_fn(move |context| {
            let mut hand = self.0.lock().unwrap();
            if hand.elapsed >= end {
                return Poll::Ready(());
            }
            hand.waiting.insert(number, context.waker().clone());
            Poll::Pending
        }))
    }
}

/// What stands still is to fail, not to hang.
async fn too_long() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// Before any rotation is begun, too, the wait is on the rotations' clock, and a stop ends it.
#[tokio::test]
async fn a_stop_ends_the_wait_for_the_rate_limit_of_the_listing() {
    let folder = tempfile::tempdir().unwrap();
    let (world, fleet) = fleet_of(3, folder.path()).await;
    let (clock, stop) = (HandClock::new(&world.server), Stop::new());
    world.server.faults().add(Fault::too_many_requests(RetryAfter::Seconds(30)).from(2));
    let fleet = fleet.clock(clock.clone()).stop_on(&stop);
    let stops = async {
        clock.waited_for_by(1).await;
        stop.stop();
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        done = fleet.run() => done.unwrap_err(),
        () = stops => unreachable!("it never ends"),
        () = too_long() => panic!("it waits on, or on another clock"),
    };
    assert!(error.changed_nothing(), "{error}");
    assert!(world.server.log().iter().all(|entry| entry.method == "GET"));
}

#[tokio::test]
async fn when_the_server_asks_one_to_wait_all_of_them_do() {
    const KEYS: usize = 5;
    let folder = tempfile::tempdir().unwrap();
    let (world, fleet) = fleet_of(KEYS, folder.path()).await;
    let clock = HandClock::new(&world.server);
    let began = world.server.now();
    // Late enough that all of them are under way.
    let limit = Fault::too_many_requests(RetryAfter::Seconds(30)).from(40).times(1);
    world.server.faults().add(limit);
    let fleet = fleet
        .clock(clock.clone())
        .each(|rotation, _| rotation.retire(Retirement::Delete).overlap(Duration::ZERO));
    let hand = async {
        clock.waited_for_by(KEYS).await;
        let asked = world.server.log().len();
        clock.advance(Duration::from_millis(29_900));
        clock.waited_for_by(KEYS).await;
        assert_eq!(world.server.log().len(), asked, "nobody asked before the time was over");
        clock.advance(Duration::from_millis(100));
        // The creation of one of them may have been what was rejected: it settles at the end.
        loop {
            clock.waited_for_by(1).await;
            clock.advance(Duration::from_secs(120));
        }
    };
    let done = tokio::select! {
        done = fleet.run() => done.unwrap(),
        () = hand => unreachable!("it never ends"),
        () = too_long() => panic!("some did not wait, and others for ever"),
    };
    let all_done =
        |became: &Rotated| matches!(became, Rotated::Done(report) if report.is_settled());
    assert!(done.iter().all(|(_, became)| all_done(became)), "{done:?}");
    let log = world.server.log();
    let rejected = log.iter().position(|entry| entry.status == Some(429)).unwrap();
    assert!(log[rejected].at < began + TimeDelta::seconds(30));
    let until = log[rejected].at + TimeDelta::seconds(30);
    // Those that were on their way already: a few of each rotation are sent at once.
    let within = log[rejected + 1..].iter().filter(|entry| entry.at < until).count();
    assert!(within < KEYS * 4, "{within} were sent although the server had asked to wait");
}

#[tokio::test]
async fn a_slow_first_key_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (world, fleet) = fleet_of(5, folder.path()).await;
    let (gate, opened) = tokio::sync::watch::channel(false);
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let slow = Arc::new(Mutex::new(None::<String>));
    let fleet = fleet
        .concurrency(2)
        .clock(world.clock.clone())
        .each(move |rotation, key| {
            let first = slow.lock().unwrap().get_or_insert_with(|| key.id.clone()) == &key.id;
            let opened = opened.clone();
            rotation.deploy(move |_| {
                let mut opened = opened.clone();
                async move {
                    if first {
                        opened.wait_for(|open| *open).await.map(drop)?;
                    }
                    Ok::<_, tokio::sync::watch::error::RecvError>(())
                }
            })
        })
        .on_event(move |event| {
            if matches!(event.event, onkernel::rotation::Event::Done { step: Step::Retire, .. }) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    let opens = async {
        while done.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        gate.send(true).unwrap();
    };
    let (became, ()) = tokio::select! {
        done = join(fleet.run(), opens) => done,
        () = too_long() => panic!("the others wait for the first"),
    };
    let became = became.unwrap();
    assert!(became.iter().all(|(_, became)| matches!(became, Rotated::Done(_))), "{became:?}");
    let audited: Vec<_> = became.iter().map(|(key, _)| key.id.clone()).collect();
    let mut sorted = audited.clone();
    sorted.sort();
    assert_eq!(audited, sorted, "in the order of the audit");
}

#[tokio::test]
async fn an_audit_is_complete_while_keys_come_and_go() {
    let world = World::new(&http(), &Settings::default()).await;
    let add = |name: String| world.server.add_key(NewKey::named(name)).id;
    let stay: Vec<_> = (0..250).map(|n| add(format!("stay-{n}"))).collect();
    let go: Vec<_> = (0..4).map(|n| add(format!("go-{n}"))).collect();
    // The newest come first: with each page that is asked for, one of those before it goes, so
    // that the next page begins one too far; and the other way round.
    for (n, id) in (2..).zip(&go) {
        let id = id.clone();
        let page = Fault::run(move |server| {
            assert!(server.delete(&id));
            server.add_key(NewKey::named("came"));
            server.add_key(NewKey::named("came too"));
        });
        world.server.faults().add(page.path("/org/api_keys").nth(n));
    }
    let audited = world.client.audit(&Policy::new().never_expiring()).await.unwrap();
    let found = |id: &String| audited.iter().filter(|audited| audited.key.id == *id).count();
    assert!(stay.iter().all(|id| found(id) == 1), "each one once");
    assert!(go.iter().all(|id| found(id) == 0));
    assert!(world.server.faults().fired().iter().all(|fired| *fired == 1));
}

#[tokio::test]
async fn the_callers_own_key_is_rotated_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(&http(), &Settings { own: true, ..Settings::default() }).await;
    std::fs::write(folder.path().join("ci"), world.old().plaintext()).unwrap();
    let fleet = |policy: Policy, client: &onkernel::Client| {
        let (path, id) = (folder.path().join("ci"), world.old_id.clone());
        let stores = move |key: &onkernel::types::ApiKey| {
            let store = || Arc::new(FileStore::new(&path)) as Arc<dyn Store>;
            (key.id == id).then(store)
        };
        client
            .rotate_all(policy, stores)
            .journals(folder.path().join("journals"))
            .clock(world.clock.clone())
            .each(|rotation, _| rotation.retire(Retirement::Delete))
    };
    let became = |done: Vec<(onkernel::types::ApiKey, Rotated)>| {
        done.into_iter().find(|(key, _)| key.id == world.old_id).unwrap().1
    };
    let policy = || Policy::new().named("ci");
    let left = became(fleet(policy(), &world.client).run().await.unwrap());
    assert!(matches!(left, Rotated::Skipped(Skipped::Own)), "{left:?}");
    assert!(world.old().deleted_at.is_none());
    let done = fleet(policy().with_own_key(), &world.client).run().await.unwrap();
    assert!(matches!(became(done), Rotated::Done(report) if report.is_settled()));
    // The caller goes on with the new one.
    assert!(world.client.api_keys().list().send().await.is_ok());
}

#[tokio::test]
async fn a_fleet_is_rotated_a_few_at_a_time() {
    let world = plain().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for n in 0..6 {
        let key = world.server.add_key(NewKey::named(format!("fleet-{n}")).days(90));
        std::fs::write(file(&key.name), key.plaintext()).unwrap();
    }
    // Two of one name would share a store; one has none; one's file holds another's key.
    world.server.add_key(NewKey::named("fleet-5"));
    world.server.add_key(NewKey::named("fleet-x"));
    std::fs::write(file("fleet-0"), std::fs::read(file("fleet-1")).unwrap()).unwrap();
    let stores = {
        let folder = folder.path().to_owned();
        move |key: &ApiKey| {
            let path = folder.join(&key.name);
            path.exists().then(|| Arc::new(FileStore::new(path)) as Arc<dyn Store>)
        }
    };
    let policy = Policy::new().named("fleet-*");
    assert_eq!(world.client.audit(&policy).await.unwrap().len(), 8);
    let clock = world.clock.clone();
    let done = world
        .client
        .rotate_all(policy, stores)
        .journals(folder.path().join("journals"))
        .stop_after(3)
        .each(move |rotation, _| rotation.retire(Retirement::Delete).clock(clock.clone()))
        .run()
        .await
        .unwrap();
    let count = |wanted: &dyn Fn(&Rotated) -> bool| done.iter().filter(|(_, r)| wanted(r)).count();
    assert_eq!(count(&|r| matches!(r, Rotated::Done(_))), 4, "{done:?}");
    assert_eq!(count(&|r| matches!(r, Rotated::Failed(_))), 1, "{done:?}");
    assert_eq!(count(&|r| matches!(r, Rotated::Skipped(Skipped::SharedStore))), 2);
    assert_eq!(count(&|r| matches!(r, Rotated::Skipped(Skipped::NoStore))), 1);
    for n in 1..5 {
        let held = std::fs::read_to_string(file(&format!("fleet-{n}"))).unwrap();
        assert!(world.server.authenticates(&held));
    }
}
