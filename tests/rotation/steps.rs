//! Rotation, step by step, when all goes well: what it does, for whom, and with which requests.

use chrono::TimeDelta;
use onkernel::Client;
use onkernel::rotation::{Disposition, Retirement, RotationExt, pending};
use onkernel::testing::Policy;

use crate::support::{RoundTrips, Settings, plain, rotated, world};

#[tokio::test]
async fn a_key_is_replaced() {
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            let world = world(Settings { retirement, own, ..Settings::default() }).await;
            let report = rotated(&world).await;
            assert!(report.is_settled(), "{report:?}");
            assert_eq!(report.new, Disposition::InUse);
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

/// The requests of the usual rotations, in their order, those that are sent together in one line
/// after the other. The module's documentation says what each is for and why none can be left out.
#[tokio::test]
async fn every_request_has_its_reason() {
    let mut said = String::new();
    for (title, retirement, own, by_store, most) in [
        ("by the caller, then deleted", Retirement::Delete, false, false, 7),
        ("by itself, then deleted", Retirement::Delete, true, false, 7),
        ("by the caller, then kept", Retirement::Keep, false, false, 6),
        // The old key bears the marker meanwhile.
        ("by the server, with a grace period", Retirement::Grace { days: 2 }, false, false, 7),
        ("known by its store, then deleted", Retirement::Delete, false, true, 7),
        ("by itself, known by its store", Retirement::Delete, true, true, 7),
    ] {
        let world = world(Settings { retirement, own, ..Settings::default() }).await;
        let trips = RoundTrips::to(&world.server);
        let rotation = if by_store { world.rotation_of_store() } else { world.rotation() };
        let report = rotation.probe(trips.clone()).run().await.unwrap();
        let log = world.server.log();
        let ends = trips.ends();
        assert!(ends.len() <= most, "{title}: {} round trips", ends.len());
        said.push_str(&format!("{title}: {} requests in {} round trips\n", log.len(), ends.len()));
        let mut from = 0;
        for to in ends {
            let mut together: Vec<String> = log[from..to]
                .iter()
                .map(|entry| {
                    let path = entry.path.replace(&world.old_id, "{old}");
                    let path = path.replace(report.new_id.as_ref().unwrap(), "{new}");
                    let caller = match entry.caller.as_ref() {
                        Some(id) if *id == world.old_id => "old",
                        Some(id) if Some(id) == report.new_id.as_ref() => "new",
                        _ => "caller",
                    };
                    let line =
                        format!("{caller}: {} {path} {}", entry.method, entry.query.join("&"));
                    line.trim_end().to_owned()
                })
                .collect();
            together.sort();
            for (n, line) in together.iter().enumerate() {
                said.push_str(&format!("{} {line}\n", if n == 0 { "  -" } else { "   " }));
            }
            from = to;
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
async fn a_project_scoped_key_rotates_itself() {
    let settings = Settings { project: Some("proj_a".into()), own: true, ..Settings::default() };
    let world = world(settings).await;
    rotated(&world).await;
    // The caller's client has gone over to the new key.
    world.client.api_keys().list().send().await.unwrap();
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
async fn the_verify_hook_gets_the_new_key() {
    let world = plain().await;
    let old = world.old_id.clone();
    let report = world
        .rotation()
        .verify(move |client: Client| {
            let old = old.clone();
            async move { client.api_keys().get(&*old).send().await.map(drop) }
        })
        .run()
        .await
        .unwrap();
    let log = world.server.log();
    assert!(log.iter().any(|entry| entry.caller == report.new_id));
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
