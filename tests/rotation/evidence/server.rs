//! A server whose reads lag behind its writes, that is asked twice, and whose clock is its own.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::future::BoxFuture;
use onkernel::rotation::{Clock, Event, Lifetime, Outcome, Retirement, Step};
use onkernel::testing::{Change, Fault, Lag, NewKey, Which};

use super::support::{
    Death, Like, Settings, TestClock, World, plain, rotated, sound, undone, world,
};

fn live(world: &World) -> Vec<String> {
    let keys = world.server.keys();
    let ours = keys.into_iter().filter(|key| {
        key.deleted_at.is_none()
            && !world.bystanders.contains(&key.id)
            && key.plaintext() != world.server.bootstrap_key()
    });
    ours.map(|key| key.id).collect()
}

/// Rule 1: that something is not there is believed when it would have shown.
#[tokio::test]
async fn reads_that_lag_behind_writes_cost_nothing_but_time() {
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            for lag in [Duration::from_millis(500), Duration::from_secs(20)] {
                let settings = Settings { retirement, own, ..Settings::default() };
                let world = world(settings).await;
                world.server.faults().add(Fault::stale_reads(Lag::Time(lag)));
                let report = rotated(&world).await;
                assert!(report.is_settled(), "{retirement:?} {own} {lag:?}: {report:?}");
            }
        }
    }
}

/// Rule 1: a replica that lags while an undone key is deleted leaves no orphan.
#[tokio::test]
async fn an_undo_among_replicas_that_disagree_leaves_nothing() {
    for every in [1, 2] {
        let world = world(Settings { deploy_fails: vec![0], ..Settings::default() }).await;
        let lag = Fault::stale_reads(Lag::Time(Duration::from_secs(5))).every(every);
        world.server.faults().add(lag);
        undone(&world).await;
        assert_eq!(live(&world), std::slice::from_ref(&world.old_id));
        assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    }
}

/// Rule 1: every other replica lags, in whatever it is asked.
#[tokio::test]
async fn replicas_that_disagree_cost_nothing_but_time() {
    for every in [2, 3] {
        for retirement in [Retirement::Delete, Retirement::Grace { days: 2 }] {
            let world = world(Settings { retirement, ..Settings::default() }).await;
            let lag = Lag::Time(Duration::from_secs(100));
            world.server.faults().add(Fault::stale_reads(lag).every(every));
            assert!(rotated(&world).await.is_settled(), "{every} {retirement:?}");
        }
    }
}

/// Rule 1: a deletion that is still shown is no reason to despair, nor to delete twice.
#[tokio::test]
async fn a_deletion_that_shows_late_is_a_deletion() {
    let world = plain().await;
    let lag = Fault::stale_reads(Lag::Time(Duration::from_secs(10))).changes([Change::Deleted]);
    world.server.faults().add(lag);
    assert!(rotated(&world).await.is_settled());
}

/// Rule 1: a deletion that the server shows is proof at once.
#[tokio::test]
async fn a_deletion_that_is_seen_is_not_waited_for() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    world.server.faults().add(Fault::doubled(Which::Second).method("DELETE"));
    // Neither is the store, which shows what was written at once.
    let rotation = world.rotation().store(Like::new(&world.store));
    let report = rotation.overlap(Duration::ZERO).run().await.unwrap();
    assert!(report.is_settled(), "{report:?}");
    assert_eq!(world.clock.elapsed(), Duration::ZERO, "something was waited for");
}

