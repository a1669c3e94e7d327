//! What a store is like goes into the plan, and a plan that is only looked at changes nothing.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use onkernel::rotation::{
    Decision, FileStore, Fleet, HookError, Planned, Policy, Retirement, Rotation, RotationExt,
    Skipped, Step, Store, TakesEffect,
};
use onkernel::testing::NewKey;

use crate::support::{Like, Settings, World, plain, world};

const DEPLOYED: [TakesEffect; 2] = [TakesEffect::NextDeployment, TakesEffect::NextJob];

/// A rotation of the key in this store, without a hook.
fn rotation(world: &World, store: &Like) -> Rotation {
    let rotation = world.client.rotation(&world.old_id).store(store.clone());
    rotation.journal(&world.journal).clock(world.clock.clone()).settle_time(Duration::ZERO)
}

async fn deployed() -> Result<(), HookError> {
    Ok(())
}

#[tokio::test]
async fn a_key_that_only_a_deployment_replaces_is_not_deleted_without_one() {
    for takes_effect in DEPLOYED {
        let world = plain().await;
        let like = Like { takes_effect, ..Like::new(&world.store) };
        let keys = world.server.keys();
        for rejected in [
            rotation(&world, &like).retire(Retirement::Delete),
            // Where silence means that it is deleted.
            rotation(&world, &like).verify(|_| deployed()),
        ] {
            let error = rejected.run().await.unwrap_err();
            assert_eq!(error.decision(), Some(Decision::Deployment), "{error}");
            assert!(error.to_string().contains("deploy hook"), "{error}");
            assert!(world.server.keys() == keys && !world.journal.exists());
        }
        let report = rotation(&world, &like).retire(Retirement::Keep).run().await.unwrap();
        assert!(report.is_settled());
        let next = world.client.rotation(report.new_id.unwrap()).store(like.clone());
        let next = next.journal(&world.journal).clock(world.clock.clone());
        next.deploy(|_| deployed()).run().await.unwrap();
    }
    let world = plain().await;
    for takes_effect in [TakesEffect::NextRead, TakesEffect::Restart] {
        let like = Like { takes_effect, ..Like::new(&world.store) };
        let plan = rotation(&world, &like).retire(Retirement::Delete).plan().await.unwrap();
        assert!(plan.rejected.is_empty(), "{plan:?}");
    }
}

/// Until then a workload may go on reading the old key.
#[tokio::test]
async fn the_old_key_outlives_what_the_store_may_take_to_show() {
    for (propagation, overlap, least) in [(90, 0, 90), (90, 60, 90), (5, 60, 60), (0, 0, 0)] {
        let world = world(Settings { deploys: false, ..Settings::default() }).await;
        let propagation = Duration::from_secs(propagation);
        let like = Like { propagation, ..Like::new(&world.store) };
        let began = world.server.now();
        let asked = |retirement| {
            rotation(&world, &like).overlap(Duration::from_secs(overlap)).retire(retirement)
        };
        let plan = asked(Retirement::Delete).plan().await.unwrap();
        assert_eq!(plan.overlap, Duration::from_secs(least));
        assert_eq!(plan.notes.len(), usize::from(least > overlap), "{:?}", plan.notes);
        let kept = asked(Retirement::Keep).plan().await.unwrap();
        assert_eq!((kept.overlap.as_secs(), kept.notes.len()), (overlap, 0));
        let report = asked(Retirement::Delete).run().await.unwrap();
        let took = report.steps.iter().find(|step| step.step == Step::Overlap).unwrap().took;
        assert_eq!(took, Duration::from_secs(least), "{propagation:?} {overlap}");
        assert!((world.server.now() - began).num_seconds() >= i64::try_from(least).unwrap());
    }
}

