//! Rotation, step by step: what it does when all goes well, and each place where a simpler version
//! of it is wrong.
#![cfg(all(feature = "testing", feature = "rotation"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod rotation_support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use futures_core::future::BoxFuture;
use onkernel::rotation::{
    Fate, Lifetime, Outcome, Retirement, Rotation, RotationExt, RotationReport, Store, StoreError,
    pending,
};
use onkernel::testing::{Fault, NewKey, Policy};
use onkernel::{Client, Secret};
use rotation_support::{Death, MemoryStore, Settings, StoreFault, World, http, sound};

async fn world(settings: Settings) -> World {
    World::new(&http(), &settings).await
}

async fn plain() -> World {
    world(Settings::default()).await
}

/// Runs a rotation that must be refused before anything is touched.
async fn refused(world: &World, rotation: Rotation) -> String {
    let (keys, held) = (world.server.keys(), world.store.held());
    let journal = std::fs::read(&world.journal).ok();
    let error = rotation.run().await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(world.server.keys() == keys, "something was touched");
    assert!(std::fs::read(&world.journal).ok() == journal, "the journal is not as it was");
    assert_eq!(world.store.held(), held);
    assert_eq!(world.store.writes(), 0);
    error.to_string()
}

/// Runs a rotation that must be undone, and says why it was.
async fn undone(world: &World) -> String {
    let watch = world.watch(Death::Never);
    let error = world.run(&watch, Death::Never).await.unwrap().unwrap_err();
    sound(&watch).unwrap();
    let report = error.report().unwrap_or_else(|| panic!("refused: {error}"));
    assert_eq!(report.outcome, Outcome::AsBefore, "{error}");
    error.to_string()
}

async fn rotated(world: &World) -> RotationReport {
    let watch = world.watch(Death::Never);
    let report = world.run(&watch, Death::Never).await.unwrap().unwrap();
    sound(&watch).unwrap();
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
    report
}

#[tokio::test]
async fn a_key_is_replaced() {
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            let world = world(Settings { retirement, own, ..Settings::default() }).await;
            let report = rotated(&world).await;
            assert!(report.is_settled(), "{report:?}");
            assert_eq!(report.new, Fate::InUse);
            assert!(pending(&world.journal).unwrap().is_none());
            let (old, new) = (world.old(), world.server.key(&report.new_id.unwrap()).unwrap());
            let lived = new.expires_at.unwrap() - new.created_at;
            assert_eq!(lived, TimeDelta::days(30), "{retirement:?}");
            if let Retirement::Grace { .. } = retirement {
                assert!(old.expires_at.unwrap() <= world.server.now() + TimeDelta::days(2));
            }
        }
    }
}

