//! Every fault that can be ordered from the embedded server, as a caller meets it on the socket.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod testing_support;

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, TimeZone, Utc};
use onkernel::testing::{Effect, Fault, Faults, NewKey, RetryAfter, Server};
use serde_json::{Value, json};
use testing_support::Api;

const KEYS: &str = "/org/api_keys";

async fn start() -> (Server, Api) {
    let noon = Utc.with_ymd_and_hms(2026, 11, 1, 12, 0, 0).unwrap();
    let server = Server::builder().start_at(noon).start().await.unwrap();
    let api = Api::new(&server);
    (server, api)
}

async fn with(fault: Fault) -> (Server, Api) {
    let (server, api) = start().await;
    server.faults().add(fault);
    (server, api)
}

fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// Whether a key of this name came into being.
fn made(server: &Server, name: &str) -> bool {
    server.keys().iter().any(|key| key.name == name)
}

/// The error of the socket behind an error of the client.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

fn is_lost(error: &reqwest::Error) -> bool {
    !error.is_connect() && io_kind(error).is_none() && error.is_request()
}

fn is_reset(error: &reqwest::Error) -> bool {
    !error.is_connect() && io_kind(error) == Some(io::ErrorKind::ConnectionReset)
}

/// What arrives of a body, and how it ends.
async fn body_of(
    request: reqwest::RequestBuilder,
    at_most: usize,
) -> (Vec<u8>, Result<(), reqwest::Error>) {
    let mut response = request.send().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
        if bytes.len() > at_most {
            return (bytes, Ok(()));
        }
    }
}

// Which requests.

#[tokio::test]
async fn the_third_post_loses_its_answer_after_the_effect() {
    let (server, api) = start().await;
    server.faults().add(Fault::drop_connection().method("post").path(KEYS).nth(3).after());
    for number in 1..=4 {
        api.list("").await;
        let answer = api.try_send("POST", KEYS, named(&format!("k{number}"))).await;
        assert_eq!(answer.is_err(), number == 3, "{answer:?}");
        assert!(made(&server, &format!("k{number}")));
    }
    assert_eq!(server.faults().fired(), [1]);
}

#[tokio::test]
async fn orders_count_the_requests_they_are_about() {
    let ok_or_not = async |fault: Fault| {
        let (_server, api) = with(fault).await;
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(api.list("").await.status == 503);
        }
        statuses.iter().map(|failed| if *failed { 'x' } else { '.' }).collect::<String>()
    };
    let fault = || Fault::status(503);
    assert_eq!(ok_or_not(fault()).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().nth(2)).await, ".x......");
    assert_eq!(ok_or_not(fault().from(6)).await, ".....xxx");
    assert_eq!(ok_or_not(fault().every(3)).await, "..x..x..");
    assert_eq!(ok_or_not(fault().times(2)).await, "xx......");
    assert_eq!(ok_or_not(fault().every(2).from(4).times(2)).await, "...x.x..");
    assert_eq!(ok_or_not(fault().probability(0.0)).await, "........");
    assert_eq!(ok_or_not(fault().probability(1.0)).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().method("POST")).await, "........");
    assert_eq!(ok_or_not(fault().method("get").path("/org/*")).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().path("/org/api_keys/{id}")).await, "........");

    let chance = || ok_or_not(fault().probability(0.5).seed(7));
    let (one, two) = (chance().await, chance().await);
    assert_eq!(one, two, "the same seed makes the same choices");
    assert!(one.contains('x') && one.contains('.'), "{one}");
    assert_ne!(one, ok_or_not(fault().probability(0.5).seed(8)).await);
}

#[tokio::test]
async fn the_first_order_that_fires_wins_and_all_of_them_count() {
    let (server, api) = start().await;
    server.faults().add(Fault::status(503).nth(1));
    server.faults().add(Fault::status(500).nth(2));
    server.faults().add(Fault::status(502).from(2));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(api.list("").await.status);
    }
    assert_eq!(statuses, [503, 500, 502]);
    assert_eq!(server.faults().fired(), [1, 1, 1]);
    server.faults().clear();
    assert_eq!(api.list("").await.status, 200);
}

// Connections that end.

#[tokio::test]
async fn a_refused_connection_is_not_heard() {
    let (server, api) = with(Fault::refuse().times(1)).await;
    let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
    assert!(error.is_request() || error.is_connect(), "{error:?}");
    assert!(!made(&server, "k"));
    let log = server.log();
    assert_eq!((log.len(), &*log[0].method, &*log[0].path), (1, "", ""));
    assert_eq!(log[0].fault.as_deref(), Some("refuse"));
    assert_eq!(api.create(named("k")).await.status, 201, "only the one");
}