/// Rule 1: another attempt under another marker need not wait for the first.
#[tokio::test]
async fn a_second_attempt_does_not_wait_for_the_first() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    world.server.faults().add(Fault::drop_connection().after().method("POST").times(1));
    let (clock, made) = (world.clock.clone(), std::sync::Arc::new(std::sync::Mutex::new(None)));
    let at = made.clone();
    let rotation = world.rotation().on_event(move |event| {
        if matches!(event, Event::Done { step: Step::Create, .. }) {
            *at.lock().unwrap() = Some(clock.elapsed());
        }
    });
    rotation.run().await.unwrap();
    let took = made.lock().unwrap().unwrap();
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// Rule 6: a key that is never let in is given to nobody.
#[tokio::test]
async fn a_new_key_that_is_never_let_in_is_undone() {
    let world = plain().await;
    world.server.faults().add(Fault::stale_auth(Lag::Time(Duration::from_secs(100_000))));
    let why = undone(&world).await;
    assert!(why.contains("rejects the new key"), "{why}");
    assert_eq!(world.store.writes(), 0);
    assert_eq!(live(&world), std::slice::from_ref(&world.old_id));
}

/// Rule 6: nobody is given a key that the server does not let in yet.
#[tokio::test]
async fn a_young_key_is_tried_until_it_is_let_in() {
    let world = plain().await;
    world.server.faults().add(Fault::stale_auth(Lag::Time(Duration::from_secs(3))));
    let (server, store) = (world.server.clone(), world.store.clone());
    let began = server.now();
    let rotation = world.rotation().on_event(move |event| {
        if *event == (Event::Started { step: Step::Store }) {
            assert!(
                server.now() - began >= TimeDelta::seconds(3),
                "the store is written too early"
            );
            assert_eq!(store.writes(), 0);
        }
    });
    assert!(rotation.run().await.unwrap().is_settled());
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

/// Rule 5: a creation that took effect twice has made an orphan.
#[tokio::test]
async fn a_doubled_creation_leaves_one_key() {
    for response in [Which::First, Which::Second] {
        let world = plain().await;
        world.server.faults().add(Fault::doubled(response).method("POST"));
        let report = rotated(&world).await;
        assert_eq!(live(&world), [report.new_id.unwrap()]);
    }
}

/// Rule 5: also when the process dies before it has looked, and what it made is undone.
#[tokio::test]
async fn a_doubled_creation_that_is_undone_leaves_none() {
    for response in [Which::First, Which::Second] {
        for at in 10..40 {
            let world = plain().await;
            world.server.faults().add(Fault::doubled(response).method("POST"));
            let death = Death::Effect(at);
            let _ = world.run(&world.watch(death), death).await;
            world.recover().await.unwrap();
            world.settled().unwrap_or_else(|why| panic!("{at}: {why}"));
        }
    }
}

/// Rule 4: the server's own rotation copies a name that somebody has just given the old key.
#[tokio::test]
async fn a_copy_of_a_new_name_is_undone_all_the_same() {
    let world =
        world(Settings { retirement: Retirement::Grace { days: 2 }, ..Settings::default() });
    let world = world.await;
    let id = world.old_id.clone();
    let renames = Fault::run(move |server| assert!(server.rename(&id, "by somebody")));
    world.server.faults().add(renames.method("POST").before().nth(1));
    let error = world.rotation().run().await.unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore, "{error}");
    assert_eq!(live(&world), std::slice::from_ref(&world.old_id));
    assert_eq!(world.old().name, "by somebody");
}

/// Rule 1: a server that finds nothing at all, as a proxy that has lost it, says nothing about a key.
#[tokio::test]
async fn a_server_that_finds_nothing_leaves_the_rotation_to_be_finished() {
    for retirement in [Retirement::Delete, Retirement::Grace { days: 2 }] {
        for (from, times) in (10..=19).flat_map(|from| [(from, 3), (from, u64::MAX)]) {
            let world = world(Settings { retirement, ..Settings::default() }).await;
            world.server.faults().add(Fault::status(404).before().from(from).times(times));
            let _ = world.rotation().run().await;
            world.server.faults().clear();
            let _ = world.resume().run().await;
            let case = format!("{retirement:?} from {from}, {times} times");
            assert!(onkernel::rotation::pending(&world.journal).unwrap().is_none(), "{case}");
            let marked = |id: &String| world.server.key(id).unwrap().name.starts_with('~');
            let left = live(&world);
            assert!(!left.iter().any(marked), "{case}: {left:?}");
            let held = world.store.held().unwrap();
            let holds = |id: &String| world.server.key(id).unwrap().plaintext() == held;
            assert!(left.iter().any(holds), "{case}: {left:?}");
        }
    }
}