#[tokio::test]
async fn a_plan_shows_everything_and_writes_nothing() {
    let world = plain().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, world.old().plaintext()).unwrap();
    let rotation = |id: &str| {
        let rotation = world.client.rotation(id).store(FileStore::new(&path));
        rotation.journal(folder.path().join("none/journal.jsonl")).clock(world.clock.clone())
    };
    let files = || {
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        (names, fs::metadata(&path).unwrap().modified().unwrap(), fs::read(&path).unwrap())
    };
    let (before, keys) = (files(), world.server.keys());
    world.server.clear_log();

    let plan = rotation(&world.old_id).retire(Retirement::Delete).plan().await.unwrap();
    assert!(plan.rejected.is_empty(), "{:?}", plan.rejected);
    let key = plan.key.unwrap();
    assert_eq!((&*key.id, &*key.name, key.own), (&*world.old_id, "ci", false));
    assert_eq!(plan.lifetime.as_deref(), Some("30 days"));
    assert_eq!(plan.retirement.as_deref(), Some("delete"));
    assert_eq!(plan.store_holds_key, Some(true));
    assert!(plan.store.readable && !plan.deploy && !plan.verify);

    // Every reason, not only the first.
    let plan = rotation(&world.bystanders[0]).store_is_new().plan().await.unwrap();
    let decisions: Vec<_> = plan.rejected.iter().map(|one| one.decision).collect();
    assert_eq!(decisions, [Some(Decision::Retirement), None], "{:?}", plan.rejected);
    let plan = rotation("cnobody").plan().await.unwrap();
    assert!(plan.key.is_none() && plan.rejected[1].why.contains("no key cnobody"));

    assert!(files() == before, "{:?}", files());
    assert!(world.server.keys() == keys);
    let log = world.server.log();
    assert!(!log.is_empty() && log.iter().all(|one| one.method == "GET"), "{log:?}");
}

#[tokio::test]
async fn the_plan_of_an_unfinished_rotation_says_so_and_leaves_its_journal() {
    let world = plain().await;
    let like = Like::new(&world.store);
    // Nobody awaits it to its end.
    let hook = |_| std::future::pending::<Result<(), HookError>>();
    let running = rotation(&world, &like).retire(Retirement::Delete).deploy(hook);
    let running = running.hook_timeout(Duration::from_secs(3600)).run();
    let ended = tokio::time::timeout(Duration::from_secs(5), running).await;
    assert!(ended.is_err());
    let journal = fs::read(&world.journal).unwrap();
    assert!(!journal.is_empty());
    let plan = rotation(&world, &like).retire(Retirement::Keep).plan().await.unwrap();
    assert!(plan.rejected.iter().any(|one| one.decision == Some(Decision::Unfinished)), "{plan:?}");
    assert!(!plan.leftovers.is_empty(), "{plan:?}");
    assert_eq!(fs::read(&world.journal).unwrap(), journal);
}

#[tokio::test]
async fn the_plan_of_many_keys_writes_nothing() {
    let world = plain().await;
    let folder = tempfile::tempdir().unwrap();
    let key = world.server.add_key(NewKey::named("fleet-1").days(90));
    world.server.add_key(NewKey::named("fleet-2").days(90));
    fs::write(folder.path().join("fleet-1"), key.plaintext()).unwrap();
    let stores = folder.path().to_owned();
    let fleet: Fleet = world
        .client
        .rotate_all(Policy::new().named("fleet-*"), move |key| {
            let path = stores.join(&key.name);
            path.exists().then(|| Arc::new(FileStore::new(path)) as Arc<dyn Store>)
        })
        .journals(folder.path().join("journals"))
        .each(|rotation, _| rotation.retire(Retirement::Keep));
    world.server.clear_log();
    let planned = fleet.plan().await.unwrap();
    let [first, second] = ["fleet-1", "fleet-2"]
        .map(|name| &planned.iter().find(|(key, _)| key.name == name).unwrap().1);
    assert!(matches!(first, Planned::Rotation(plan) if plan.rejected.is_empty()), "{first:?}");
    assert!(matches!(second, Planned::Skipped(Skipped::NoStore)), "{second:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(world.server.log().iter().all(|one| one.method == "GET"));
}
