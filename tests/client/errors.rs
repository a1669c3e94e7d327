//! What a caller learns when something goes wrong: status, message, advice, and never a plaintext.

use std::error::Error as _;
use std::time::Duration;

use futures_util::FutureExt;
use onkernel::{CallOptions, Client, Error, ErrorKind, Method, operations};

use crate::scripted::{Act, KEY, Server, create, get, json, raw, response, seen};

#[tokio::test]
async fn the_documented_error_is_one_useful_line() {
    let body = r#"{"code":"bad_request","message":"name is required",
        "details":[{"code":"missing","message":"name: must be set"},{"code":"other"}],
        "inner_error":{"code":"db","message":"constraint"}}"#;
    let headers = "content-type: application/json\r\nx-request-id: req_42\r\n";
    let server = Server::start([response("400 Bad Request", headers, body)]).await;
    let error = create(&server).await;
    assert_eq!(
        error.to_string(),
        "api_keys.create (POST /org/api_keys): 400 Bad Request: name is required (name: must be set; other) [request id req_42]"
    );
    assert!(error.is_bad_request() && !error.is_not_found() && !error.outcome_unknown());
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(error.status().unwrap(), 400);
    assert_eq!(error.code(), Some("bad_request"));
    assert_eq!(error.message(), Some("name is required"));
    assert_eq!(error.details()[0].code.as_deref(), Some("missing"));
    assert_eq!(error.inner_error().unwrap().message.as_deref(), Some("constraint"));
    assert_eq!(error.request_id(), Some("req_42"));
    assert_eq!(error.operation(), Some(&operations::API_KEYS_CREATE));
    assert_eq!(error.attempts(), 1);
    assert!(error.source().is_none());
}