/// The requests of the usual rotations, in their order. The module's documentation says what each
/// is for and why none can be left out.
#[tokio::test]
async fn every_request_has_its_reason() {
    let mut said = String::new();
    for (title, retirement, own) in [
        ("by the caller, then deleted", Retirement::Delete, false),
        ("by itself, then deleted", Retirement::Delete, true),
        ("by the caller, then kept", Retirement::Keep, false),
        ("by the server, with a grace period", Retirement::Grace { days: 2 }, false),
    ] {
        let world = world(Settings { retirement, own, ..Settings::default() }).await;
        let report = rotated(&world).await;
        let log = world.server.log();
        let log: Vec<_> = log.iter().filter(|entry| entry.path != "/nowhere").collect();
        said.push_str(&format!("{title}: {} requests\n", log.len()));
        for entry in log {
            let path = entry.path.replace(&world.old_id, "{old}");
            let path = path.replace(report.new_id.as_ref().unwrap(), "{new}");
            let caller = match entry.caller.as_ref() {
                Some(id) if *id == world.old_id => "old",
                Some(id) if Some(id) == report.new_id.as_ref() => "new",
                _ => "caller",
            };
            let query = entry.query.join("&");
            let line = format!("  {caller}: {} {path} {query}", entry.method);
            said.push_str(line.trim_end());
            said.push('\n');
        }
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn nothing_happens_before_run() {
    let world = plain().await;
    drop(world.rotation());
    assert!(world.server.log().is_empty() && !world.journal.exists());
}

#[tokio::test]
async fn the_key_is_found_by_its_store_again_and_again() {
    // Equal masks: only the journal can tell which key it is.
    let world = world(Settings { colliding_masks: true, ..Settings::default() }).await;
    rotated(&world).await;
    for _ in 0..3 {
        let held = world.store.held();
        let report = world
            .client
            .rotation_of(world.store.clone())
            .journal(&world.journal)
            .retire(Retirement::Delete)
            .clock(world.clock.clone())
            .run()
            .await
            .unwrap();
        assert!(report.is_settled());
        assert_ne!(world.store.held(), held);
        assert!(world.server.authenticates(&world.store.held().unwrap()));
    }
}

#[tokio::test]
async fn a_store_that_does_not_hold_the_key_is_not_overwritten() {
    let world = plain().await;
    let other = world.server.add_key(NewKey::named("another workload's"));
    world.store.set(Some(other.plaintext()));
    let why = refused(&world, world.rotation()).await;
    assert!(why.contains("does not hold the key"), "{why}");
    world.store.set(None);
    assert!(refused(&world, world.rotation()).await.contains("holds no key"));
    world.store.set(Some(world.old().plaintext()));
    assert!(refused(&world, world.rotation().store_is_new()).await.contains("holds something"));
}

#[tokio::test]
async fn a_store_whose_content_fits_but_is_dead_is_refused() {
    let world = world(Settings { colliding_masks: true, ..Settings::default() }).await;
    let dead = world.server.add_key(NewKey::named("x"));
    assert!(world.server.delete(&dead.id));
    world.store.set(Some(dead.plaintext()));
    assert!(refused(&world, world.rotation()).await.contains("401"));
}

/// With equal masks a new store tells nobody whether the caller's key is the one that is rotated:
/// taken for it, the caller would go on with a key of other rights.
#[tokio::test]
async fn a_caller_that_may_be_the_rotated_key_is_refused() {
    let settings = Settings { new_store: true, colliding_masks: true, ..Settings::default() };
    let world = world(settings).await;
    let why = refused(&world, world.rotation()).await;
    assert!(why.contains("cannot be told"), "{why}");
    // Put there by the caller, it can be told.
    world.store.set(Some(world.old().plaintext()));
    let rotation = world.client.rotation(&world.old_id).store(world.store.clone());
    let rotation = rotation.journal(&world.journal).clock(world.clock.clone());
    rotation.retire(Retirement::Delete).run().await.unwrap();
    assert!(world.manager.list_api_keys().send().await.is_ok(), "the caller kept its key");
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
    let why = refused(&world, silent.clone()).await;
    assert!(why.contains("what becomes of the old key"), "{why}");
    let report = silent.verify(|_| async { Ok::<_, std::io::Error>(()) }).run().await.unwrap();
    assert_eq!(report.old, Fate::Deleted);
}

#[tokio::test]
async fn what_cannot_work_is_refused() {
    let world = plain().await;
    let base = || world.rotation();
    assert!(refused(&world, base().retire(Retirement::Grace { days: 0 })).await.contains("lock"));
    let days = base().lifetime(Lifetime::Days(4000));
    assert!(refused(&world, days).await.contains("3650"));
    let nobody =
        world.client.rotation("cnobody").store(world.store.clone()).journal(&world.journal);
    assert!(refused(&world, nobody.retire(Retirement::Keep)).await.contains("no key cnobody"));
    let path = world.client.rotation("../../x").store(world.store.clone()).journal(&world.journal);
    refused(&world, path.retire(Retirement::Keep)).await;
    let no_journal = world.client.rotation(&world.old_id).store(world.store.clone());
    assert!(refused(&world, no_journal.retire(Retirement::Keep)).await.contains("journal"));
    assert!(world.server.delete(&world.old_id));
    let why = refused(&world, base()).await;
    assert!(why.contains("there is no key"), "{why}");
}

#[tokio::test]
async fn a_key_of_another_project_is_refused() {
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
    refused(&mine, rotation).await;
}

#[tokio::test]
async fn a_project_scoped_key_rotates_itself() {
    let settings = Settings { project: Some("proj_a".into()), own: true, ..Settings::default() };
    let world = world(settings).await;
    rotated(&world).await;
    // The caller's client has gone over to the new key.
    world.client.list_api_keys().send().await.unwrap();
}

#[tokio::test]
async fn a_key_that_may_manage_nothing_is_rotated() {
    let world = plain().await;
    let policy = Policy::new().allow("browsers:use", "projects/p/*");
    assert!(world.server.set_policy(&world.old_id, Some(policy.clone())));
    let report = rotated(&world).await;
    let new = world.server.key(&report.new_id.unwrap()).unwrap();
    assert_eq!(new.policy, Some(policy));
}

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
async fn a_harmless_new_field_in_every_answer_does_no_harm() {
    let world = plain().await;
    let more = serde_json::json!({"kind": "standard", "tags": []});
    world.server.faults().add(Fault::merge_json(more).method("GET"));
    rotated(&world).await;
}

#[tokio::test]
async fn a_policy_that_we_would_drop_in_part_is_refused() {
    let world = plain().await;
    let policy = serde_json::json!({"statements": [
        {"action": "browsers:use", "resource": "*", "condition": {"ip": "10.0.0.0/8"}}
    ]});
    assert!(world.server.set_extra(&world.old_id, "policy", policy));
    assert!(refused(&world, world.rotation()).await.contains("policy"));
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
                Ok(report) => assert_eq!(report.old, Fate::Deleted, "{n} {change}"),
                Err(error) if error.is_refused() => {}
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
async fn an_expired_key_needs_its_lifetime_spelled_out() {
    let world = plain().await;
    world.server.advance(TimeDelta::days(60));
    // Nothing holds it any more, so only a new store can be meant.
    world.store.set(None);
    let rotation = || world.rotation().store_is_new();
    assert!(refused(&world, rotation()).await.contains("say how long"));
    assert_eq!(rotation().lifetime(Lifetime::Never).run().await.unwrap().outcome, Outcome::Rotated);
}

#[tokio::test]
async fn an_end_that_a_grace_period_has_moved_is_not_taken_for_a_lifetime() {
    let world = plain().await;
    world.server.advance(TimeDelta::hours(5));
    let rotate = world.manager.rotate_api_key().id(&*world.old_id);
    rotate.body_map(|body| body.expire_in_days(7)).send().await.unwrap();
    assert!(refused(&world, world.rotation()).await.contains("grace period"));
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
    assert!(refused(&world, world.rotation()).await.contains("another key"));
}

#[tokio::test]
async fn a_late_creation_is_found_when_all_is_settled() {
    let world = plain().await;
    let late = Fault::effect_later(Duration::from_secs(100)).method("POST").times(1);
    world.server.faults().add(late);
    let report = rotated(&world).await;
    assert!(report.unsettled.is_empty());
    let made = world.server.log().iter().filter(|entry| entry.late).count();
    assert_eq!(made, 1, "it did land");
}

#[tokio::test]
async fn settling_is_skipped_when_every_outcome_is_known() {
    let world = plain().await;
    let before = world.server.now();
    rotated(&world).await;
    // The overlap, and nothing else.
    assert_eq!(world.server.now() - before, TimeDelta::seconds(60));
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
        (Outcome::NeedsAttention, Fate::Kept, Fate::Kept)
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
            async { Err::<(), _>(std::io::Error::other("the workload answers 500")) }
        })
        .run()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("answers 500"), "{error}");
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    let deployed = world.deployed.lock().unwrap().clone().unwrap();
    assert_eq!(deployed.expose(), world.old().plaintext());
}

