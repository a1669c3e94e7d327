//! Being asked to stop: at every boundary between two steps, and in every wait, a rotation ends
//! where it is safe to go on from, says where it stands, and resuming ends it as it said.

use std::time::Duration;

use onkernel::rotation::{
    Clock, CommandStore, Disposition, Event, Outcome, Policy, Retirement, Rotated, RotationError,
    RotationExt, RotationReport, Skipped, Step, Stop, Store, pending,
};
use onkernel::testing::{Fault, NewKey, RetryAfter};

use crate::support::{
    Death, Like, Settings, StoreFault, TestClock, World, http, plain, sound, world,
};

/// Where a rotation is asked to stop, in a world of these settings: at the beginning or the end of
/// this step.
async fn stopped_at(
    world: &World,
    when: impl Fn(&Event) -> bool + Send + Sync + 'static,
) -> Result<RotationReport, RotationError> {
    let stop = Stop::new();
    let asks = stop.clone();
    let watch = world.watch(Death::Never);
    let rotation = world
        .rotation()
        .stop_on(&stop)
        .on_event(move |event| {
            if when(event) {
                asks.stop();
            }
        })
        .probe(watch.clone());
    let ran = rotation.run().await;
    sound(&watch).unwrap();
    ran
}

#[tokio::test]
async fn a_rotation_stops_at_the_boundary_of_every_step_and_is_resumed() {
    use Step::{
        Compare, Create, Deploy, Overlap, Plan, Rename, Retire, Settle, Store, Unmark, Verify,
    };
    let http = http();
    let lost = Fault::drop_connection().method("POST").after().times(1);
    let (mut stopped, mut all) = (0, 0);
    for settings in stop_settings() {
        let few = settings.own || settings.retirement != Retirement::Delete;
        for fault in [None, Some(lost.clone())].into_iter().take(if few { 1 } else { 2 }) {
            for step in [
                Plan,
                Create,
                Compare,
                Store,
                Deploy,
                Verify,
                Overlap,
                Rename,
                Retire,
                Settle,
                Unmark,
                Step::Restore,
                Step::Remove,
                Step::Redeploy,
            ] {
                for at_end in [false, true] {
                    let world = World::new(&http, &settings).await;
                    if let Some(fault) = &fault {
                        world.server.faults().add(fault.clone());
                    }
                    let ran = stopped_at(&world, move |event| match event {
                        Event::Started { step: at } => *at == step && !at_end,
                        Event::Done { step: at, .. } | Event::Failed { step: at, .. } => {
                            *at == step && at_end
                        }
                        _ => false,
                    })
                    .await;
                    let case = format!("{step:?}, at its end: {at_end}, {settings:?}");
                    all += 1;
                    let report = match &ran {
                        Ok(report) => report,
                        Err(error) if error.changed_nothing() => {
                            assert!(error.is_stopped(), "{case}: {error}");
                            assert!(!error.needs_attention());
                            assert_eq!(world.settled().unwrap(), Outcome::AsBefore, "{case}");
                            continue;
                        }
                        Err(error) => error.report().unwrap(),
                    };
                    if report.outcome == Outcome::Stopped {
                        stopped += 1;
                        let error = ran.as_ref().unwrap_err();
                        assert!(error.is_stopped() && error.needs_attention());
                        assert!(pending(&world.journal).unwrap().unwrap().under_way, "{case}");
                        assert!(error.to_string().contains("resum"), "{error}");
                        // What the report says of the keys is so.
                        let held = world.store.held();
                        let new = world.server.key(report.new_id.as_ref().unwrap()).unwrap();
                        assert!(new.deleted_at.is_none() && world.old().deleted_at.is_none());
                        let in_use = held.as_deref() == Some(new.plaintext());
                        assert_eq!(report.new == Disposition::InUse, in_use, "{case}");
                    }
                    world.quiesce().await;
                    let resumed =
                        world.recover().await.unwrap_or_else(|why| panic!("{case}: {why}"));
                    let ended = world.settled().unwrap_or_else(|why| panic!("{case}: {why}"));
                    match report.outcome {
                        Outcome::Stopped => {
                            let will = if report.new == Disposition::InUse {
                                Outcome::Rotated
                            } else {
                                Outcome::AsBefore
                            };
                            // What fails after that may turn it round.
                            let smooth = settings.deploy_fails.is_empty();
                            if smooth || will == Outcome::AsBefore {
                                assert_eq!(ended, will, "{case}: {report:?}");
                            }
                            assert_eq!(resumed.unwrap().outcome, ended, "{case}");
                        }
                        outcome => assert_eq!(outcome, ended, "{case}"),
                    }
                }
            }
        }
    }
    assert!(stopped * 3 > all, "{stopped} of {all} were stopped");
}

