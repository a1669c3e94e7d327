//! What is repeated and what is not, seen from the server.

use std::time::{Duration, Instant};

use onkernel::{CallOptions, Client, ErrorKind};

use crate::scripted::{Act, Server, json, raw, response};

const KEYS: &str = "[]";

fn failures() -> Vec<(&'static str, Act)> {
    vec![
        ("dropped", Act::Drop),
        ("truncated", Act::Send(raw("HTTP/1.1 200 OK\ncontent-length: 9\n\n["))),
        ("half a head", Act::Send(b"HTTP/1.1 200".to_vec())),
        ("garbage", json("200 OK", "[}")),
        ("408", response("408 Request Timeout", "", "")),
        ("429", response("429 Too Many Requests", "", "")),
        ("500", response("500 Internal Server Error", "", "")),
        ("502", response("502 Bad Gateway", "", "<html>")),
        ("503", response("503 Service Unavailable", "retry-after-ms: 2\r\n", "")),
    ]
}

#[tokio::test]
async fn what_is_safe_survives_two_failures() {
    for (name, failure) in failures() {
        let server = Server::start([failure.clone(), failure.clone(), json("200 OK", KEYS)]).await;
        assert!(server.client().api_keys().list().send().await.unwrap().is_empty(), "{name}");
        assert_eq!(server.count(), 3, "{name}");
        let requests = server.requests();
        assert_eq!(requests[0], requests[2], "{name}: sent again as it was");
    }
}

#[tokio::test]
async fn after_three_attempts_the_last_failure_is_told() {
    for (name, failure) in failures() {
        let server = Server::start([failure]).await;
        let error = server.client().api_keys().list().send().await.unwrap_err();
        assert_eq!((server.count(), error.attempts()), (3, 3), "{name}: {error}");
        assert!(!error.outcome_unknown(), "{name}");
    }
}

#[tokio::test]
async fn a_creation_is_repeated_after_429_only() {
    for (name, failure) in failures() {
        let server = Server::start([failure]).await;
        let client = server.client();
        let error = client.api_keys().create("ci").send().await.unwrap_err();
        assert_eq!(server.count(), if name == "429" { 3 } else { 1 }, "{name}");
        assert_eq!(error.outcome_unknown(), name != "429", "{name}: {error}");
    }
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_again() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "422 Unprocessable Content",
    ] {
        let server = Server::start([response(status, "retry-after: 0\r\n", "")]).await;
        server.client().api_keys().list().send().await.unwrap_err();
        assert_eq!(server.count(), 1, "{status}");
    }
    let server = Server::start([json("200 OK", "{}")]).await;
    assert!(server.client().api_keys().list().send().await.unwrap_err().is_decode());
    assert_eq!(server.count(), 1, "JSON of another shape is what the server sends");
}

#[tokio::test]
async fn a_deletion_that_was_done_unseen_is_done() {
    let not_found = || json("404 Not Found", r#"{"code":"not_found","message":"no key"}"#);
    let truncated = Act::Send(b"HTTP/1.1 204".to_vec());
    for first in [Act::Drop, truncated, response("503 Service Unavailable", "", "")] {
        let server = Server::start([first, not_found()]).await;
        let deleted = server.client().api_keys().delete("key_1").send_raw().await.unwrap();
        assert_eq!((deleted.status().as_u16(), server.count()), (404, 2));
    }
    for firsts in [vec![], vec![response("429 Too Many Requests", "", "")]] {
        let acts = firsts.into_iter().chain([not_found()]);
        let server = Server::start(acts).await;
        let error = server.client().api_keys().delete("key_1").send().await.unwrap_err();
        assert!(error.is_not_found(), "nobody has deleted it");
    }
}

#[tokio::test]
async fn a_timed_out_attempt_is_repeated_within_its_own_time() {
    let server = Server::start([Act::SendAndHang(Vec::new()), json("200 OK", KEYS)]).await;
    let client = server.builder().timeout(Duration::from_millis(250)).build().unwrap();
    client.api_keys().list().send().await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn the_deadline_bounds_attempts_and_waits() {
    let hang = Server::start([Act::SendAndHang(Vec::new())]).await;
    let options = CallOptions::new().deadline(Duration::from_millis(150)).retries(50);
    let began = Instant::now();
    let client = hang.client().with(options.clone().timeout(Duration::from_millis(40)));
    let error = client.api_keys().list().send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(hang.count() >= 2);
    assert!(began.elapsed() < Duration::from_secs(10));

    // A wait that would pass the deadline is not begun: the response comes at once.
    let limited =
        Server::start([response("429 Too Many Requests", "retry-after: 30\r\n", "")]).await;
    let began = Instant::now();
    let error = limited.client().with(options).api_keys().list().send().await.unwrap_err();
    assert!(error.is_rate_limited());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(limited.count(), 1);
}

/// A call may be made long before it is awaited.
#[tokio::test]
async fn the_time_of_a_call_runs_from_when_it_is_awaited() {
    let busy = response("503 Service Unavailable", "retry-after-ms: 1\r\n", "");
    let server = Server::start([busy, json("200 OK", KEYS)]).await;
    let bounded = CallOptions::new().deadline(Duration::from_secs(20));
    let call = server.client().with(bounded).api_keys().list().send();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.count(), 0, "nothing is sent before that either");
    assert!(call.await.unwrap().is_empty());
}

/// An upload may take longer than an attempt while it makes progress, but not than the deadline.
#[tokio::test]
async fn the_deadline_bounds_an_upload_that_makes_progress() {
    let server = Server::start([json("200 OK", KEYS)]).await;
    let options = CallOptions::new()
        .timeout(Duration::from_millis(60))
        .deadline(Duration::from_millis(200))
        .retries(0);
    let endless = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x")), ()))
    });
    let upload = onkernel::Upload::stream(endless).length(1_000_000);
    let call = server.client().with(options).request(onkernel::Method::PUT, "/x").upload(upload);
    let ended = tokio::time::timeout(Duration::from_secs(10), call.send()).await;
    let error = ended.expect("the deadline ends it").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
}

