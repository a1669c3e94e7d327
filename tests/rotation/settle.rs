//! What may have been created is looked for until it is certain: markers, sweeps, creating exactly once.

use std::time::Duration;

use chrono::TimeDelta;
use onkernel::Client;
use onkernel::rotation::{Outcome, RotationExt, pending};
use onkernel::testing::Fault;

use crate::support::{plain, rotated};

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
        Fault::doubled(onkernel::testing::Which::First),
        Fault::doubled(onkernel::testing::Which::Second),
        Fault::effect_later(Duration::from_millis(500)),
    ] {
        let server = onkernel::testing::Server::start().await.unwrap();
        server.faults().add(fault.clone().method("POST").times(1));
        let client = Client::builder()
            .api_key(server.bootstrap_key())
            .base_url(server.url())
            // The settle time is twice this, where one is given.
            .timeout(Duration::from_millis(400))
            .build()
            .unwrap();
        let request = CreateApiKeyRequest::new("once").days_to_expire(9);
        let once = client.create_exactly_once(request).settle_time(Duration::ZERO);
        let made = once.await.unwrap();
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