/// Rule 4: a key that does not bear our marker is not ours, whatever a response says.
#[tokio::test]
async fn somebody_elses_id_is_left_alone() {
    let world = plain().await;
    let stranger = world.server.add_key(NewKey::named("of somebody else"));
    world.server.faults().add(Fault::wrong_id_of(&*stranger.id).method("POST"));
    let why = undone(&world).await;
    assert!(why.contains("another key"), "{why}");
    assert!(world.server.key(&stranger.id).unwrap().deleted_at.is_none());
    let mut left = live(&world);
    left.retain(|id| *id != stranger.id);
    assert_eq!(left, std::slice::from_ref(&world.old_id), "the key that was made is nobody's");
    assert_eq!(world.store.writes(), 0);
}

/// Rule 4: before the old key goes, the new one is seen and let in; also on resume.
#[tokio::test]
async fn the_old_key_outlives_a_new_one_that_was_deleted() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    world.server.faults().add(Fault::status(403).method("DELETE"));
    let watch = world.watch(Death::Never);
    let report = world.run(&watch, Death::Never).await.unwrap().unwrap();
    assert!(!report.is_settled() && !report.resolutions.is_empty(), "{report:?}");
    let new = report.new_id.unwrap();
    world.server.faults().clear();
    // Somebody takes the key with the odd name for litter.
    assert!(world.server.delete(&new));
    let error = world.resume().run().await.unwrap_err();
    assert!(error.needs_attention(), "{error}");
    assert!(world.old().deleted_at.is_none(), "the last key that works");
    // The old key is put back by hand, and the rest is tidied up.
    world.store.set(Some(world.old().plaintext()));
    let report = world.resume().run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert!(onkernel::rotation::pending(&world.journal).unwrap().is_none());
}

/// Rule 11: what was clearly rejected is not waited for.
#[tokio::test]
async fn a_clear_rejection_ends_at_once() {
    for status in [400, 402, 403, 404, 409, 422] {
        let world = plain().await;
        let limit = Fault::rejected(status, "api_key_limit").method("POST");
        world.server.faults().add(limit);
        let before = world.server.now();
        let error = world.rotation().run().await.unwrap_err();
        let report = error.report().unwrap();
        assert_eq!(report.outcome, Outcome::AsBefore, "{error}");
        assert!(report.is_settled() && !error.needs_attention(), "{error}");
        assert_eq!(world.server.now(), before, "{status}: nothing is waited for");
        assert!(onkernel::rotation::pending(&world.journal).unwrap().is_none());
    }
}

/// Rule 11: what a rejected creation made all the same goes with the one look.
#[tokio::test]
async fn what_a_rejected_creation_made_goes_at_once() {
    let world = plain().await;
    world.server.faults().add(Fault::status(409).after().method("POST").times(1));
    world.rotation().run().await.unwrap_err();
    assert_eq!(live(&world), std::slice::from_ref(&world.old_id));
    assert_eq!(world.clock.elapsed(), Duration::ZERO, "something was waited for");
}

/// Rule 11: so does a sweep.
#[tokio::test]
async fn what_a_rejected_creation_made_late_is_found_by_a_sweep() {
    let world = plain().await;
    world.server.faults().add(Fault::status(409).after().method("POST").times(1));
    let lag = Fault::stale_reads(Lag::Time(Duration::from_secs(3)));
    world.server.faults().add(lag.path("/org/api_keys").method("GET"));
    world.rotation().run().await.unwrap_err();
    world.server.faults().clear();
    assert_eq!(world.resume().sweep().await.unwrap(), 1);
    assert_eq!(live(&world), std::slice::from_ref(&world.old_id));
}

