//! A server that lags behind its own changes: what it shows, and whom it lets in.

use std::time::Duration;

use chrono::TimeDelta;
use onkernel::testing::{Change, Fault, Lag, NewKey, Server};
use serde_json::{Value, json};

use super::{KEYS, made, named, start, with};
use crate::support::Api;

const LAG: Lag = Lag::Time(Duration::from_secs(3));

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

fn path_of(id: &str) -> String {
    format!("{KEYS}/{id}")
}

/// A key made by a request, so that it is a change like any other.
async fn create(api: &Api) -> (String, String) {
    let made = api.create(named("young")).await;
    (made.text_of("id"), made.text_of("key"))
}

async fn delete(api: &Api, server: &Server) -> onkernel::testing::KeyRecord {
    let key = server.add_key(NewKey::named("old"));
    assert_eq!(api.delete(&key.id).await.status, 204);
    key
}

#[tokio::test]
async fn a_listing_can_lag_while_a_single_key_does_not() {
    let (server, api) = with(Fault::stale_reads(LAG).method("GET").path(KEYS)).await;
    let (id, _) = create(&api).await;
    assert_eq!(api.list("").await.names(), ["bootstrap"]);
    assert_eq!(api.get(&path_of(&id)).await.status, 200);
    server.advance(seconds(2));
    assert_eq!(api.list("").await.names(), ["bootstrap"]);
    server.advance(seconds(1));
    assert_eq!(api.list("").await.names(), ["young", "bootstrap"]);
}

#[tokio::test]
async fn a_single_key_can_lag_while_listings_do_not() {
    let (server, api) =
        with(Fault::stale_reads(LAG).method("GET").path("/org/api_keys/{id}")).await;
    let (id, _) = create(&api).await;
    assert_eq!(api.list("").await.names(), ["young", "bootstrap"]);
    assert_eq!(api.get(&path_of(&id)).await.status, 404);
    server.advance(seconds(3));
    assert_eq!(api.get(&path_of(&id)).await.text_of("name"), "young");
    assert_eq!(api.send("PATCH", &path_of(&id), named("renamed")).await.status, 200);
    assert_eq!(api.get(&path_of(&id)).await.text_of("name"), "young");
    server.advance(seconds(3));
    assert_eq!(api.get(&path_of(&id)).await.text_of("name"), "renamed");
}

#[tokio::test]
async fn what_was_deleted_can_still_be_shown() {
    let (server, api) = with(Fault::stale_reads(LAG).changes([Change::Deleted])).await;
    let (id, _) = create(&api).await;
    assert_eq!(api.get(&path_of(&id)).await.status, 200, "a new key is seen at once");
    let key = delete(&api, &server).await;
    assert_eq!(api.get(&path_of(&key.id)).await.json()["deleted_at"], Value::Null);
    assert_eq!(api.list("name=old").await.names(), ["old"]);
    assert_eq!(api.list("name=old&status=deleted").await.names(), [""; 0]);
    server.advance(seconds(3));
    assert_eq!(api.get(&path_of(&key.id)).await.status, 404);
    assert_eq!(api.list("name=old&status=deleted").await.names(), ["old"]);
}

/// What cannot be seen cannot be changed, and what is gone is not changed though it is shown.
#[tokio::test]
async fn a_change_of_what_is_not_seen_is_rejected() {
    let (server, api) = with(Fault::stale_reads(LAG)).await;
    let (id, _) = create(&api).await;
    let rotate = format!("{}/rotate", path_of(&id));
    for (method, path) in [("PATCH", &path_of(&id)), ("DELETE", &path_of(&id)), ("POST", &rotate)] {
        assert_eq!(api.send(method, path, named("x")).await.status, 404, "{method}");
    }
    assert!(server.key(&id).unwrap().deleted_at.is_none());
    server.advance(seconds(3));
    assert_eq!(api.delete(&id).await.status, 204);
    let again = api.send("PATCH", &path_of(&id), named("x")).await;
    assert_eq!((again.status, api.get(&path_of(&id)).await.status), (404, 200));
}

