//! The true response, delayed, cut, swollen or changed.

use std::time::{Duration, Instant};

use onkernel::testing::{Fault, NewKey, Server};
use serde_json::{Value, json};

use super::{KEYS, body_of, is_lost, made, named, start, with};
use crate::support::Api;

#[tokio::test]
async fn a_delayed_request_is_carried_out_though_its_caller_has_left() {
    for fault in
        [Fault::delay(Duration::from_millis(80)), Fault::delay(Duration::from_secs(600)).after()]
    {
        let ordered = format!("{fault}");
        let (server, api) = with(fault).await;
        let body = named("k").to_string();
        let request =
            api.request("POST", KEYS).header("content-type", "application/json").body(body);
        let error = Api::finish(request.timeout(Duration::from_millis(40))).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        let deadline = Instant::now() + Duration::from_secs(5);
        while !made(&server, "k") {
            assert!(Instant::now() < deadline, "{ordered}: never carried out");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let stopping = Instant::now();
        server.shutdown().await;
        assert!(stopping.elapsed() < Duration::from_secs(2), "a delay does not hold up the end");
    }
}

#[tokio::test]
async fn a_delay_holds_the_response_back() {
    let (server, api) = with(Fault::delay(Duration::from_millis(50))).await;
    let started = Instant::now();
    assert_eq!(api.create(named("k")).await.status, 201);
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(server.log()[0].fault.as_deref(), Some("delay of 50 ms before the effect"));
}

#[tokio::test]
async fn latency_is_had_by_every_request() {
    let (server, api) = start().await;
    server.set_latency(Duration::from_millis(30));
    let started = Instant::now();
    api.list("").await;
    assert!(started.elapsed() >= Duration::from_millis(30));
    let server = Server::builder().latency(Duration::from_millis(30)).start().await.unwrap();
    let started = Instant::now();
    Api::new(&server).list("").await;
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert!(server.log()[0].fault.is_none());
}

#[tokio::test]
async fn a_slow_body_arrives_in_pieces() {
    let (_server, api) = with(Fault::slow_body(100, Duration::from_millis(20))).await;
    let started = Instant::now();
    let response = api.create(named("k")).await;
    let pieces = u32::try_from(response.text.len().div_ceil(100)).unwrap();
    assert!(pieces > 2 && started.elapsed() >= pieces * Duration::from_millis(20));
    assert_eq!(response.text_of("name"), "k");
}

#[tokio::test]
async fn a_truncated_body_ends_in_the_middle() {
    let (server, api) = with(Fault::truncated_body()).await;
    let (bytes, end) = body_of(api.request("GET", KEYS), usize::MAX).await;
    let whole = json!([serde_json::from_str::<Value>(&whole_key(&server)).unwrap()]).to_string();
    assert!(end.is_err());
    assert_eq!(bytes, whole.as_bytes()[..whole.len() / 2]);
}

#[tokio::test]
async fn a_wrong_length_announces_more_than_comes() {
    let (server, api) = with(Fault::wrong_length()).await;
    let (bytes, end) = body_of(api.request("GET", KEYS), usize::MAX).await;
    assert!(end.is_err());
    assert_eq!(bytes, format!("[{}]", whole_key(&server)).as_bytes());
}

/// The first key as a listing shows it.
fn whole_key(server: &Server) -> String {
    let key = &server.keys()[0];
    json!({
        "id": key.id, "name": key.name, "created_at": "2026-11-01T12:00:00Z",
        "created_by": { "id": "user_owner", "email": "owner@example.com", "name": "Owner" },
        "expires_at": null, "deleted_at": null, "project_id": null, "project_name": null,
        "masked_key": key.masked_key,
    })
    .to_string()
}

#[tokio::test]
async fn a_response_without_a_body_cannot_be_cut_and_is_lost() {
    for fault in [Fault::truncated_body(), Fault::wrong_length()] {
        let (server, api) = with(fault).await;
        let key = server.add_key(NewKey::named("k"));
        let path = format!("{KEYS}/{}", key.id);
        let error = api.try_send("DELETE", &path, Value::Null).await.unwrap_err();
        assert!(is_lost(&error), "{error:?}");
        assert!(server.key(&key.id).unwrap().deleted_at.is_some());
        assert_eq!(server.log()[0].status, None);
    }
}

#[tokio::test]
async fn garbage_holds_what_it_should_and_does_not_parse() {
    let (server, api) = with(Fault::garbage_json()).await;
    let response = api.create(named("k")).await;
    assert_eq!((response.status, response.header("content-type")), (201, "application/json"));
    let plaintext = server.keys()[1].plaintext().to_owned();
    assert!(response.text.contains(&plaintext), "the plaintext is there to be leaked");
    assert!(serde_json::from_str::<Value>(&response.text).is_err());
    assert!(serde_json::from_str::<Value>(&api.list("").await.text).is_err());
    let gone = api.delete(&server.keys()[1].id).await;
    assert_eq!((gone.status, &*gone.text), (204, ""), "nothing to spoil");
}

#[tokio::test]
async fn content_type_and_headers_can_be_wrong() {
    let (_server, api) = with(Fault::wrong_content_type()).await;
    let response = api.list("").await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, "text/plain; charset=utf-8")
    );
    assert_eq!(response.names(), ["bootstrap"]);

    let (server, api) = with(Fault::set_header("X-Next-Offset", "0").nth(1)).await;
    server.faults().add(Fault::remove_header("X-Has-More").nth(2));
    server.add_key(NewKey::named("k"));
    let stuck = api.list("limit=1").await;
    assert_eq!((stuck.header("x-has-more"), stuck.header("x-next-offset")), ("true", "0"));
    let missing = api.list("limit=1").await;
    assert_eq!((missing.headers.get("x-has-more"), missing.header("x-next-offset")), (None, "1"));
}