#[tokio::test]
async fn a_hook_that_prints_a_key_is_scrubbed() {
    let world = plain().await;
    let store = world.store.clone();
    let error = world
        .rotation()
        .verify(move |_| {
            let held = store.held().unwrap();
            async move { Err::<(), _>(std::io::Error::other(format!("bad key {held}"))) }
        })
        .run()
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?} {:?}", world.events.lock().unwrap());
    assert!(world.server.keys().iter().all(|key| !shown.contains(key.plaintext())), "{shown}");
    assert!(shown.contains("[redacted]"));
}

#[tokio::test]
async fn a_rival_rotation_is_refused() {
    let world = plain().await;
    // A rotation on another host, with another journal, dies after it has made its key.
    let other = world.journal.with_file_name("other.jsonl");
    let store = MemoryStore::holding(world.old().plaintext());
    let rival = |journal: &std::path::Path| {
        world
            .client
            .rotation(&world.old_id)
            .store(store.clone())
            .journal(journal)
            .retire(Retirement::Delete)
            .clock(world.clock.clone())
    };
    let watch = world.watch(Death::Effect(24));
    assert!(world.run(&watch, Death::Effect(24)).await.is_none());
    assert!(world.server.keys().iter().any(|key| key.name.starts_with("~onk-")));
    let error = rival(&other).run().await.unwrap_err();
    assert!(error.is_refused() && error.to_string().contains("another rotation"), "{error}");
    // When the first is finished, or undone, the second may go on.
    world.recover().await.unwrap();
}