/// Rule 11: the next run looks once more for what a rejection may have made all the same.
#[tokio::test]
async fn what_a_rejected_creation_made_late_is_found_by_the_next_run() {
    let world = plain().await;
    world.server.faults().add(Fault::status(409).after().method("POST").times(1));
    let lag = Fault::stale_reads(Lag::Time(Duration::from_secs(3)));
    world.server.faults().add(lag.path("/org/api_keys").method("GET"));
    world.rotation().run().await.unwrap_err();
    assert_eq!(live(&world).len(), 2, "it cannot be seen yet");
    world.server.faults().clear();
    let report = rotated(&world).await;
    assert_eq!(live(&world), [report.new_id.unwrap()]);
}

/// A clock that knows nothing of the server's.
#[derive(Clone)]
struct WrongClock(TestClock, TimeDelta);

impl Clock for WrongClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.now() + self.1
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(time)
    }
}

/// Rule 10: lifetimes are reckoned by the server's clock, whatever this machine's says.
#[tokio::test]
async fn a_local_clock_hours_off_changes_no_lifetime() {
    for hours in [-10, 10] {
        let world = world(Settings { days: None, ..Settings::default() }).await;
        let end = world.old().created_at + TimeDelta::days(3) + TimeDelta::minutes(690);
        assert!(world.server.set_expiry(&world.old_id, Some(end)));
        let clock = WrongClock(world.clock.clone(), TimeDelta::hours(hours));
        let report = world.rotation().clock(clock).run().await.unwrap();
        let new = world.server.key(&report.new_id.unwrap()).unwrap();
        let (lives, lived) =
            (new.expires_at.unwrap() - new.created_at, end - world.old().created_at);
        assert!((lived - lives).abs() <= TimeDelta::seconds(60), "{hours}: {lives} {lived}");
    }
}

/// Rule 10: a replacement that would live shorter than asked is rejected, too.
#[tokio::test]
async fn a_replacement_that_lives_shorter_is_undone() {
    let world = plain().await;
    // By the time that it is created the server is hours ahead.
    let ahead = Fault::clock_skew(TimeDelta::hours(3)).method("POST");
    world.server.faults().add(ahead);
    let end = world.server.now() + TimeDelta::hours(11);
    let rotation = world.rotation().lifetime(Lifetime::Until(end));
    // An exact end is kept exactly, however late it was asked for.
    assert!(rotation.run().await.is_ok());
    let world = world_of_odd_hours().await;
    world.server.faults().add(Fault::clock_skew(TimeDelta::hours(3)).method("POST"));
    let why = undone(&world).await;
    assert!(why.contains("as long as asked for"), "{why}");
}

async fn world_of_odd_hours() -> World {
    let world = world(Settings { days: None, ..Settings::default() }).await;
    let end = world.old().created_at + TimeDelta::hours(100);
    assert!(world.server.set_expiry(&world.old_id, Some(end)));
    world
}

/// Rule 9: the way back is as gentle as the way there.
#[tokio::test]
async fn both_keys_work_for_a_while_on_the_way_back() {
    let world = plain().await;
    let overlap = Duration::from_secs(20);
    let watch = world.watch(Death::Never);
    let rotation = world
        .rotation()
        .overlap(overlap)
        .probe(watch.clone())
        .verify(|_| async { Err::<(), _>(std::io::Error::other("it responds with 500")) });
    let error = rotation.run().await.unwrap_err();
    sound(&watch).unwrap();
    assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore);
    let steps: Vec<Step> = error.report().unwrap().steps.iter().map(|step| step.step).collect();
    let at = |step| steps.iter().position(|other| *other == step).unwrap();
    assert!(at(Step::Redeploy) < at(Step::OverlapBack) && at(Step::OverlapBack) < at(Step::Remove));
    let took = |step| error.report().unwrap().steps[at(step)].took;
    assert!(took(Step::OverlapBack) >= overlap);
}
