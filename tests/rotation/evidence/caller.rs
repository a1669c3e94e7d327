//! Callers who are elsewhere: another organization, another host, another place.

use std::fs;

use onkernel::Client;
use onkernel::rotation::{Event, FileStore, Outcome, Resolution, RotationExt, Step, Stop, pending};
use onkernel::testing::{AuthContext, Fault};

use super::support::{Death, Settings, World, http, plain, world};

fn stranger(world: &mut World) -> Client {
    let plaintext = world.server.add_organization("org_other");
    world.bystanders.push(world.server.key_by_plaintext(&plaintext).unwrap().id);
    Client::builder()
        .api_key(plaintext)
        .base_url(world.server.url())
        .http_client(http())
        .build()
        .unwrap()
}

/// A rotation that died at this effect.
async fn died(world: &World, at: usize) {
    assert!(world.run(&world.watch(Death::Effect(at)), Death::Effect(at)).await.is_none());
}

/// Rule 7: a caller who cannot see the rotation changes nothing, closes nothing, and is told so; also
/// when the key that the store holds could see it, which only a key that is dead goes on with.
#[tokio::test]
async fn a_resume_by_another_organization_changes_nothing() {
    for (own, at) in (4..60).step_by(5).flat_map(|at| [(false, at), (true, at)]) {
        let mut world = world(Settings { own, ..Settings::default() }).await;
        if world.run(&world.watch(Death::Effect(at)), Death::Effect(at)).await.is_some() {
            continue;
        }
        if pending(&world.journal).unwrap().is_none() {
            continue;
        }
        let client = stranger(&mut world);
        let (journal, keys) = (fs::read(&world.journal).unwrap(), world.server.keys());
        let held = world.store.held();
        let resume = client.resume(&world.journal).store(world.store.clone());
        let error = resume.clock(world.clock.clone()).run().await.unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{at}: {error}");
        assert!(error.resolutions().contains(&Resolution::Caller), "{at}: {error}");
        assert_eq!(fs::read(&world.journal).unwrap(), journal, "{at}");
        assert_eq!(world.store.held(), held);
        assert!(world.server.keys() == keys, "{at}: a key was changed");
        world.recover().await.unwrap();
        world.settled().unwrap();
    }
}

/// Rule 7: the organization is part of the plan, so that whoever sees a key of its id elsewhere is
/// told apart, and it is held to what both sides know.
#[tokio::test]
async fn a_rotation_of_another_organization_is_not_gone_on_with() {
    let world = plain().await;
    died(&world, 40).await;
    let text = fs::read_to_string(&world.journal).unwrap();
    let ours = "\"organization\":\"org_main\"";
    assert!(text.contains(ours), "{text}");
    let other = text.replace(ours, "\"organization\":\"org_elsewhere\"");
    fs::write(&world.journal, &other).unwrap();
    let (keys, held) = (world.server.keys(), world.store.held());
    for resume in [world.resume(), world.resume().adopt()] {
        let error = resume.run().await.unwrap_err();
        let why = error.to_string();
        assert!(why.contains("org_elsewhere") && why.contains("org_main"), "{why}");
        assert!(error.resolutions().contains(&Resolution::Caller), "{why}");
        assert_eq!(fs::read_to_string(&world.journal).unwrap(), other);
        assert!(world.server.keys() == keys && world.store.held() == held, "{why}");
    }
    // A server that could not be asked then.
    fs::write(&world.journal, text.replace(&format!("{ours},"), "")).unwrap();
    world.recover().await.unwrap();
    world.settled().unwrap();
}

/// Rule 7: the host counts only where the store is one that other hosts do not share.
#[tokio::test]
async fn the_host_is_part_of_the_plan_where_the_store_is_of_one_host() {
    use onkernel::rotation::CommandStore;
    for shared in [false, true] {
        let world = world(Settings { deploys: false, ..Settings::default() }).await;
        let store = CommandStore::new("sink", ["sh", "-c", "cat > /dev/null"]);
        let store = if shared { store.shared_by_hosts() } else { store };
        world.rotation().store(store).store_is_new().run().await.unwrap();
        let text = fs::read_to_string(&world.journal).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["plan"]["place"]["host"].is_null(), shared, "{first}");
    }
}

