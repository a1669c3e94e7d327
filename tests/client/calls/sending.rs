//! When a request has been sent: not as a whole before its last byte.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use onkernel::{CallOptions, ErrorKind, Method, Upload};
use tokio::time::{Instant, sleep};

use crate::scripted::{Act, Server, json, raw, response};

#[tokio::test]
async fn a_timeout_after_the_first_byte_leaves_the_outcome_open() {
    let server = Server::start([Act::SendAndHang(Vec::new())]).await;
    let client = server.client().with(CallOptions::new().timeout(Duration::from_millis(200)));
    for request in [
        client.request(Method::POST, "/x"),
        client.request(Method::POST, "/x").json(&1),
        client.request(Method::POST, "/x").upload("bytes"),
    ] {
        let error = request.send().await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1), "{error}");
        assert!(error.outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn the_absence_of_a_body_is_announced_where_one_is_expected() {
    let server = Server::start([response("204 No Content", "", "")]).await;
    let client = server.client();
    for (method, announced) in [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::DELETE, false),
        (Method::OPTIONS, false),
    ] {
        let before = server.count();
        client.request(method.clone(), "/x").send().await.unwrap();
        let request = server.requests()[before].to_lowercase();
        assert_eq!(request.contains("\r\ncontent-length: 0\r\n"), announced, "{method} {request}");
        assert!(!request.contains("transfer-encoding"), "{request}");
    }
    client.request(Method::POST, "/x").json(&[1]).send().await.unwrap();
    let request = server.requests().pop().unwrap().to_lowercase();
    assert_eq!(request.matches("content-length: 3\r\n").count(), 1, "{request}");
}

fn chunked(chunks: &'static [&'static str]) -> Upload {
    Upload::stream(stream::iter(chunks).map(|chunk| Ok::<_, Infallible>(Bytes::from(*chunk))))
}

#[tokio::test]
async fn a_stream_of_another_length_than_given_is_never_a_whole_request() {
    for (chunks, words) in [
        (&["hello world"][..], "longer than the 5 bytes"),
        (&["hello", " world"], "longer than the 5 bytes"),
        (&["", "hello", "", " "], "longer than the 5 bytes"),
        (&["hell", "o world"], "longer than the 5 bytes"),
        (&["hel"], "ended after 3 bytes"),
        (&[], "ended after 0 bytes"),
    ] {
        let server = Server::start([response("204 No Content", "", "")]).await;
        let upload = chunked(chunks).length(5);
        let call = server.client().request(Method::POST, "/x").upload(upload);
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{chunks:?} {error}");
        assert!(!error.outcome_unknown() && error.attempts() == 1, "{error}");
        assert!(error.to_string().contains(words), "{chunks:?} {error}");
        assert_eq!(server.count(), 0, "no request was complete");
    }
    for chunks in [&["hello"][..], &["", "he", "", "llo", ""]] {
        let server = Server::start([response("204 No Content", "", "")]).await;
        let upload = chunked(chunks).length(5);
        server.client().request(Method::POST, "/x").upload(upload).send().await.unwrap();
        assert!(server.requests()[0].ends_with("\r\n\r\nhello"));
    }
}

#[tokio::test]
async fn a_stream_that_fails_is_no_lost_connection() {
    let server = Server::start([Act::SendAndHang(Vec::new())]).await;
    let chunks = stream::iter([Ok(Bytes::from("a")), Err("the disk sk_live_0123456789 is gone")]);
    let call = server.client().request(Method::POST, "/x").upload(Upload::stream(chunks));
    let error = call.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(!error.outcome_unknown(), "{error}");
    assert!(error.to_string().contains("failed: the disk [redacted] is gone"), "{error}");
}

/// The clock stands still while anything happens, and jumps when all wait for it.
#[tokio::test(start_paused = true)]
async fn an_upload_may_be_idle_for_the_timeout_and_no_longer() {
    let server = Server::start([Act::SendAndHang(Vec::new())]).await;
    let client = server.client().with(CallOptions::new().timeout(Duration::from_secs(60)));
    let seconds = |began: Instant| began.elapsed().as_secs();

    let began = Instant::now();
    let error = client.request(Method::POST, "/x").upload("bytes").send().await.unwrap_err();
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    assert_eq!(seconds(began), 60, "since the last byte, which was the first");

    // A piece after each of these seconds; the last never comes.
    let slow = stream::iter([0, 50, 50, 1_000_000]).then(|wait| async move {
        sleep(Duration::from_secs(wait)).await;
        Ok::<_, Infallible>(Bytes::from("piece"))
    });
    let began = Instant::now();
    let call = client.request(Method::POST, "/x").upload(Upload::stream(slow).length(20));
    assert!(call.send().await.unwrap_err().is_timeout());
    assert_eq!(seconds(began), 160);

    let began = Instant::now();
    let call = client.request(Method::POST, "/x").json(&"not a stream");
    assert!(call.send().await.unwrap_err().is_timeout());
    assert_eq!(seconds(began), 60);
}

#[tokio::test]
async fn the_servers_word_on_retries_is_obeyed_where_it_is_safe() {
    for (method, status, word, attempts) in [
        (Method::GET, "409 Conflict", None, 3),
        (Method::POST, "409 Conflict", None, 1),
        (Method::GET, "409 Conflict", Some("false"), 1),
        (Method::POST, "409 Conflict", Some("true"), 3),
        (Method::GET, "400 Bad Request", Some("true"), 3),
        (Method::GET, "500 Internal Server Error", Some("false"), 1),
        (Method::GET, "429 Too Many Requests", Some("false"), 1),
        (Method::POST, "429 Too Many Requests", Some("false"), 1),
        (Method::POST, "500 Internal Server Error", Some("true"), 1),
    ] {
        let header = word.map(|word| format!("x-should-retry: {word}\r\n")).unwrap_or_default();
        let server = Server::start([response(status, &header, "{}")]).await;
        let call = server.client().request(method.clone(), "/x");
        let error = call.send().await.unwrap_err();
        assert_eq!(server.count(), attempts, "{method} {status} {word:?}");
        assert_eq!(error.outcome_unknown(), method == Method::POST && status.starts_with('5'));
    }
}

#[tokio::test]
async fn an_error_before_the_end_of_an_upload_is_the_servers() {
    // What it says counts, though the body could not be sent to its end.
    let server = Server::start([
        Act::Send(raw("HTTP/1.1 200 OK\ncontent-length: 0\nconnection: close\n\n")),
        json("200 OK", "{}"),
    ])
    .await;
    server.client().request(Method::POST, "/x").upload(chunked(&["a", "b"])).send().await.unwrap();
}