#[tokio::test]
async fn of_two_rivals_at_once_at_most_one_goes_through() {
    for offset in 0..12 {
        let world = plain().await;
        let store = MemoryStore::holding(world.old().plaintext());
        let second = world
            .client
            .rotation(&world.old_id)
            .store(store.clone())
            .journal(world.journal.with_file_name("other.jsonl"))
            .retire(Retirement::Delete)
            .overlap(Duration::ZERO)
            .clock(world.clock.clone());
        let first = world.rotation().overlap(Duration::ZERO);
        let delayed = async {
            for _ in 0..offset * 4 {
                tokio::task::yield_now().await;
            }
            second.run().await
        };
        let (a, b) = futures_util::future::join(first.run(), delayed).await;
        assert!(!(a.is_ok() && b.is_ok()), "{offset}: both");
        for (ran, store) in [(&a, &world.store), (&b, &store)] {
            if ran.is_ok() {
                assert!(world.server.authenticates(&store.held().unwrap()), "{offset}");
            }
        }
        let marked = world
            .server
            .keys()
            .into_iter()
            .filter(|key| key.deleted_at.is_none() && key.name.starts_with("~onk-"));
        assert_eq!(marked.count(), 0, "{offset}: {a:?} {b:?}");
    }
}

#[tokio::test]
async fn a_journal_under_way_or_of_another_store_is_refused() {
    let world = plain().await;
    let watch = world.watch(Death::Effect(30));
    assert!(world.run(&watch, Death::Effect(30)).await.is_none());
    let error = world.rotation().run().await.unwrap_err();
    assert!(error.is_refused() && error.to_string().contains("resume it first"), "{error}");
    world.recover().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = onkernel::rotation::FileStore::new(folder.path().join("key"));
    let other = world.client.rotation(&world.old_id).store(file).store_is_new();
    let error = other.journal(&world.journal).retire(Retirement::Keep).run().await.unwrap_err();
    assert!(error.to_string().contains("another store"), "{error}");
}

#[tokio::test]
async fn resuming_with_nothing_to_do_needs_nothing() {
    let world = plain().await;
    assert!(world.resume().run().await.unwrap().is_none());
    rotated(&world).await;
    let requests = world.server.log().len();
    for _ in 0..2 {
        assert!(world.client.resume(&world.journal).run().await.unwrap().is_none());
    }
    assert_eq!(world.server.log().len(), requests);
}