#[tokio::test]
async fn json_can_be_changed_on_its_way() {
    let patch =
        json!({ "policy": null, "created_by": { "name": null }, "created_at": 7, "new": [1] });
    let (server, api) = with(Fault::merge_json(patch)).await;
    let response = api.create(named("k")).await.json();
    assert_eq!(response["created_at"], 7);
    assert_eq!(response["new"], json!([1]));
    assert_eq!(response["created_by"], json!({ "id": "user_owner", "email": "owner@example.com" }));
    assert_eq!(response["key"], server.keys()[1].plaintext());
    let list = api.list("").await.json();
    assert!(list.as_array().unwrap().iter().all(|key| key["created_at"] == 7));
    let (_server, api) = with(Fault::merge_json(json!("nonsense"))).await;
    assert_eq!(api.create(named("k")).await.json(), "nonsense");
}

#[tokio::test]
async fn an_oversized_body_is_white_space_and_then_the_response() {
    let (_server, api) = with(Fault::oversized_body(100_000)).await;
    let response = api.list("").await;
    assert!(response.text.len() > 100_000 && response.text.starts_with("          "));
    assert_eq!(response.names(), ["bootstrap"]);
}

#[tokio::test]
async fn an_endless_body_does_not_end_until_somebody_goes() {
    let (server, api) = with(Fault::endless_body()).await;
    let (bytes, end) = body_of(api.request("GET", KEYS), 1_000_000).await;
    assert!(bytes.len() > 1_000_000 && end.is_ok());
    // A caller that reads on is cut off when the server stops.
    let reading = tokio::spawn(body_of(api.request("GET", KEYS), usize::MAX));
    while server.log().len() < 2 {
        tokio::task::yield_now().await;
    }
    server.shutdown().await;
    assert!(reading.await.unwrap().1.is_err());
}

#[tokio::test]
async fn a_spoilt_response_can_come_without_the_effect() {
    for (fault, says) in [
        (Fault::garbage_json(), "garbage JSON before the effect"),
        (Fault::wrong_content_type(), "wrong content type before the effect"),
        (Fault::oversized_body(10), "body oversized by 10 bytes before the effect"),
    ] {
        let (server, api) = with(fault.before().times(1)).await;
        let response = api.create(named("k")).await;
        assert_eq!(response.status, 201, "what would have been said");
        assert_eq!(server.keys().len(), 1);
        let entry = &server.log()[0];
        assert_eq!((entry.fault.as_deref(), &entry.effect), (Some(says), &None));
        let real = api.create(named("k")).await;
        assert!(!response.text.contains(&real.text_of("id")), "what was made up is not used again");
        assert!(!response.text.contains(&real.text_of("key")));
    }
}
