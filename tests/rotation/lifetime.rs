//! How long the replacement lives, and where that has to be spelled out.

use chrono::TimeDelta;
use onkernel::rotation::{Disposition, Lifetime, Outcome, Retirement};

use crate::support::{Death, Settings, World, plain, rotated, unchanged, world};

#[tokio::test]
async fn an_expired_key_needs_its_lifetime_spelled_out() {
    let world = plain().await;
    world.server.advance(TimeDelta::days(60));
    // Nothing holds it any more, so only a new store can be meant.
    world.store.set(None);
    let rotation = || world.rotation().store_is_new();
    assert!(unchanged(&world, rotation()).await.contains("choose how long"));
    assert_eq!(rotation().lifetime(Lifetime::Never).run().await.unwrap().outcome, Outcome::Rotated);
}

#[tokio::test]
async fn an_end_that_a_grace_period_has_moved_is_not_taken_for_a_lifetime() {
    let world = plain().await;
    world.server.advance(TimeDelta::hours(5));
    let rotate = world.manager.api_keys().rotate(&*world.old_id);
    rotate.expire_in_days(7).send().await.unwrap();
    assert!(unchanged(&world, world.rotation()).await.contains("grace period"));
    assert!(world.rotation().lifetime(Lifetime::Days(30)).run().await.is_ok());
}

#[tokio::test]
async fn an_exact_lifetime_is_kept_exactly() {
    let world = world(Settings { days: None, ..Settings::default() }).await;
    let created = world.old().created_at;
    let odd = TimeDelta::hours(1000) + TimeDelta::minutes(7);
    assert!(world.server.set_expiry(&world.old_id, Some(created + odd)));
    let report = rotated(&world).await;
    let new = world.server.key(&report.new_id.unwrap()).unwrap();
    assert_eq!(new.expires_at.unwrap() - new.created_at, odd);
}

#[tokio::test]
async fn a_key_cannot_outlive_itself_to_an_exact_time() {
    let world = world(Settings { days: None, own: true, ..Settings::default() }).await;
    let odd = world.old().created_at + TimeDelta::hours(1000);
    assert!(world.server.set_expiry(&world.old_id, Some(odd)));
    assert!(unchanged(&world, world.rotation()).await.contains("another key"));
}

/// How long the old key was made to live.
#[derive(Clone, Copy, Debug)]
enum Made {
    Days,
    ForEver,
    Odd,
}

impl Made {
    const ODD: TimeDelta = TimeDelta::minutes(60_007);

    fn lives(self) -> Option<TimeDelta> {
        match self {
            Self::Days => Some(TimeDelta::days(30)),
            Self::ForEver => None,
            Self::Odd => Some(Self::ODD),
        }
    }
}

/// A world in which a process died as soon as the server had done its own rotation, and which went back.
async fn cut_in_the_servers_rotation(made: Made, deploy_fails: Vec<usize>) -> World {
    let retirement = Retirement::Grace { days: 2 };
    let days = matches!(made, Made::Days).then_some(30);
    let settings = Settings { retirement, days, deploy_fails, ..Settings::default() };
    let new = async || {
        let world = world(settings.clone()).await;
        if let Some(odd) = made.lives().filter(|_| matches!(made, Made::Odd)) {
            let end = world.old().created_at + odd;
            assert!(world.server.set_expiry(&world.old_id, Some(end)));
        }
        world
    };
    let (seen, whole) = (new().await, Death::Never);
    let watch = seen.watch(whole);
    drop(seen.run(&watch, whole).await);
    let done = |effect: &String| effect.ends_with("after rotate the key");
    let at = watch.effects.lock().unwrap().iter().position(done).unwrap();

    let world = new().await;
    let before = world.old().expires_at;
    let death = Death::Effect(at);
    assert!(world.run(&world.watch(death), death).await.is_none(), "it died");
    assert_ne!(world.old().expires_at, before, "the server has done it");
    let report = world.resume().run().await.unwrap().unwrap();
    assert_eq!((report.outcome, report.old), (Outcome::AsBefore, Disposition::Expires));
    assert_eq!(report.old_ends, world.old().expires_at, "it says when");
    world
}

/// What the old key was made to live counts, whatever the server has made of its end.
#[tokio::test]
async fn a_cut_in_the_servers_own_rotation_costs_the_next_key_no_lifetime() {
    for made in [Made::Days, Made::ForEver, Made::Odd] {
        for retirement in [Retirement::Grace { days: 2 }, Retirement::Delete, Retirement::Keep] {
            // The embedded server does not know a lifetime from an end that was set beside it.
            if matches!((made, retirement), (Made::Odd, Retirement::Grace { .. })) {
                continue;
            }
            // The next one is undone, and the one after that goes through.
            for deploy_fails in [vec![], vec![0]] {
                let case = format!("{made:?} {retirement:?} {deploy_fails:?}");
                let world = cut_in_the_servers_rotation(made, deploy_fails.clone()).await;
                for _ in deploy_fails {
                    let undone = world.rotation().retire(retirement).run().await.unwrap_err();
                    let report = undone.report().expect(&case);
                    assert_eq!(report.outcome, Outcome::AsBefore, "{case}: {undone}");
                }
                let report = world.rotation().retire(retirement).run().await;
                let report = report.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(report.outcome, Outcome::Rotated, "{case}");
                let new = world.server.key(&report.new_id.unwrap()).unwrap();
                let lives = new.expires_at.map(|end| end - new.created_at);
                assert_eq!(lives, made.lives(), "{case}");
            }
        }
    }
}

/// An end that somebody else has moved since is his decision, which is asked about.
#[tokio::test]
async fn an_end_that_somebody_else_has_moved_is_not_undone() {
    let world = plain().await;
    world.server.faults().add(onkernel::testing::Fault::status(403).method("POST").times(9));
    world.rotation().run().await.unwrap_err();
    world.server.faults().clear();
    world.server.advance(TimeDelta::hours(5));
    world.manager.api_keys().rotate(&*world.old_id).expire_in_days(7).send().await.unwrap();
    let error = world.rotation().run().await.unwrap_err();
    assert!(error.to_string().contains("grace period"), "{error}");
}
