//! What a plan rejects before anything is touched.

use onkernel::Client;
use onkernel::rotation::{Disposition, Lifetime, Outcome, Retirement, RotationExt};
use onkernel::testing::NewKey;

use crate::support::{Death, Settings, plain, unchanged, world};

#[tokio::test]
async fn a_store_that_does_not_hold_the_key_is_not_overwritten() {
    let world = plain().await;
    let other = world.server.add_key(NewKey::named("another workload's"));
    world.store.set(Some(other.plaintext()));
    let why = unchanged(&world, world.rotation()).await;
    assert!(why.contains("does not hold the key"), "{why}");
    world.store.set(None);
    assert!(unchanged(&world, world.rotation()).await.contains("holds no key"));
    world.store.set(Some(world.old().plaintext()));
    assert!(unchanged(&world, world.rotation().store_is_new()).await.contains("holds something"));
}

#[tokio::test]
async fn a_store_whose_content_fits_but_is_dead_is_rejected() {
    let world = world(Settings { colliding_masks: true, ..Settings::default() }).await;
    let dead = world.server.add_key(NewKey::named("x"));
    assert!(world.server.delete(&dead.id));
    world.store.set(Some(dead.plaintext()));
    assert!(unchanged(&world, world.rotation()).await.contains("401"));
}

/// With equal masks a new store tells nobody whether the caller's key is the one that is rotated:
/// taken for it, the caller would go on with a key of other rights.
#[tokio::test]
async fn a_caller_that_may_be_the_rotated_key_is_rejected() {
    let settings = Settings { new_store: true, colliding_masks: true, ..Settings::default() };
    let world = world(settings).await;
    let why = unchanged(&world, world.rotation()).await;
    assert!(why.contains("several keys"), "{why}");
    // Put there by the caller, it can be told.
    world.store.set(Some(world.old().plaintext()));
    let rotation = world.client.rotation(&world.old_id).store(world.store.clone());
    let rotation = rotation.journal(&world.journal).clock(world.clock.clone());
    rotation.retire(Retirement::Delete).run().await.unwrap();
    assert!(world.manager.api_keys().list().send().await.is_ok(), "the caller kept its key");
}

#[tokio::test]
async fn nothing_is_deleted_by_silence() {
    let world = plain().await;
    let silent = world
        .client
        .rotation(&world.old_id)
        .store(world.store.clone())
        .journal(&world.journal)
        .clock(world.clock.clone());
    let why = unchanged(&world, silent.clone()).await;
    assert!(why.contains("what is done with the old key"), "{why}");
    let report = silent.verify(|_| async { Ok::<_, std::io::Error>(()) }).run().await.unwrap();
    assert_eq!(report.old, Disposition::Deleted);
}

#[tokio::test]
async fn what_cannot_work_is_rejected() {
    let world = plain().await;
    let base = || world.rotation();
    assert!(unchanged(&world, base().retire(Retirement::Grace { days: 0 })).await.contains("lock"));
    let days = base().lifetime(Lifetime::Days(4000));
    assert!(unchanged(&world, days).await.contains("3650"));
    let nobody =
        world.client.rotation("cnobody").store(world.store.clone()).journal(&world.journal);
    assert!(unchanged(&world, nobody.retire(Retirement::Keep)).await.contains("no key cnobody"));
    let path = world.client.rotation("../../x").store(world.store.clone()).journal(&world.journal);
    unchanged(&world, path.retire(Retirement::Keep)).await;
    let no_journal = world.client.rotation(&world.old_id).store(world.store.clone());
    assert!(unchanged(&world, no_journal.retire(Retirement::Keep)).await.contains("journal"));
    assert!(world.server.delete(&world.old_id));
    let why = unchanged(&world, base()).await;
    assert!(why.contains("there is no key"), "{why}");
}

#[tokio::test]
async fn a_key_of_another_project_is_rejected() {
    let mine = world(Settings { project: Some("proj_a".into()), ..Settings::default() }).await;
    let stranger = mine.server.add_key(NewKey::named("b").project("proj_b"));
    let client = Client::builder()
        .api_key(stranger.plaintext())
        .base_url(mine.server.url())
        .build()
        .unwrap();
    let rotation = client
        .rotation(&mine.old_id)
        .store(mine.store.clone())
        .journal(&mine.journal)
        .retire(Retirement::Keep);
    unchanged(&mine, rotation).await;
}

#[tokio::test]
async fn a_journal_under_way_or_of_another_store_is_rejected() {
    let world = plain().await;
    let watch = world.watch(Death::Effect(30));
    assert!(world.run(&watch, Death::Effect(30)).await.is_none());
    let error = world.rotation().run().await.unwrap_err();
    assert!(error.changed_nothing() && error.to_string().contains("resume it first"), "{error}");
    world.recover().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = onkernel::rotation::FileStore::new(folder.path().join("key"));
    let other = world.client.rotation(&world.old_id).store(file).store_is_new();
    let error = other.journal(&world.journal).retire(Retirement::Keep).run().await.unwrap_err();
    assert!(error.to_string().contains("another store"), "{error}");
}

#[tokio::test]
async fn a_one_way_store_has_to_be_asked_for() {
    use onkernel::rotation::CommandStore;
    let world = plain().await;
    let one_way = || CommandStore::new("sink", ["sh", "-c", "cat > /dev/null"]);
    let rotation = || {
        world
            .client
            .rotation(&world.old_id)
            .store(one_way())
            .journal(&world.journal)
            .clock(world.clock.clone())
            .retire(Retirement::Delete)
    };
    assert!(unchanged(&world, rotation()).await.contains("cannot be read"));
    assert_eq!(rotation().store_is_new().run().await.unwrap().outcome, Outcome::Rotated);
}