#[tokio::test]
async fn a_young_key_can_be_turned_away_and_a_deleted_one_let_in() {
    let (server, api) = with(Fault::stale_auth(LAG)).await;
    let (id, young) = create(&api).await;
    assert_eq!(api.get(&path_of(&id)).await.status, 200, "it is there, and not let in");
    let old = delete(&api, &server).await;
    let (young, old) = (api.with_key(&young), api.with_key(old.plaintext()));
    assert_eq!((young.list("").await.status, old.list("").await.status), (401, 200));
    server.advance(seconds(3));
    assert_eq!((young.list("").await.status, old.list("").await.status), (200, 401));
}

#[tokio::test]
async fn one_of_several_replicas_can_lag() {
    let (server, api) = with(Fault::stale_auth(LAG).every(2)).await;
    server.faults().add(Fault::stale_reads(LAG).every(3).method("GET"));
    let (id, young) = create(&api).await;
    let young = api.with_key(&young);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(young.get(&path_of(&id)).await.status);
    }
    assert_eq!(statuses, [401, 200, 401, 200, 401, 404]);
    assert_eq!(server.faults().fired(), [3, 2]);
}

#[tokio::test]
async fn a_lag_can_be_counted_in_requests() {
    let (server, api) = with(Fault::stale_reads(Lag::Requests(2)).method("GET")).await;
    let (id, _) = create(&api).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(api.get(&path_of(&id)).await.status);
        assert_eq!(api.get("/nowhere").await.status, 404, "does not count");
    }
    assert_eq!(statuses, [404, 404, 200, 200]);
    // What a test does by itself is a change, and no request.
    assert!(server.delete(&id));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(api.get(&path_of(&id)).await.status);
    }
    assert_eq!(statuses, [200, 200, 404, 404]);
}

#[tokio::test]
async fn a_lag_can_be_of_real_time() {
    // Longer than any test: while the server's clock jumps, it hides.
    let (server, api) = with(Fault::stale_reads(Lag::Real(Duration::from_secs(3600)))).await;
    let (id, _) = create(&api).await;
    server.advance(TimeDelta::days(1));
    assert_eq!(api.get(&path_of(&id)).await.status, 404);
    // And it ends by itself.
    server.faults().clear();
    server.faults().add(Fault::stale_reads(Lag::Real(Duration::from_millis(5))));
    while api.get(&path_of(&id)).await.status != 200 {}
}

/// Otherwise a server whose clock stands still would let nobody in.
#[tokio::test]
async fn what_a_test_puts_there_has_always_been_there() {
    let (server, api) = with(Fault::stale_reads(LAG)).await;
    server.faults().add(Fault::stale_auth(LAG));
    let key = server.add_key(NewKey::named("k"));
    let other = server.add_organization("org_b");
    assert_eq!(api.with_key(key.plaintext()).get(&path_of(&key.id)).await.status, 200);
    assert_eq!(api.with_key(&other).list("").await.status, 200);
}

#[tokio::test]
async fn other_faults_strike_a_server_that_lags() {
    let (server, api) = with(Fault::stale_reads(LAG)).await;
    server.faults().add(Fault::status(503).method("POST").after().times(1));
    server.faults().add(Fault::truncated_body().method("GET").nth(2));
    assert_eq!(api.create(named("lost")).await.status, 503);
    assert!(made(&server, "lost"));
    assert_eq!(api.list("").await.names(), ["bootstrap"]);
    assert!(api.try_send("GET", KEYS, Value::Null).await.is_err());
    server.advance(seconds(3));
    assert_eq!(api.list("").await.names(), ["lost", "bootstrap"]);
    let log = server.log();
    assert_eq!(
        log[0].fault.as_deref(),
        Some("reads stale by 3000 ms; status 503 after the effect")
    );
}

#[tokio::test]
async fn what_is_removed_or_rotated_is_seen_late_too() {
    let (server, api) = start().await;
    let old = server.add_key(NewKey::named("k"));
    server.faults().add(Fault::stale_reads(LAG).method("GET"));
    let rotated = api.post(&format!("{}/rotate", path_of(&old.id)), json!({})).await;
    assert_eq!(rotated.status, 201);
    assert_eq!(api.get(&path_of(&old.id)).await.json()["expires_at"], Value::Null);
    assert_eq!(api.get(&path_of(&rotated.text_of("id"))).await.status, 404);
    server.advance(seconds(3));
    assert_ne!(api.get(&path_of(&old.id)).await.json()["expires_at"], Value::Null);
    assert!(server.remove(&old.id), "as if it had never been");
    assert_eq!(api.get(&path_of(&old.id)).await.status, 404);
}