fn stop_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            for deploy_fails in [vec![], vec![0]] {
                all.push(Settings { retirement, own, deploy_fails, ..Settings::default() });
            }
        }
    }
    all.push(Settings { new_store: true, ..Settings::default() });
    all.push(Settings { new_store: true, deploy_fails: vec![0], ..Settings::default() });
    all
}

/// A clock on which the first wait of some length asks to stop, and never ends by itself.
struct StopsInWait {
    clock: TestClock,
    least: Duration,
    stop: Stop,
}

impl Clock for StopsInWait {
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    fn sleep(&self, time: Duration) -> futures_core::future::BoxFuture<'_, ()> {
        if time < self.least {
            return self.clock.sleep(time);
        }
        Box::pin(async {
            self.stop.stop();
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_stop_interrupts_every_wait() {
    let http = http();
    let second = Duration::from_secs(1);
    let post = || Fault::drop_connection().after().method("POST");
    for (what, fault, store, settings, expected) in [
        ("the overlap", None, None, Settings::default(), Outcome::Stopped),
        (
            "the wait before creating again",
            Some(Fault::too_many_requests(RetryAfter::Seconds(30)).method("POST")),
            None,
            Settings::default(),
            Outcome::AsBefore,
        ),
        (
            "the wait before asking again",
            Some(Fault::too_many_requests(RetryAfter::Seconds(30)).method("GET").from(9)),
            None,
            Settings::default(),
            Outcome::Stopped,
        ),
        (
            "the wait for late writes",
            None,
            Some((2, StoreFault::WritesLate)),
            Settings::default(),
            Outcome::Stopped,
        ),
        (
            "the overlap on the way back",
            None,
            None,
            Settings { deploy_fails: vec![0], ..Settings::default() },
            Outcome::Stopped,
        ),
        (
            "the settle time after an undo",
            Some(post().times(1)),
            None,
            Settings { deploy_fails: vec![0], ..Settings::default() },
            Outcome::AsBefore,
        ),
    ] {
        let world = World::new(&http, &settings).await;
        if let Some(fault) = &fault {
            world.server.faults().add(fault.clone());
        }
        if let Some((call, fault)) = store {
            world.store.fail(call, fault);
        }
        let stop = Stop::new();
        let clock =
            StopsInWait { clock: world.clock.clone(), least: second * 10, stop: stop.clone() };
        let watch = world.watch(Death::Never);
        let rotation = world.rotation().probe(watch.clone()).clock(clock).stop_on(&stop);
        let rotation = match what.starts_with("the settle") {
            // No overlap is waited for before it, nor what the store may take to show.
            true => rotation.overlap(Duration::ZERO).store(Like::new(&world.store)),
            false => rotation.overlap(second * 60),
        };
        let error = rotation.run().await.unwrap_err();
        sound(&watch).unwrap();
        assert!(stop.is_requested(), "{what}");
        assert_eq!(error.report().unwrap().outcome, expected, "{what}: {error}");
        world.quiesce().await;
        world.recover().await.unwrap_or_else(|why| panic!("{what}: {why}"));
        world.settled().unwrap_or_else(|why| panic!("{what}: {why}"));
    }
}

#[tokio::test]
async fn after_the_retirement_a_stop_leaves_only_names_to_look_for() {
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        let world = world(Settings { retirement, ..Settings::default() }).await;
        let lost = Fault::drop_connection().after().method("POST").times(1);
        world.server.faults().add(lost);
        let retires = |event: &Event| matches!(event, Event::Started { step: Step::Retire });
        let report = stopped_at(&world, retires).await.unwrap();
        assert_eq!(report.outcome, Outcome::Rotated);
        assert!(!report.unsettled.is_empty() && !report.todo.is_empty(), "{report:?}");
        let left = pending(&world.journal).unwrap().unwrap();
        // The command that the report names is the one that works.
        assert_eq!(report.todo[0].contains("resume"), left.under_way, "{report:?}");
        world.recover().await.unwrap();
        assert_eq!(world.settled().unwrap(), Outcome::Rotated);
    }
}

#[tokio::test]
async fn a_resumption_stops_and_is_resumed() {
    let world = plain().await;
    let deployed = |event: &Event| matches!(event, Event::Done { step: Step::Deploy, .. });
    stopped_at(&world, deployed).await.unwrap_err();
    let stop = Stop::new();
    let asks = stop.clone();
    let error = world
        .resume()
        .stop_on(&stop)
        .on_event(move |event| {
            if matches!(event, Event::Started { step: Step::Overlap }) {
                asks.stop();
            }
        })
        .run()
        .await
        .unwrap_err();
    assert!(error.is_stopped(), "{error}");
    assert_eq!(world.recover().await.unwrap().unwrap().outcome, Outcome::Rotated);
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

#[tokio::test]
async fn a_one_way_store_has_no_safe_point_once_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let world = plain().await;
    let to = folder.path().join("secret");
    let store = CommandStore::new("sink", ["sh", "-c", "cat > \"$0\"", to.to_str().unwrap()]);
    let stop = Stop::new();
    let asks = stop.clone();
    let report = world
        .client
        .rotation(&world.old_id)
        .store(store)
        .store_is_new()
        .journal(&world.journal)
        .retire(Retirement::Delete)
        .clock(world.clock.clone())
        .stop_on(&stop)
        .on_event(move |event| {
            if matches!(event, Event::Done { step: Step::Store, .. }) {
                asks.stop();
            }
        })
        .run()
        .await
        .unwrap();
    assert!(stop.is_requested() && report.is_settled(), "{report:?}");
    assert!(world.clock.elapsed() >= Duration::from_secs(60), "the overlap was kept");
    let held = std::fs::read_to_string(to).unwrap();
    assert!(world.server.authenticates(&held));
}

#[tokio::test]
async fn a_fleet_begins_no_further_key_and_stops_those_under_way() {
    use std::sync::Arc;
    let world = plain().await;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..9 {
        let key = world.server.add_key(NewKey::named(format!("fleet-{n}")).days(90));
        std::fs::write(folder.path().join(&key.name), key.plaintext()).unwrap();
    }
    let stop = Stop::new();
    let (asks, seen) = (stop.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let (stores, clock) = (folder.path().to_owned(), world.clock.clone());
    let done = world
        .client
        .rotate_all(Policy::new().named("fleet-*"), move |key| {
            let store = onkernel::rotation::FileStore::new(stores.join(&key.name));
            Some(Arc::new(store) as Arc<dyn Store>)
        })
        .journals(folder.path().join("journals"))
        .concurrency(3)
        .stop_after(100)
        .stop_on(&stop)
        .each(move |rotation, _| rotation.retire(Retirement::Delete).clock(clock.clone()))
        .on_event(move |event| {
            let stored = matches!(event.event, Event::Done { step: Step::Store, .. });
            if stored && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 3 {
                asks.stop();
            }
        })
        .run()
        .await
        .unwrap();
    assert_eq!(done.len(), 9, "every one is reported");
    let (mut stopped, mut left) = (0, 0);
    for (key, became) in &done {
        match became {
            Rotated::Done(report) => assert!(report.is_settled()),
            Rotated::Failed(error) => {
                assert!(error.is_stopped(), "{error}");
                stopped += 1;
            }
            Rotated::Skipped(why) => {
                assert_eq!(*why, Skipped::StopRequested);
                left += 1;
            }
            _ => panic!("{became:?}"),
        }
        let held = std::fs::read_to_string(folder.path().join(&key.name)).unwrap();
        assert!(world.server.authenticates(&held), "{}", key.name);
    }
    assert!(stopped > 0 && left > 0, "{done:?}");
}