#[tokio::test]
async fn names_of_every_kind_come_through() {
    let long = "x".repeat(255);
    for name in [
        long.as_str(),
        "a \"b\" 'c'",
        "two\nlines",
        "../../etc/passwd",
        "🔑 clé",
        "%2e%2e",
        "~onk-",
    ] {
        let world = world(Settings { name: name.to_owned(), ..Settings::default() }).await;
        rotated(&world).await;
    }
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
async fn the_verify_hook_gets_the_new_key() {
    let world = plain().await;
    let old = world.old_id.clone();
    let report = world
        .rotation()
        .verify(move |client: Client| {
            let old = old.clone();
            async move { client.get_api_key().id(&*old).send().await.map(drop) }
        })
        .run()
        .await
        .unwrap();
    let log = world.server.log();
    assert!(log.iter().any(|entry| entry.caller == report.new_id));
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
    assert!(refused(&world, rotation()).await.contains("cannot be read"));
    assert_eq!(rotation().store_is_new().run().await.unwrap().outcome, Outcome::Rotated);
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

#[tokio::test]
async fn events_come_as_a_stream() {
    use futures_util::StreamExt;
    let world = plain().await;
    let (rotation, events) = world.rotation().events();
    let (report, events) =
        futures_util::future::join(rotation.run(), events.collect::<Vec<_>>()).await;
    report.unwrap();
    assert_eq!(events.len(), world.events.lock().unwrap().len());
    assert!(events.len() >= 18, "{events:?}");
}

#[tokio::test]
async fn a_key_is_created_exactly_once() {
    use onkernel::types::CreateApiKeyRequest;
    for fault in [
        Fault::drop_connection().after(),
        Fault::status(503).after(),
        Fault::status(503).before(),
        Fault::too_many_requests(onkernel::testing::RetryAfter::None).after(),
        Fault::truncated_body(),
        Fault::garbage_json(),
        Fault::wrong_content_type(),
    ] {
        let server = onkernel::testing::Server::start().await.unwrap();
        server.faults().add(fault.clone().method("POST").times(1));
        let client = Client::builder()
            .api_key(server.bootstrap_key())
            .base_url(server.url())
            // The settle time is twice this.
            .timeout(Duration::from_millis(400))
            .build()
            .unwrap();
        let request = CreateApiKeyRequest::builder().name("once").days_to_expire(9);
        let made = client.create_exactly_once(request).await.unwrap();
        let live: Vec<_> = server.keys().into_iter().filter(|k| k.deleted_at.is_none()).collect();
        assert_eq!(live.len(), 2, "{fault:?}: the bootstrap key and the new one");
        assert_eq!((&live[1].id, live[1].name.as_str()), (&made.id, "once"));
        assert_eq!(live[1].plaintext(), made.key.expose());
        assert!(made.marker.is_none() && made.unsettled.is_empty());
    }
}

#[tokio::test]
async fn a_sweep_finds_what_landed_late_and_spares_what_is_in_use() {
    let world = plain().await;
    // The creation is lost, and so is every look for it: the rotation ends with a marker open.
    world
        .server
        .faults()
        .add(Fault::effect_later(Duration::from_secs(100_000)).method("POST").times(1));
    world.server.faults().add(Fault::status(503).method("GET").path("/org/api_keys").from(5));
    let error = world.rotation().run().await.unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert_eq!(report.unsettled.len(), 1, "{report:?}");
    assert!(error.needs_attention());
    world.server.faults().clear();
    assert_eq!(world.server.land_late(), 1);
    let left = pending(&world.journal).unwrap().unwrap();
    assert!(!left.under_way);
    assert_eq!(left.unsettled, report.unsettled);
    let swept = world.resume().sweep().await.unwrap();
    assert_eq!(swept, 1);
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    assert_eq!(world.client.sweep(&world.journal).await.unwrap(), 0);
}

#[tokio::test]
async fn a_fleet_is_rotated_a_few_at_a_time() {
    use onkernel::rotation::{Policy, Rotated, Skipped, Store};
    use onkernel::types::ApiKey;
    use std::sync::Arc;

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
            path.exists()
                .then(|| Arc::new(onkernel::rotation::FileStore::new(path)) as Arc<dyn Store>)
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

/// A store that swaps: somebody who writes to it in the middle is not overwritten.
#[derive(Clone)]
struct Swapping(MemoryStore, std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Store for Swapping {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        self.0.read()
    }

    fn write<'a>(&'a self, _: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        panic!("it was to be swapped")
    }

    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        Some(Box::pin(async {
            if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
                self.0.set(Some("sk_of_somebody_else_0123456789"));
            }
            let same = self.0.held().as_deref() == Some(expected.expose());
            if same {
                self.0.write(new).await?;
            }
            Ok(same)
        }))
    }
}

#[tokio::test]
async fn a_store_that_swaps_overwrites_nobody() {
    for rival in [true, false] {
        let world = plain().await;
        let swaps = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(usize::from(!rival)));
        let store = Swapping(world.store.clone(), swaps);
        let ran = world.rotation().store(store).run().await;
        match rival {
            false => assert!(ran.unwrap().is_settled()),
            true => {
                let error = ran.unwrap_err();
                assert!(error.to_string().contains("something else"), "{error}");
                // What somebody else put there may be a key that needs both of ours.
                assert_eq!(error.report().unwrap().outcome, Outcome::NeedsAttention, "{error}");
                assert_eq!(world.store.held().unwrap(), "sk_of_somebody_else_0123456789");
                assert!(world.old().deleted_at.is_none());
            }
        }
    }
}