#[tokio::test]
async fn nothing_is_said_twice_and_nothing_is_left_out() {
    for (body, shown) in [
        (r#"{"code":"name_taken","message":"no"}"#, "400 Bad Request: name_taken: no"),
        (
            r#"{"code":"bad_request","message":"no","details":[{"message":"no"},{"message":"why"}]}"#,
            "400 Bad Request: no (why)",
        ),
        (
            r#"{"code":"bad_request","message":"no","details":[{"message":"no"}]}"#,
            "400 Bad Request: no",
        ),
    ] {
        let headers = "content-type: application/json\r\n";
        let server = Server::start([response("400 Bad Request", headers, body)]).await;
        let line = create(&server).await.to_string();
        assert!(line.ends_with(shown), "{line}");
    }
}

#[tokio::test]
async fn status_and_body_are_kept_whatever_the_body_is() {
    let html = "<!doctype html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><center>nginx</center></body></html>";
    for (status, body, shown) in [
        ("502 Bad Gateway", html, ": 502 Bad Gateway: 502 Bad Gateway nginx"),
        ("500 Internal Server Error", "", ": 500 Internal Server Error"),
        ("401 Unauthorized", "who are you?\r\n\u{1b}[31m", ": 401 Unauthorized: who are you? [31m"),
        ("418 I'm a teapot", r#"{"code":7,"message":{"no":1}}"#, ": 418 I'm a teapot: 7"),
        ("403 Forbidden", r#"{"error":"nope"}"#, r#": 403 Forbidden: {"error":"nope"}"#),
        ("503 Service Unavailable", "[", ": 503 Service Unavailable: ["),
        ("499 Whatever", "null", ": 499: null"),
    ] {
        let server = Server::start([response(status, "", body)]).await;
        let error = get(&server).await;
        let line = error.to_string();
        assert_eq!(line, format!("api_keys.get (GET /org/api_keys/{{id}}){shown}"));
        assert_eq!(error.body_excerpt().is_some(), !body.is_empty());
    }
}

#[tokio::test]
async fn an_error_status_counts_even_when_its_body_does_not_arrive() {
    let head = "HTTP/1.1 401 Unauthorized\ncontent-length: 400\n\nwho are";
    for act in [Act::Send(raw(head)), Act::SendAndHang(raw(head))] {
        let server = Server::start([act]).await;
        let client = server.builder().timeout(Duration::from_millis(400)).build().unwrap();
        let error = client.api_keys().get("key_1").send().await.unwrap_err();
        assert!(error.is_unauthorized());
        assert_eq!(error.body_excerpt(), Some("who are"));
    }
    let endless = Act::SendForEver(raw("HTTP/1.1 403 Forbidden\n\nno "), vec![b'!'; 4096]);
    let error = get(&Server::start([endless]).await).await;
    assert!(error.is_forbidden());
    assert_eq!(error.body_excerpt().unwrap().chars().count(), 513);
}

#[tokio::test]
async fn the_guide_is_in_the_advice() {
    for (status, words) in [
        ("400 Bad Request", "Send a name, choose an expiry of 1 to 3650 days"),
        ("401 Unauthorized", "Set a valid API key (`KERNEL_API_KEY`)"),
        ("403 Forbidden", "policy has no statement"),
        ("404 Not Found", "A project-scoped key can make keys for its own project only"),
        ("429 Too Many Requests", "retry_after"),
        ("500 Internal Server Error", "List the keys by this exact name"),
    ] {
        let server = Server::start([response(status, "", "")]).await;
        let client = server.client().with(CallOptions::new().retries(0));
        let error = client.api_keys().create("ci").send().await.unwrap_err();
        assert!(error.advice().unwrap().contains(words), "{status}: {:?}", error.advice());
    }
    let server = Server::start([response("404 Not Found", "", "")]).await;
    assert!(get(&server).await.advice().unwrap().contains("Check the key's id"));
    for (status, path, words) in [
        ("404 Not Found", "/browsers/b_1/fs/file_info", "or what you asked for is not in it"),
        ("410 Gone", "/browsers/b_1/playwright/execute", "The browser session has ended"),
        ("404 Not Found", "/browsers/b_1", "Check the id"),
        ("413 Payload Too Large", "/deployments", "Send less at once"),
    ] {
        let server = Server::start([response(status, "", "")]).await;
        let error = server.client().request(Method::GET, path).send().await.unwrap_err();
        assert!(error.advice().unwrap().contains(words), "{path}: {:?}", error.advice());
    }
}

#[tokio::test]
async fn the_outcome_of_a_creation_is_unknown_unless_the_server_did_nothing() {
    let created = |body: &str| json("201 Created", body);
    for (name, act, unknown) in [
        ("dropped", Act::Drop, true),
        ("half a head", Act::Send(b"HTTP/1.1 20".to_vec()), true),
        ("not HTTP", Act::Send(b"220 smtp.example ESMTP\r\n".to_vec()), true),
        ("silent", Act::SendAndHang(Vec::new()), true),
        ("truncated", Act::Send(raw("HTTP/1.1 201 Created\ncontent-length: 99\n\n{\"id\"")), true),
        (
            "stalled",
            Act::SendAndHang(raw("HTTP/1.1 201 Created\ncontent-length: 99\n\n{\"id\"")),
            true,
        ),
        (
            "bad chunk",
            Act::Send(raw("HTTP/1.1 201 Created\ntransfer-encoding: chunked\n\nzz\r\n")),
            true,
        ),
        ("too large", created(&"x".repeat(3000)), true),
        ("not JSON", created("<html>"), true),
        ("another shape", created("{}"), true),
        ("empty", created(""), true),
        ("no content", response("204 No Content", "", ""), true),
        ("408", response("408 Request Timeout", "", ""), true),
        ("500", response("500 Internal Server Error", "", ""), true),
        ("503", response("503 Service Unavailable", "retry-after: 0\r\n", ""), true),
        ("303", response("303 See Other", "location: /elsewhere\r\n", ""), true),
        ("307", response("307 Temporary Redirect", "location: /elsewhere\r\n", ""), false),
        ("400", response("400 Bad Request", "", ""), false),
        ("401", response("401 Unauthorized", "", ""), false),
        ("404", response("404 Not Found", "", ""), false),
        ("409", response("409 Conflict", "", ""), false),
        ("429", response("429 Too Many Requests", "retry-after: 99\r\n", ""), false),
    ] {
        // Only where nothing more comes: elsewhere a slow machine must not look like a fault.
        let patience = if matches!(act, Act::SendAndHang(_)) { 50 } else { 20_000 };
        let server = Server::start([act]).await;
        let client = server
            .builder()
            .timeout(Duration::from_millis(patience))
            .max_response_bytes(2000)
            .build()
            .unwrap();
        let error = client.api_keys().create("ci").send().await.unwrap_err();
        assert_eq!(error.outcome_unknown(), unknown, "{name}: {error}");
        assert_eq!(server.count(), 1, "{name}: sent again");
        if unknown {
            assert!(error.advice().unwrap().contains("List the keys"), "{name}");
            assert!(error.to_string().contains("may have done it"), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn no_connection_means_nothing_was_done() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = Client::builder()
        .api_key(KEY)
        .base_url(url)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .build()
        .unwrap();
    let error = client.api_keys().create("ci").send().await.unwrap_err();
    assert!(error.is_connect() && !error.outcome_unknown(), "{error}");
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.status(), None);
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
    assert!(error.advice().unwrap().contains("base URL"));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn invalid_values_never_leave_the_process() {
    let server = Server::start([json("200 OK", "[]")]).await;
    let client = server.client();
    let create = |name: &str| client.api_keys().create(name);
    let errors = [
        create("ci").days_to_expire(4000).send().await.unwrap_err(),
        create("").send().await.unwrap_err(),
        create(&"n".repeat(256)).send().await.unwrap_err(),
        client.api_keys().get("").send().await.unwrap_err(),
        client.api_keys().get(".").send().await.unwrap_err(),
        client.api_keys().delete("..").send().await.unwrap_err(),
        client.api_keys().list().limit(101).send().await.unwrap_err(),
        client.api_keys().list().limit(u64::MAX).send().await.unwrap_err(),
    ];
    for error in &errors {
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.operation().is_some());
        assert_eq!((error.status(), error.attempts()), (None, 0));
        assert!(!error.outcome_unknown());
    }
    let expiry = errors[0].to_string();
    assert!(expiry.contains("days_to_expire"), "{expiry}");
    assert!(expiry.contains("must be between 1 and 3650, but is 4000"), "{expiry}");
    let limit = errors.last().unwrap().to_string();
    assert!(limit.ends_with("limit must be at most 100, but is 18446744073709551615"), "{limit}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn ids_are_encoded_whole() {
    let server = Server::start([response("204 No Content", "", "")]).await;
    let client = server.client();
    for id in [r"..\..", "a/../b", "%2e%2e", "a?b#c", "é ", "..."] {
        client.api_keys().delete(id).send().await.unwrap();
    }
    let paths: Vec<String> =
        server.requests().iter().map(|r| r.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        paths,
        [
            "/org/api_keys/..%5C..",
            "/org/api_keys/a%2F..%2Fb",
            "/org/api_keys/%252e%252e",
            "/org/api_keys/a%3Fb%23c",
            "/org/api_keys/%C3%A9%20",
            "/org/api_keys/...",
        ]
    );
}

#[tokio::test]
async fn responses_are_bounded_in_size_and_time() {
    let options = CallOptions::new().retries(0).timeout(Duration::from_millis(300));
    let list = |server: &Server, options: CallOptions| {
        let client = server.client().with(options.clone());
        async move { client.api_keys().list().send().await.unwrap_err() }
    };

    let small = options.clone().max_response_bytes(1000);
    let announced = Server::start([json("200 OK", &"[".repeat(2000))]).await;
    let error = list(&announced, small.clone()).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("larger than 1000 bytes"), "{error}");
    assert!(error.advice().unwrap().contains("max_response_bytes"));

    let huge = raw("HTTP/1.1 200 OK\ncontent-length: 16777217\n\n[");
    let huge = Server::start([Act::SendAndHang(huge)]).await;
    let error = list(&huge, options.clone()).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("larger than 16777216 bytes"), "{error}");

    let head = raw("HTTP/1.1 200 OK\ncontent-type: application/json\n\n[");
    let endless = Server::start([Act::SendForEver(head.clone(), vec![b'['; 1 << 12])]).await;
    let error = list(&endless, small.timeout(Duration::from_secs(20))).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);

    let stalled = Server::start([Act::SendAndHang(head)]).await;
    let error = list(&stalled, options.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeout of 300ms passed while reading"), "{error}");

    let silent = Server::start([Act::SendAndHang(Vec::new())]).await;
    let error =
        list(&silent, options.timeout(Duration::from_secs(20)).deadline(Duration::from_millis(50)))
            .await;
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_date_that_is_none_is_named_and_not_requested_again() {
    for date in ["2026-03-01T10:00:00", "2026-02-30T10:00:00Z", "yesterday", ""] {
        let key = format!(r#"{{"id":"key_1","name":"ci","created_at":"{date}"}}"#);
        let server = Server::start([json("200 OK", &key)]).await;
        let error = get(&server).await;
        assert!(error.is_decode() && error.attempts() == 1, "{error}");
        let text = error.to_string();
        assert!(text.contains("at `/created_at`"), "{text}");
        assert!(error.body_excerpt().unwrap().contains(date));
    }
}

#[tokio::test]
async fn success_that_is_not_as_documented_is_an_error_with_its_place() {
    let server = Server::start([json("200 OK", "{\"id\": \"key_1\",\n \"name\": 5}")]).await;
    let error = get(&server).await;
    assert!(error.is_decode());
    assert_eq!(error.status().unwrap(), 200);
    assert_eq!(
        error.source().unwrap().to_string(),
        "a value at `/name` has another type than documented (line 2, column 10)"
    );
    assert_eq!(error.body_excerpt(), Some(r#"{"id":"key_1","name":5}"#));

    let server = Server::start([json("200 OK", r#"{"id": "key_1"}"#)]).await;
    assert_eq!(
        get(&server).await.source().unwrap().to_string(),
        "the field `name` is missing (line 1, column 15)"
    );

    let page = response("200 OK", "content-type: text/html\r\n", "<html><title>Log in</title>");
    let server = Server::start([page]).await;
    let error = get(&server).await;
    assert!(error.is_decode());
    assert!(error.to_string().contains("200 OK, but the response (text/html)"), "{error}");
    assert_eq!(error.body_excerpt(), Some("Log in"));
    let error = server.client().api_keys().delete("key_1").send().await.unwrap_err();
    assert!(error.is_decode(), "a page is no confirmation of a deletion");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start([json("200 OK", "[]")]).await;
    let location = format!("location: {}/a?token=t0ken#f\r\n", elsewhere.url);
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let server = Server::start([response(status, &location, "")]).await;
        let error = get(&server).await;
        assert_eq!(error.kind(), ErrorKind::Redirect);
        let line = error.to_string();
        assert!(line.contains(status) && line.contains(&format!("{}/a", elsewhere.url)), "{line}");
        assert!(!seen(&error).contains("t0ken"));
        assert!(error.advice().unwrap().contains("KERNEL_BASE_URL"));
    }
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_dropped_call_stops_at_once() {
    let server = Server::start([response("503 Service Unavailable", "", "")]).await;
    let client =
        server.builder().backoff(Duration::from_secs(60), Duration::from_secs(60)).build().unwrap();
    let mut call = Box::pin(client.api_keys().list().send());
    while server.count() < 1 {
        assert!((&mut call).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(call);
    assert_eq!(server.count(), 1);
}

#[test]
fn an_error_is_small_and_can_go_anywhere() {
    fn sound<T: Send + Sync + std::error::Error + 'static>() -> usize {
        size_of::<T>()
    }
    assert_eq!(sound::<Error>(), size_of::<usize>());
}