#[tokio::test]
async fn a_refused_request_is_reset_without_effect() {
    let (server, api) = with(Fault::refuse().method("POST").after()).await;
    assert_eq!(api.list("").await.status, 200);
    let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert!(!made(&server, "k"));
}

#[tokio::test]
async fn a_server_that_does_not_listen_refuses_connections() {
    let (server, api) = start().await;
    for _ in 0..2 {
        server.stop_listening().await.unwrap();
        server.stop_listening().await.unwrap();
        let error = Api::new(&server).try_send("POST", KEYS, named("k")).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(io_kind(&error), Some(io::ErrorKind::ConnectionRefused), "{error:?}");
        server.listen_again().await.unwrap();
        server.listen_again().await.unwrap();
        assert_eq!(Api::new(&server).list("").await.status, 200);
    }
    assert!(!made(&server, "k"));
    assert_eq!(server.log().len(), 2);
    drop(api);
}

#[tokio::test]
async fn a_connection_is_dropped_or_reset_before_or_after_the_effect() {
    let drop = Fault::drop_connection;
    let reset = Fault::reset;
    for (fault, resets, effect, says) in [
        (drop(), false, false, "drop before the effect"),
        (drop().before(), false, false, "drop before the effect"),
        (drop().after(), false, true, "drop after the effect"),
        (reset(), true, false, "reset before the effect"),
        (reset().after(), true, true, "reset after the effect"),
    ] {
        let (server, api) = with(fault).await;
        let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
        assert_eq!((is_lost(&error), is_reset(&error)), (!resets, resets), "{says}: {error:?}");
        assert_eq!(made(&server, "k"), effect, "{says}");
        let entry = server.log().pop().unwrap();
        assert_eq!(entry.fault.as_deref(), Some(says));
        assert_eq!((entry.status, entry.effect.is_some()), (None, effect));
        assert_eq!(entry.caller.as_deref(), Some(&*server.keys()[0].id));
    }
}

#[tokio::test]
async fn a_connection_in_use_can_be_dropped_too() {
    let (server, api) = with(Fault::drop_connection().nth(2)).await;
    assert_eq!(api.list("").await.status, 200);
    assert!(api.try_send("POST", KEYS, named("k")).await.is_err());
    assert_eq!(api.create(named("k")).await.status, 201);
    assert_eq!(server.log().len(), 3, "each was asked once");
}

// Other answers.