#[tokio::test]
async fn no_wait_is_too_long_to_be_asked_for() {
    let server = Server::start([response(
        "429 Too Many Requests",
        "retry-after: 99999999999999999999\r\n",
        "",
    )])
    .await;
    let error = server.client().api_keys().list().send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::MAX));
    assert_eq!(server.count(), 1, "it asked for a longer wait than allowed");
    // The longest wait of all is one that the deadline does not allow.
    let server = Server::start([response("503 Service Unavailable", "", "")]).await;
    let options =
        CallOptions::new().backoff(Duration::MAX, Duration::MAX).deadline(Duration::from_secs(10));
    let error = server.client().with(options).api_keys().list().send().await.unwrap_err();
    assert!(error.is_server_error());
}

#[tokio::test]
async fn a_deadline_in_a_later_attempt_tells_of_the_failure_before() {
    use std::error::Error as _;

    let server =
        Server::start([response("503 Service Unavailable", "", ""), Act::SendAndHang(Vec::new())])
            .await;
    let client = server.client().with(CallOptions::new().deadline(Duration::from_millis(400)));
    let error = client.api_keys().list().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.source().unwrap().to_string().contains("503 Service Unavailable"));
}

#[tokio::test]
async fn a_longer_wait_than_allowed_is_told_and_not_waited() {
    for (header, seconds) in [
        ("retry-after: 61\r\n", 61),
        ("retry-after-ms: 90000\r\n", 90),
        (
            "retry-after: Sun, 06 Nov 1994 08:59:37 GMT\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            600,
        ),
    ] {
        let server = Server::start([response("429 Too Many Requests", header, "")]).await;
        let error = server.client().api_keys().list().send().await.unwrap_err();
        assert_eq!(server.count(), 1);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
    }
    let server =
        Server::start([response("503 Service Unavailable", "retry-after: 1\r\n", "")]).await;
    let options = CallOptions::new().max_retry_after(Duration::from_millis(999));
    server.client().with(options).api_keys().list().send().await.unwrap_err();
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn options_of_a_call_leave_the_client_as_it_is() {
    let server = Server::start([response("500 Internal Server Error", "", "")]).await;
    let client = server.builder().retries(1).build().unwrap();
    client.with(CallOptions::new().retries(0)).api_keys().list().send().await.unwrap_err();
    assert_eq!(server.count(), 1);
    client.api_keys().list().send().await.unwrap_err();
    assert_eq!(server.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_default_waits_are_those_of_the_official_clients() {
    // A port that nothing listens on: with the clock paused, only the waits take time.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = Client::builder().api_key(crate::scripted::KEY).base_url(url).build().unwrap();
    let began = tokio::time::Instant::now();
    let error = client.api_keys().list().send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    let waited = began.elapsed().as_millis();
    assert!((1125..=1510).contains(&waited), "0.5 s and 1 s, each up to a quarter less: {waited}");
}
