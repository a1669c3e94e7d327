//! The replacement is the old key's equal, and outlives no decision on the old key.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use onkernel::rotation::{Disposition, Outcome, Retirement};
use onkernel::testing::{Fault, Policy};

use crate::support::{Death, Settings, plain, rotated, sound, unchanged, undone, world};

#[tokio::test]
async fn a_replacement_with_other_rights_is_undone() {
    let world = plain().await;
    assert!(world.server.set_extra(&world.old_id, "scopes", serde_json::json!(["read"])));
    let why = undone(&world).await;
    assert!(why.contains("scopes"), "{why}");
    assert_eq!(world.store.writes(), 0, "before the store is touched");
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    // The caller may allow it by name, and the server's own rotation copies it.
    let allowed = world.rotation().allow_difference("scopes").run().await.unwrap();
    assert_eq!(allowed.outcome, Outcome::Rotated);
}

#[tokio::test]
async fn the_servers_own_rotation_copies_what_creating_cannot_set() {
    let grace = Settings { retirement: Retirement::Grace { days: 2 }, ..Settings::default() };
    let world = world(grace).await;
    assert!(world.server.set_extra(&world.old_id, "scopes", serde_json::json!(["read"])));
    rotated(&world).await;
}

#[tokio::test]
async fn a_harmless_new_field_in_every_response_does_no_harm() {
    let world = plain().await;
    let more = serde_json::json!({"kind": "standard", "tags": []});
    world.server.faults().add(Fault::merge_json(more).method("GET"));
    rotated(&world).await;
}

#[tokio::test]
async fn a_policy_that_we_would_drop_in_part_is_rejected() {
    let world = plain().await;
    let policy = serde_json::json!({"statements": [
        {"action": "browsers:use", "resource": "*", "condition": {"ip": "10.0.0.0/8"}}
    ]});
    assert!(world.server.set_extra(&world.old_id, "policy", policy));
    assert!(unchanged(&world, world.rotation()).await.contains("policy"));
}

/// The server copies the policy itself, so nothing is lost by not knowing it.
#[tokio::test]
async fn the_servers_own_rotation_copies_a_policy_that_we_do_not_know() {
    let grace = Settings { retirement: Retirement::Grace { days: 2 }, ..Settings::default() };
    let world = world(grace).await;
    let policy = serde_json::json!({"statements": [
        {"action": "browsers:use", "resource": "*", "condition": {"ip": "10.0.0.0/8"}}
    ]});
    assert!(world.server.set_extra(&world.old_id, "policy", policy));
    rotated(&world).await;
}

/// The old key is changed by somebody else at each request of the rotation.
#[tokio::test]
async fn a_decision_on_the_old_key_is_not_outlived() {
    for n in 4..20 {
        for change in 0..3 {
            let world = plain().await;
            let id = world.old_id.clone();
            world.watch_excused.store(change == 0, Ordering::SeqCst);
            let act = move |server: &onkernel::testing::Server| match change {
                0 => drop(server.delete(&id)),
                1 => drop(server.set_policy(&id, Some(Policy::new()))),
                _ => drop(server.set_expiry(&id, Some(server.now() + TimeDelta::days(1)))),
            };
            world.server.faults().add(Fault::run(act).nth(n));
            let watch = world.watch(Death::Never);
            let ran = world.run(&watch, Death::Never).await.unwrap();
            sound(&watch).unwrap();
            let (old, held) = (world.old(), world.store.held().unwrap());
            match ran {
                // Too late: the last comparison had been made.
                Ok(report) => assert_eq!(report.old, Disposition::Deleted, "{n} {change}"),
                Err(error) if error.changed_nothing() => {}
                Err(error) => {
                    let report = error.report().unwrap();
                    assert_eq!(report.outcome, Outcome::AsBefore, "{n} {change}: {error}");
                    assert_eq!(held, old.plaintext(), "{n} {change}");
                    let new = report.new_id.as_ref().and_then(|id| world.server.key(id));
                    assert!(new.is_none_or(|new| new.deleted_at.is_some()), "{n} {change}");
                    assert!(change != 0 || !report.todo.is_empty(), "{report:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_renamed_in_the_middle_keeps_its_new_name() {
    let world = plain().await;
    let id = world.old_id.clone();
    world.server.faults().add(
        Fault::run(move |server| assert!(server.rename(&id, "renamed"))).method("POST").nth(1),
    );
    let report = world.rotation().run().await.unwrap();
    assert_eq!(world.server.key(&report.new_id.unwrap()).unwrap().name, "renamed");
}