#[tokio::test]
async fn a_status_comes_before_or_after_the_effect() {
    let documented =
        json!({ "code": "service_unavailable", "message": "a fault that was ordered" });
    for (fault, status, body, effect) in [
        (Fault::status(503), 503, documented.clone(), false),
        (Fault::status(503).after(), 503, documented, true),
        (Fault::status_with(409, json!({ "odd": 1 })), 409, json!({ "odd": 1 }), false),
        (Fault::status_with(200, json!([])).after(), 200, json!([]), true),
    ] {
        let (server, api) = with(fault).await;
        let answer = api.create(named("k")).await;
        assert_eq!((answer.status, answer.json()), (status, body));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-request-id"), "req_000001");
        assert_eq!(made(&server, "k"), effect);
        assert_eq!(server.log()[0].status, Some(status));
    }
    let (_server, api) = with(Fault::status(99)).await;
    assert_eq!(api.list("").await.status, 500, "documented");
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_back() {
    for (retry_after, header, value) in [
        (RetryAfter::None, "retry-after", ""),
        (RetryAfter::Seconds(2), "retry-after", "2"),
        (RetryAfter::Milliseconds(1500), "retry-after-ms", "1500"),
        (RetryAfter::Text("in a while".into()), "retry-after", "in a while"),
    ] {
        let (server, api) = with(Fault::too_many_requests(retry_after)).await;
        let answer = api.create(named("k")).await;
        assert_eq!((answer.status, answer.header(header)), (429, value));
        assert_eq!(answer.json()["code"], "too_many_requests");
        assert!(!made(&server, "k"));
    }
    let (server, api) = with(Fault::too_many_requests(RetryAfter::DateInSeconds(60)).after()).await;
    let answer = api.create(named("k")).await;
    let date = chrono::DateTime::parse_from_rfc2822(answer.header("retry-after")).unwrap();
    let ahead = date.to_utc() - Utc::now();
    assert!((30..=60).contains(&ahead.num_seconds()), "{date}");
    assert!(answer.header("retry-after").ends_with(" GMT"));
    assert!(made(&server, "k"), "after the effect where that is asked for");
    let (_server, api) = with(Fault::too_many_requests(RetryAfter::DateInSeconds(u64::MAX))).await;
    assert_eq!(api.list("").await.status, 429);
}

#[tokio::test]
async fn a_gateway_answers_with_a_page() {
    for (fault, effect) in
        [(Fault::html_bad_gateway(), false), (Fault::html_bad_gateway().after(), true)]
    {
        let (server, api) = with(fault).await;
        let answer = api.create(named("k")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (502, "text/html; charset=utf-8")
        );
        assert!(answer.text.starts_with("<!DOCTYPE html>"));
        assert_eq!(made(&server, "k"), effect);
    }
}

#[tokio::test]
async fn a_redirect_points_where_it_is_told() {
    let (server, api) = with(Fault::redirect("http://elsewhere.example/")).await;
    let answer = api.create(named("k")).await;
    assert_eq!((answer.status, answer.header("location")), (307, "http://elsewhere.example/"));
    assert!(!made(&server, "k"));
}

#[tokio::test]
async fn an_answer_can_be_replaced_word_for_word() {
    let headers = [("content-type", "text/plain"), ("x-odd", "1"), ("not a header", "left out")];
    let (_server, api) = with(Fault::replace(418, headers, "short and stout")).await;
    let answer = api.list("").await;
    assert_eq!((answer.status, &*answer.text), (418, "short and stout"));
    assert_eq!((answer.header("content-type"), answer.header("x-odd")), ("text/plain", "1"));
    let (_server, api) = with(Fault::replace::<&str, &str>(500, [], "")).await;
    let answer = api.list("").await;
    assert_eq!((answer.status, &*answer.text, answer.header("content-type")), (500, "", ""));
}

// The true answer, spoilt.

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
async fn a_delay_holds_the_answer_back() {
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
    let answer = api.create(named("k")).await;
    let pieces = u32::try_from(answer.text.len().div_ceil(100)).unwrap();
    assert!(pieces > 2 && started.elapsed() >= pieces * Duration::from_millis(20));
    assert_eq!(answer.text_of("name"), "k");
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
async fn an_answer_without_a_body_cannot_be_cut_and_is_lost() {
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
    let answer = api.create(named("k")).await;
    assert_eq!((answer.status, answer.header("content-type")), (201, "application/json"));
    let plaintext = server.keys()[1].plaintext().to_owned();
    assert!(answer.text.contains(&plaintext), "the plaintext is there to be leaked");
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    assert!(serde_json::from_str::<Value>(&api.list("").await.text).is_err());
    let gone = api.delete(&server.keys()[1].id).await;
    assert_eq!((gone.status, &*gone.text), (204, ""), "nothing to spoil");
}

#[tokio::test]
async fn content_type_and_headers_can_be_wrong() {
    let (_server, api) = with(Fault::wrong_content_type()).await;
    let answer = api.list("").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert_eq!(answer.names(), ["bootstrap"]);

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
    let answer = api.create(named("k")).await.json();
    assert_eq!(answer["created_at"], 7);
    assert_eq!(answer["new"], json!([1]));
    assert_eq!(answer["created_by"], json!({ "id": "user_owner", "email": "owner@example.com" }));
    assert_eq!(answer["key"], server.keys()[1].plaintext());
    let list = api.list("").await.json();
    assert!(list.as_array().unwrap().iter().all(|key| key["created_at"] == 7));
    let (_server, api) = with(Fault::merge_json(json!("nonsense"))).await;
    assert_eq!(api.create(named("k")).await.json(), "nonsense");
}

#[tokio::test]
async fn an_oversized_body_is_white_space_and_then_the_answer() {
    let (_server, api) = with(Fault::oversized_body(100_000)).await;
    let answer = api.list("").await;
    assert!(answer.text.len() > 100_000 && answer.text.starts_with("          "));
    assert_eq!(answer.names(), ["bootstrap"]);
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
async fn a_spoilt_answer_can_come_without_the_effect() {
    for (fault, says) in [
        (Fault::garbage_json(), "garbage JSON before the effect"),
        (Fault::wrong_content_type(), "wrong content type before the effect"),
        (Fault::oversized_body(10), "body oversized by 10 bytes before the effect"),
    ] {
        let (server, api) = with(fault.before().times(1)).await;
        let answer = api.create(named("k")).await;
        assert_eq!(answer.status, 201, "what would have been said");
        assert_eq!(server.keys().len(), 1);
        let entry = &server.log()[0];
        assert_eq!((entry.fault.as_deref(), &entry.effect), (Some(says), &None));
        let real = api.create(named("k")).await;
        assert!(!answer.text.contains(&real.text_of("id")), "what was made up is not used again");
        assert!(!answer.text.contains(&real.text_of("key")));
    }
}

// Effects that come late, and other people.

#[tokio::test]
async fn an_effect_lands_late_by_the_servers_clock_or_on_request() {
    let fault = Fault::effect_later(Duration::from_secs(30)).method("POST").times(2);
    let (server, api) = with(fault).await;
    let error = api.try_send("POST", KEYS, named("first")).await.unwrap_err();
    assert!(is_lost(&error), "{error:?}");
    assert_eq!(api.list("name=first").await.names(), Vec::<String>::new());
    server.advance(TimeDelta::seconds(29));
    assert!(!made(&server, "first"));
    server.advance(TimeDelta::seconds(1));
    assert_eq!(api.list("name=first").await.names(), ["first"]);

    assert!(api.try_send("POST", KEYS, named("second")).await.is_err());
    assert_eq!((server.land_late(), server.land_late()), (1, 0));
    assert!(made(&server, "second"));

    let log = server.log();
    let late: Vec<_> = log.iter().filter(|entry| entry.late).collect();
    let asked: Vec<_> = log.iter().filter(|entry| entry.fault.is_some()).collect();
    assert_eq!((late.len(), asked.len()), (2, 2));
    assert_eq!(late[0].request_id, asked[0].request_id);
    assert_eq!(asked[0].fault.as_deref(), Some("drop with the effect 30000 ms later"));
    assert_eq!((asked[0].status, asked[0].effect.is_some()), (None, false));
    assert!(matches!(&late[0].effect, Some(Effect::Created { id }) if *id == server.keys()[1].id));
}

#[tokio::test]
async fn a_late_effect_asks_again_whether_it_may() {
    let (server, api) = with(Fault::effect_later(Duration::from_secs(1))).await;
    let caller = server.add_key(NewKey::named("caller"));
    let path = format!("{KEYS}/{}", server.keys()[0].id);
    let own = api.with_key(caller.plaintext());
    assert!(own.try_send("DELETE", &path, Value::Null).await.is_err());
    assert!(server.delete(&caller.id));
    assert_eq!(server.land_late(), 1);
    assert!(server.authenticates(server.bootstrap_key()), "the caller was dead by then");
    assert_eq!(server.log()[1].effect, None);
}

#[tokio::test]
async fn code_of_the_test_runs_in_between() {
    let (server, api) = start().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("{KEYS}/{}", key.id);
    let (one, two) = (key.id.clone(), key.id.clone());
    server.faults().add(Fault::run(move |s| assert!(s.rename(&one, "renamed"))).nth(2).after());
    server.faults().add(Fault::run(move |s| assert!(s.delete(&two))).nth(4));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = api.get(&path).await;
        seen.push(match answer.status {
            200 => answer.text_of("name"),
            status => status.to_string(),
        });
    }
    assert_eq!(seen, ["k", "k", "renamed", "404"]);
    assert_eq!(server.log()[1].fault.as_deref(), Some("code of the test after the effect"));
}

#[tokio::test]
async fn code_of_the_test_that_panics_harms_its_own_request_only() {
    let (server, api) = with(Fault::run(|_| panic!("on purpose")).times(1)).await;
    assert!(api.try_send("POST", KEYS, named("k")).await.is_err());
    assert_eq!(api.create(named("k")).await.status, 201);
    assert_eq!(server.keys().len(), 2);
}

// Orders in a file.

#[tokio::test]
async fn a_file_can_order_every_fault() {
    let faults = Faults::from_json(
        r#"[
            {"do": "refuse", "nth": 1},
            {"nth": 1, "do": "drop", "method": "GET", "path": "/org/api_keys", "when": "before"},
            {"nth": 2, "do": "reset", "when": "after"},
            {"nth": 3, "do": {"status": {"code": 503}}},
            {"nth": 4, "do": {"status": {"code": 404, "body": {"code": "x"}}}},
            {"nth": 5, "do": {"too_many_requests": {"seconds": 2}}},
            {"nth": 6, "do": {"too_many_requests": {"date_in_seconds": 2}}},
            {"nth": 7, "do": {"too_many_requests": {"milliseconds": 2}}},
            {"nth": 8, "do": {"too_many_requests": {"text": "soon"}}},
            {"nth": 9, "do": {"too_many_requests": "none"}},
            {"nth": 10, "do": {"delay": {"ms": 1}}},
            {"nth": 11, "do": {"slow_body": {"bytes": 1000, "every_ms": 1}}},
            {"nth": 12, "do": "truncated_body"},
            {"nth": 13, "do": "wrong_length"},
            {"nth": 14, "do": "garbage_json"},
            {"nth": 15, "do": "html_bad_gateway"},
            {"nth": 16, "do": "wrong_content_type"},
            {"nth": 17, "do": {"redirect": {"location": "/elsewhere"}}},
            {"nth": 18, "do": {"oversized_body": {"bytes": 10}}},
            {"nth": 19, "do": {"replace": {"status": 200, "headers": {"x-a": "b"}, "body": "hi"}}},
            {"nth": 20, "do": {"headers": {"set": {"x-a": "b"}, "remove": ["x-has-more"]}}},
            {"nth": 21, "do": {"merge_json": {"name": "other"}}},
            {"nth": 22, "do": {"effect_later": {"ms": 5}}},
            {"from": 23, "every": 1, "times": 1, "probability": 1, "seed": 3, "do": {"replace": {"status": 204}}},
            {"nth": 99, "do": "endless_body"}
        ]"#,
    )
    .unwrap();
    let server = Server::builder().faults(faults).start().await.unwrap();
    let api = Api::new(&server);
    assert!(api.try_send("GET", KEYS, Value::Null).await.is_err(), "refused");
    let mut statuses = Vec::new();
    for _ in 1..=24 {
        let answer = api.try_send("GET", KEYS, Value::Null).await;
        statuses.push(answer.map(|answer| answer.status).unwrap_or_default());
    }
    let expected = [
        0, 0, 503, 404, 429, 429, 429, 429, 429, 200, 200, 0, 0, 200, 502, 200, 307, 200, 200, 200,
        200, 0, 204, 200,
    ];
    assert_eq!(statuses, expected);
    let fired = server.faults().fired();
    assert!(fired[..24].iter().all(|times| *times == 1), "{fired:?}");
    assert_eq!((fired[24], server.faults().len()), (0, 25));
}

#[test]
fn a_file_that_is_wrong_is_refused_with_the_place() {
    for (text, says, place) in [
        ("", "EOF", "line 1"),
        ("{}", "expected a sequence", "line 1"),
        ("[{}]", "missing field `do`", "line 1"),
        ("[\n{\"do\": \"explode\"}]", "unknown variant `explode`", "line 2"),
        ("[\n\n{\"do\": \"drop\", \"nht\": 3}]", "unknown field `nht`", "line 3"),
        (r#"[{"do": {"delay": {"ms": 1, "s": 2}}}]"#, "unknown field `s`", "line 1"),
        (r#"[{"do": {"delay": {"ms": -1}}}]"#, "invalid value", "line 1"),
        (r#"[{"do": "drop", "when": "during"}]"#, "unknown variant `during`", "line 1"),
        ("[{\"do\": \"drop\"},\n{\"do\": \"drop\", \"nth\": 0}]", "nth counts from 1", "line 2"),
        (r#"[{"do": "drop", "every": 0}]"#, "every counts from 1", "line 1"),
        (r#"[{"do": "drop", "probability": 1.5}]"#, "between 0 and 1", "line 1"),
        (r#"[{"do": "drop", "path": "org"}]"#, "path must begin with /", "line 1"),
        (r#"[{"do": {"status": {"code": 99}}}]"#, "status 99", "line 1"),
        (r#"[{"do": {"replace": {"status": 700}}}]"#, "status 700", "line 1"),
        (r#"[{"do": {"headers": {"set": {"a b": "c"}}}}]"#, "not a header", "line 1"),
        (r#"[{"do": {"redirect": {"location": "\n"}}}]"#, "not a header", "line 1"),
        (r#"[{"do": {"slow_body": {"bytes": 0, "every_ms": 1}}}]"#, "bytes of 1 or more", "line 1"),
    ] {
        let error = Faults::from_json(text).unwrap_err().to_string();
        assert!(error.starts_with("the fault orders cannot be read: "), "{error}");
        assert!(error.contains(says) && error.contains(place) && !error.contains('\n'), "{error}");
    }
    assert!(Faults::from_json("[]").unwrap().is_empty());
}

#[test]
fn an_order_that_is_printed_does_not_show_what_it_sends() {
    let faults = Faults::new();
    faults.add(Fault::replace(200, [("x-key", "sk_one")], "sk_two").path("/org/**"));
    faults.add(Fault::status_with(500, json!({ "key": "sk_three" })));
    faults.add(Fault::merge_json(json!({ "key": "sk_four" })));
    faults.add(Fault::set_header("x-key", "sk_five"));
    let printed = format!("{faults:?}");
    assert!(printed.contains("replaced by status 200") && printed.contains("/org/**"), "{printed}");
    assert!(!printed.contains("sk_"), "{printed}");
}