/// Rule 7: what a stranger does not find is not settled by that.
#[tokio::test]
async fn a_sweep_by_another_organization_closes_nothing() {
    let mut world = plain().await;
    world.server.faults().add(Fault::drop_connection().after().method("POST").times(1));
    world.server.faults().add(Fault::status(503).method("GET").path("/org/api_keys").from(3));
    let _ = world.rotation().run().await.unwrap_err();
    world.server.faults().clear();
    let left = pending(&world.journal).unwrap().unwrap();
    assert!(!left.unsettled.is_empty());
    let sweep = stranger(&mut world).resume(&world.journal).clock(world.clock.clone());
    let error = sweep.sweep().await.unwrap_err();
    assert!(error.to_string().contains("cannot see"), "{error}");
    assert_eq!(pending(&world.journal).unwrap().unwrap().unsettled, left.unsettled);
    world.recover().await.unwrap();
}

/// Rule 7: nor with the key of a self-rotation that the store holds.
#[tokio::test]
async fn a_sweep_by_another_organization_does_not_ask_with_the_stores_key() {
    let mut world = world(Settings { own: true, ..Settings::default() }).await;
    world.server.faults().add(Fault::drop_connection().after().method("POST").times(1));
    let stop = Stop::new();
    let asks = stop.clone();
    let rotation = world.rotation().stop_on(&stop).on_event(move |event| {
        if matches!(event, Event::Started { step: Step::Retire }) {
            asks.stop();
        }
    });
    rotation.run().await.unwrap();
    let left = pending(&world.journal).unwrap().unwrap();
    assert!(!left.unsettled.is_empty());
    let stranger = stranger(&mut world);
    let resume =
        || stranger.resume(&world.journal).store(world.store.clone()).clock(world.clock.clone());
    for error in [resume().sweep().await.unwrap_err(), resume().run().await.unwrap_err()] {
        assert!(error.to_string().contains("cannot see"), "{error}");
    }
    assert_eq!(pending(&world.journal).unwrap().unwrap().unsettled, left.unsettled);
    world.recover().await.unwrap();
}

/// Rule 7: a sweep after a self-rotation asks with what the store holds.
#[tokio::test]
async fn a_sweep_after_a_self_rotation_asks_with_the_stores_key() {
    let world = world(Settings { own: true, ..Settings::default() }).await;
    let old = world.old().plaintext().to_owned();
    world.server.faults().add(Fault::drop_connection().after().method("POST").times(1));
    let stop = Stop::new();
    let asks = stop.clone();
    let rotation = world.rotation().stop_on(&stop).on_event(move |event| {
        if matches!(event, Event::Started { step: Step::Retire }) {
            asks.stop();
        }
    });
    let report = rotation.run().await.unwrap();
    assert!(!report.unsettled.is_empty(), "{report:?}");
    let client = Client::builder()
        .api_key(old)
        .base_url(world.server.url())
        .http_client(http())
        .build()
        .unwrap();
    let sweep = client.resume(&world.journal).store(world.store.clone());
    sweep.clock(world.clock.clone()).sweep().await.unwrap();
    world.recover().await.unwrap();
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

/// Rule 7: organizations are asked where they can be, and nothing fails where they cannot. Whose the
/// store's plaintext is, is asked with that.
#[tokio::test]
async fn a_server_without_contexts_is_asked_once_with_each_key() {
    for available in [AuthContext::Missing, AuthContext::Forbidden] {
        let server = onkernel::testing::Server::builder().auth_context(available).start();
        let server = server.await.unwrap();
        let key = server.add_key(onkernel::testing::NewKey::named("ci").days(30));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, key.plaintext()).unwrap();
        let client = Client::builder()
            .api_key(server.bootstrap_key())
            .base_url(server.url())
            .http_client(http())
            .build()
            .unwrap();
        let report = client
            .rotation_of(onkernel::rotation::FileStore::new(&file))
            .journal(folder.path().join("journal"))
            .retire(onkernel::rotation::Retirement::Delete)
            .overlap(std::time::Duration::ZERO)
            .run()
            .await
            .unwrap();
        assert!(report.is_settled());
        let asked = server.log().iter().filter(|entry| entry.path == "/auth/context").count();
        assert_eq!(asked, 2);
    }
}

