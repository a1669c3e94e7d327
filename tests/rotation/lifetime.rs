//! How long the replacement lives, and where that has to be spelled out.

use chrono::TimeDelta;
use onkernel::rotation::{Lifetime, Outcome};

use crate::support::{Settings, plain, rotated, unchanged, world};

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
