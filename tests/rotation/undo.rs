//! Going back, and where there is no way back.

use std::time::Duration;

use chrono::TimeDelta;
use onkernel::rotation::{Disposition, Lifetime, Outcome, Retirement, RotationExt};
use onkernel::testing::Fault;

use crate::support::{Death, Settings, StoreFault, plain, sound, undone, world};

#[tokio::test]
async fn a_key_that_expires_in_the_middle_is_not_gone_back_to() {
    for own in [false, true] {
        let world = world(Settings { own, deploys: false, ..Settings::default() }).await;
        let server = world.server.clone();
        let rotation = world.rotation().verify(move |_| {
            server.advance(TimeDelta::days(40));
            async { Err::<(), _>(std::io::Error::other("the workload is slow")) }
        });
        // The new key, too, must live longer than that.
        let error = rotation.lifetime(Lifetime::Days(300)).run().await.unwrap_err();
        assert!(error.needs_attention(), "{error}");
        let held = world.store.held().unwrap();
        assert_ne!(held, world.old().plaintext());
        assert!(world.server.authenticates(&held), "{error}");
    }
}

#[tokio::test]
async fn a_late_store_write_does_not_bring_back_a_deleted_key() {
    // The write times out, is undone, and lands afterwards.
    let world = plain().await;
    world.store.fail(2, StoreFault::WritesLate);
    let why = undone(&world).await;
    assert!(why.contains("took too long"), "{why}");
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
}

#[tokio::test]
async fn a_store_that_cannot_be_restored_keeps_both_keys() {
    let world = world(Settings { deploy_fails: vec![0], ..Settings::default() }).await;
    for call in 4..60 {
        world.store.fail(call, StoreFault::FailsBefore);
    }
    let watch = world.watch(Death::Never);
    let error = world.run(&watch, Death::Never).await.unwrap().unwrap_err();
    sound(&watch).unwrap();
    assert!(error.needs_attention());
    let report = error.report().unwrap();
    assert_eq!(
        (report.outcome, report.old, report.new),
        (Outcome::NeedsAttention, Disposition::Kept, Disposition::Kept)
    );
    assert!(world.server.authenticates(&world.store.held().unwrap()));
    assert!(world.server.authenticates(world.old().plaintext()));
    assert!(report.todo[0].contains("both kept"), "{report:?}");
}

#[tokio::test]
async fn a_retirement_is_as_patient_as_an_undo() {
    let world = plain().await;
    // What was begun there cannot be taken back, so it is not given up after a few attempts.
    world.server.faults().add(Fault::status(503).method("DELETE").before().times(5));
    let report = world.rotation().run().await.unwrap();
    assert!(report.is_settled(), "{report:?}");
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

#[tokio::test]
async fn going_back_after_a_deployment_deploys_the_old_key() {
    let world = plain().await;
    let server = world.server.clone();
    let error = world
        .rotation()
        .verify(move |_| {
            let _ = &server;
            async { Err::<(), _>(std::io::Error::other("the workload returns 500")) }
        })
        .run()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("returns 500"), "{error}");
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    let deployed = world.deployed.lock().unwrap().clone().unwrap();
    assert_eq!(deployed.expose(), world.old().plaintext());
}

#[tokio::test]
async fn the_deadline_stops_a_rotation_and_no_undo() {
    for seconds in [1, 30, 59] {
        let world = plain().await;
        // The overlap passes it.
        let error =
            world.rotation().deadline(Duration::from_secs(seconds)).run().await.unwrap_err();
        assert!(error.to_string().contains("deadline"), "{error}");
        assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    }
}

#[tokio::test]
async fn a_one_way_store_that_may_hold_the_new_key_keeps_both() {
    use onkernel::rotation::CommandStore;
    let world = plain().await;
    let failing = CommandStore::new("sink", ["sh", "-c", "cat > /dev/null; exit 3"]);
    let error = world
        .client
        .rotation(&world.old_id)
        .store(failing)
        .store_is_new()
        .journal(&world.journal)
        .clock(world.clock.clone())
        .retire(Retirement::Delete)
        .run()
        .await
        .unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.outcome, Outcome::NeedsAttention, "{error}");
    assert!(world.server.key(report.new_id.as_ref().unwrap()).unwrap().deleted_at.is_none());
    assert!(world.old().deleted_at.is_none());
}