/// Rule 7: from another host a rotation is gone on with only where the store's content shows which.
#[tokio::test]
async fn another_host_adopts_a_rotation_by_its_store() {
    let world = plain().await;
    died(&world, 40).await;
    // The home folder is shared, and the journal was written on another host.
    let text = fs::read_to_string(&world.journal).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let name = format!("\"name\":{}", first["plan"]["place"]["host"]["name"]);
    let text = text.replace(&name, "\"name\":\"elsewhere\"");
    fs::write(&world.journal, &text).unwrap();
    let error = world.resume().run().await.unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    assert!(error.resolutions().contains(&Resolution::Adopt), "{error}");
    assert_eq!(fs::read_to_string(&world.journal).unwrap(), text);
    let held = world.store.held().unwrap();
    world.store.set(Some("sk_of_nobody_0123456789"));
    let error = world.resume().adopt().run().await.unwrap_err();
    assert!(error.to_string().contains("neither of its keys"), "{error}");
    assert_eq!(fs::read_to_string(&world.journal).unwrap(), text);
    world.store.set(Some(&held));
    world.resume().adopt().run().await.unwrap();
    world.settled().unwrap();
}

/// Rule 7: another store, or another server, is not the rotation's.
#[tokio::test]
async fn a_resume_with_another_store_or_at_another_server_changes_nothing() {
    let world = plain().await;
    died(&world, 40).await;
    let text = fs::read_to_string(&world.journal).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other = FileStore::new(folder.path().join("key"));
    fs::write(folder.path().join("key"), world.store.held().unwrap()).unwrap();
    let error = world.resume().store(other.clone()).run().await.unwrap_err();
    assert!(error.to_string().contains("its store is"), "{error}");
    assert!(error.resolutions().contains(&Resolution::Adopt), "{error}");
    assert_eq!(fs::read_to_string(&world.journal).unwrap(), text);
    let moved = text.replace(world.server.url(), "https://elsewhere.example");
    fs::write(&world.journal, &moved).unwrap();
    let error = world.resume().run().await.unwrap_err();
    assert!(error.to_string().contains("elsewhere.example"), "{error}");
    assert_eq!(fs::read_to_string(&world.journal).unwrap(), moved);
    fs::write(&world.journal, &text).unwrap();
    // The store has moved there, and holds one of the two keys.
    let report = world.resume().store(other).adopt().run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Rotated);
}

/// Rule 8: a self-rotation that another caller takes up does not insist on the dead key.
#[tokio::test]
async fn a_self_rotation_goes_on_when_its_own_key_has_expired() {
    for by_manager in [false, true] {
        let world = world(Settings { own: true, ..Settings::default() }).await;
        died(&world, 44).await;
        assert_ne!(world.store.held().as_deref(), Some(world.old().plaintext()), "too early");
        // It has lived for 3 of its 30 days; the new one is as young as the rotation.
        world.server.advance(chrono::TimeDelta::hours(27 * 24 + 1));
        let client = if by_manager { &world.manager } else { &world.client };
        let report = world.resume_by(client).run().await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(report.unwrap().outcome, Outcome::Rotated, "{by_manager}");
    }
}

/// Rule 8: a rotation whose journal is lost is found by its markers.
#[tokio::test]
async fn a_lost_journal_is_written_anew_from_the_servers_markers() {
    let (mut rotated, mut as_before) = (0, 0);
    for at in (20..90).step_by(6) {
        let world = plain().await;
        let watch = world.watch(Death::Effect(at));
        if world.run(&watch, Death::Effect(at)).await.is_some() {
            continue;
        }
        fs::remove_file(&world.journal).unwrap();
        let marked = world
            .server
            .keys()
            .iter()
            .any(|key| key.deleted_at.is_none() && key.name.starts_with("~onk-"));
        if marked {
            let error = world.rotation().run().await.unwrap_err();
            assert!(error.to_string().contains("resume with the store"), "{at}: {error}");
        }
        let resume = world.resume().adopt().retire(onkernel::rotation::Retirement::Delete);
        let report = resume.run().await.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(report.is_some(), marked, "{at}");
        match world.settled().unwrap_or_else(|why| panic!("{at}: {why}")) {
            Outcome::Rotated => rotated += 1,
            _ => as_before += 1,
        }
    }
    assert!(rotated > 0 && as_before > 0, "{rotated} {as_before}");
}
