//! What a caller learns when something goes wrong: status, message, advice, and never a plaintext.

#![allow(clippy::unwrap_used)]

mod support;

use std::error::Error as _;
use std::time::Duration;

use futures_util::FutureExt;
use onkernel::{CallOptions, Client, Error, ErrorKind, Method, operations};
use support::{Act, KEY, SECRET, Server, answer, json, raw};

/// All that can be seen of an error.
fn seen(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{:?}", error.details());
    for accessor in [error.message(), error.code(), error.body_excerpt(), error.request_id()] {
        text += accessor.unwrap_or_default();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!("\n{cause} {cause:?}");
        source = cause.source();
    }
    text
}

async fn create(server: &Server) -> Error {
    let client = server.client();
    client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap_err()
}

async fn get(server: &Server) -> Error {
    server
        .client()
        .with(CallOptions::new().retries(0))
        .get_api_key()
        .id("key_1")
        .send()
        .await
        .unwrap_err()
}

#[tokio::test]
async fn the_documented_error_is_one_useful_line() {
    let body = r#"{"code":"bad_request","message":"name is required",
        "details":[{"code":"missing","message":"name: must be set"},{"code":"other"}],
        "inner_error":{"code":"db","message":"constraint"}}"#;
    let headers = "content-type: application/json\r\nx-request-id: req_42\r\n";
    let server = Server::start([answer("400 Bad Request", headers, body)]).await;
    let error = create(&server).await;
    assert_eq!(
        error.to_string(),
        "create_api_key (POST /org/api_keys): 400 Bad Request: name is required (name: must be set; other) [request id req_42]"
    );
    assert!(error.is_bad_request() && !error.is_not_found() && !error.outcome_unknown());
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(error.status().unwrap(), 400);
    assert_eq!(error.code(), Some("bad_request"));
    assert_eq!(error.message(), Some("name is required"));
    assert_eq!(error.details()[0].code.as_deref(), Some("missing"));
    assert_eq!(error.inner_error().unwrap().message.as_deref(), Some("constraint"));
    assert_eq!(error.request_id(), Some("req_42"));
    assert_eq!(error.operation(), Some(&operations::CREATE_API_KEY));
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
        let server = Server::start([answer("400 Bad Request", headers, body)]).await;
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
        let server = Server::start([answer(status, "", body)]).await;
        let error = get(&server).await;
        let line = error.to_string();
        assert_eq!(line, format!("get_api_key (GET /org/api_keys/{{id}}){shown}"));
        assert_eq!(error.body_excerpt().is_some(), !body.is_empty());
    }
}

#[tokio::test]
async fn an_error_status_counts_even_when_its_body_does_not_arrive() {
    let head = "HTTP/1.1 401 Unauthorized\ncontent-length: 400\n\nwho are";
    for act in [Act::Send(raw(head)), Act::SendAndHang(raw(head))] {
        let server = Server::start([act]).await;
        let client = server.builder().timeout(Duration::from_millis(400)).build().unwrap();
        let error = client.get_api_key().id("key_1").send().await.unwrap_err();
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
        let server = Server::start([answer(status, "", "")]).await;
        let client = server.client().with(CallOptions::new().retries(0));
        let error =
            client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap_err();
        assert!(error.advice().unwrap().contains(words), "{status}: {:?}", error.advice());
    }
    let server = Server::start([answer("404 Not Found", "", "")]).await;
    assert!(get(&server).await.advice().unwrap().contains("Check the key's id"));
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
        ("no content", answer("204 No Content", "", ""), true),
        ("408", answer("408 Request Timeout", "", ""), true),
        ("500", answer("500 Internal Server Error", "", ""), true),
        ("503", answer("503 Service Unavailable", "retry-after: 0\r\n", ""), true),
        ("303", answer("303 See Other", "location: /elsewhere\r\n", ""), true),
        ("307", answer("307 Temporary Redirect", "location: /elsewhere\r\n", ""), false),
        ("400", answer("400 Bad Request", "", ""), false),
        ("401", answer("401 Unauthorized", "", ""), false),
        ("404", answer("404 Not Found", "", ""), false),
        ("409", answer("409 Conflict", "", ""), false),
        ("429", answer("429 Too Many Requests", "retry-after: 99\r\n", ""), false),
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
        let error =
            client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap_err();
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
    let error = client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap_err();
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
    let create = || client.create_api_key();
    let errors = [
        create().body_map(|body| body.name("ci").days_to_expire(4000)).send().await.unwrap_err(),
        create().body_map(|body| body.name("")).send().await.unwrap_err(),
        create().body_map(|body| body.name("n".repeat(256))).send().await.unwrap_err(),
        create().send().await.unwrap_err(),
        client.get_api_key().id("").send().await.unwrap_err(),
        client.get_api_key().id(".").send().await.unwrap_err(),
        client.delete_api_key().id("..").send().await.unwrap_err(),
        client.delete_api_key().send().await.unwrap_err(),
        client.list_api_keys().limit(101).send().await.unwrap_err(),
        client.list_api_keys().limit(u64::MAX).send().await.unwrap_err(),
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
    assert!(errors[7].to_string().ends_with("`id` must be set"), "{}", errors[7]);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn ids_are_encoded_whole() {
    let server = Server::start([answer("204 No Content", "", "")]).await;
    let client = server.client();
    for id in [r"..\..", "a/../b", "%2e%2e", "a?b#c", "é ", "..."] {
        client.delete_api_key().id(id).send().await.unwrap();
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
async fn answers_are_bounded_in_size_and_time() {
    let options = CallOptions::new().retries(0).timeout(Duration::from_millis(300));
    let list = |server: &Server, options: CallOptions| {
        let client = server.client().with(options);
        async move { client.list_api_keys().send().await.unwrap_err() }
    };

    let small = options.max_response_bytes(1000);
    let announced = Server::start([json("200 OK", &"[".repeat(2000))]).await;
    let error = list(&announced, small).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("larger than 1000 bytes"), "{error}");
    assert!(error.advice().unwrap().contains("max_response_bytes"));

    let huge = raw("HTTP/1.1 200 OK\ncontent-length: 16777217\n\n[");
    let huge = Server::start([Act::SendAndHang(huge)]).await;
    let error = list(&huge, options).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("larger than 16777216 bytes"), "{error}");

    let head = raw("HTTP/1.1 200 OK\ncontent-type: application/json\n\n[");
    let endless = Server::start([Act::SendForEver(head.clone(), vec![b'['; 1 << 12])]).await;
    let error = list(&endless, small.timeout(Duration::from_secs(20))).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);

    let stalled = Server::start([Act::SendAndHang(head)]).await;
    let error = list(&stalled, options).await;
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
async fn success_that_is_not_as_documented_is_an_error_with_its_place() {
    let server = Server::start([json("200 OK", "{\"id\": \"key_1\",\n \"name\": 5}")]).await;
    let error = get(&server).await;
    assert!(error.is_decode());
    assert_eq!(error.status().unwrap(), 200);
    assert_eq!(
        error.source().unwrap().to_string(),
        "a value is missing or has another type than documented (line 2, column 10)"
    );
    assert_eq!(error.body_excerpt(), Some(r#"{"id":"key_1","name":5}"#));

    let page = answer("200 OK", "content-type: text/html\r\n", "<html><title>Log in</title>");
    let server = Server::start([page]).await;
    let error = get(&server).await;
    assert!(error.is_decode());
    assert!(error.to_string().contains("200 OK, but the answer (text/html)"), "{error}");
    assert_eq!(error.body_excerpt(), Some("Log in"));
    let error = server.client().delete_api_key().id("key_1").send().await.unwrap_err();
    assert!(error.is_decode(), "a page is no confirmation of a deletion");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start([json("200 OK", "[]")]).await;
    let location = format!("location: {}/a?token=t0ken#f\r\n", elsewhere.url);
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let server = Server::start([answer(status, &location, "")]).await;
        let error = get(&server).await;
        assert_eq!(error.kind(), ErrorKind::Redirect);
        let line = error.to_string();
        assert!(line.contains(status) && line.contains(&format!("{}/a", elsewhere.url)), "{line}");
        assert!(!seen(&error).contains("t0ken"));
        assert!(error.advice().unwrap().contains("KERNEL_BASE_URL"));
    }
    assert_eq!(elsewhere.count(), 0);
}

/// A documented answer to a creation, to be spoiled.
const CREATED: &str = r#"{"id":"key_1","name":"ci","created_at":"2026-01-01T00:00:00Z","created_by":{"id":"u","email":"e@example.com","name":null},"expires_at":null,"deleted_at":null,"project_id":null,"project_name":null,"masked_key":"sk_live...cdef","key":"sk_live_0123456789abcdef"}"#;

#[tokio::test]
async fn a_created_key_is_redacted_wherever_it_is_printed() {
    let server = Server::start([json("201 Created", CREATED)]).await;
    let client = server.client();
    let created = client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap();
    assert_eq!(created.key.expose(), KEY);
    assert!(!format!("{created:?} {created:#?}").contains(SECRET));
    assert!(!serde_json::to_string(&*created).unwrap().contains(SECRET));
}

#[tokio::test]
async fn a_201_that_does_not_parse_loses_no_key_and_shows_none() {
    let with = |from: &str, to: &str| {
        assert!(CREATED.contains(from));
        json("201 Created", &CREATED.replace(from, to))
    };
    let bytes = |text: String| Act::Send(raw(&text));
    let cut = &CREATED[..CREATED.len() - 1];
    for (name, act, saved) in [
        (
            "a field of another type",
            with(r#""name":"ci""#, r#""name":{"sk_live_0123456789abcdef":1}"#),
            true,
        ),
        ("a date that is none", with("2026-01-01T00:00:00Z", KEY), true),
        ("a field that is missing", with(r#""created_at":"2026-01-01T00:00:00Z","#, ""), true),
        (
            "the key where another thing is wanted",
            with(r#"{"id":"u","#, r#"{"id":["sk_live_0123456789abcdef"],"#),
            true,
        ),
        (
            "more than was announced to come",
            bytes(format!("HTTP/1.1 201 Created\ncontent-length: 9999\n\n{CREATED}")),
            true,
        ),
        (
            "the plaintext in an array",
            with(r#""key":"sk_live_0123456789abcdef""#, r#""key":["sk_live_0123456789abcdef"]"#),
            false,
        ),
        ("cut short, length right", json("201 Created", cut), false),
        (
            "cut short, length wrong",
            bytes(format!("HTTP/1.1 201 Created\ncontent-length: 9999\n\n{cut}")),
            false,
        ),
        ("an array", json("201 Created", &format!("[{CREATED}]")), false),
        ("rubbish behind it", json("201 Created", &format!("{CREATED}{KEY}")), true),
        (
            "the plaintext alone",
            answer(
                "201 Created",
                "content-type: sk_live_0123456789abcdef\r\nx-request-id: sk_live_0123456789abcdef\r\n",
                KEY,
            ),
            false,
        ),
    ] {
        let server = Server::start([act]).await;
        let error = create(&server).await;
        assert_eq!(error.status().unwrap(), 201, "{name}");
        assert!(error.outcome_unknown(), "{name}");
        assert_eq!(error.body_excerpt(), None, "{name}");
        assert!(!seen(&error).contains(SECRET), "{name}: {}", seen(&error));
        let created = error.created().map(|(id, key)| (id, key.expose()));
        assert_eq!(created, saved.then_some(("key_1", KEY)), "{name}");
        if saved {
            assert!(error.to_string().contains("the key was created"), "{error}");
            assert!(error.advice().unwrap().contains("created()"));
        }
    }
    let server = Server::start([Act::SendAndHang(raw(&format!(
        "HTTP/1.1 201 Created\ncontent-length: 9999\n\n{CREATED}"
    )))])
    .await;
    let client = server.builder().timeout(Duration::from_millis(400)).build().unwrap();
    let error = client.create_api_key().body_map(|body| body.name("ci")).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.created().unwrap().1.expose(), KEY);
}

#[tokio::test]
async fn what_the_server_repeats_is_scrubbed() {
    let quoting = format!(
        r#"{{"code":"{KEY}","message":"bad key {KEY}","details":[{{"code":"{KEY}","message":"{KEY}"}}],"inner_error":{{"message":"{KEY}"}}}}"#
    );
    let escaped = KEY.replace("sk_", "\\u0073k_");
    for body in [
        quoting.clone(),
        quoting.replace("sk_live_0123456789abcdef", "sk_other_0123456789abcdef"),
        format!("<html><title>{KEY}</title><p>{KEY}</p></html>"),
        format!("{}{KEY}", "x".repeat(500)),
        format!("\"{escaped}\""),
        format!("[\"{escaped}\"]"),
        KEY.to_owned(),
    ] {
        for status in ["400 Bad Request", "500 Internal Server Error"] {
            let headers = format!("x-request-id: {KEY}\r\nlocation: https://e.example/{KEY}\r\n");
            let server = Server::start([answer(status, &headers, &body)]).await;
            for error in [create(&server).await, get(&server).await] {
                assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
                assert!(!format!("{:?}", error.inner_error()).contains(SECRET));
            }
        }
    }
    let location = format!("location: https://e.example/{KEY}?k={KEY}\r\n");
    let server = Server::start([answer("302 Found", &location, "")]).await;
    let error = get(&server).await;
    assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
}

#[tokio::test]
async fn secrets_of_any_shape_are_scrubbed_when_they_were_sent() {
    let body = "no hunter22-hunter22 and no odd.key.without.prefix";
    let server = Server::start([answer("400 Bad Request", "", body)]).await;
    let client = server.builder().api_key("odd.key.without.prefix").build().unwrap();
    let secret = onkernel::Secret::from("hunter22-hunter22");
    let error = client.request(Method::PUT, "/x").json(&secret).send().await.unwrap_err();
    assert_eq!(error.body_excerpt(), Some("no [redacted] and no [redacted]"));
}

/// An answer quotes a secret as its format wants it.
#[tokio::test]
async fn secrets_are_scrubbed_however_they_are_written() {
    for (secret, body) in [
        ("two  spaces\tand a tab", "no two  spaces\tand a tab"),
        ("two  spaces", "no two spaces"),
        ("wei\u{200b}rd-one", "no wei\u{200b}rd-one"),
        ("quo\"ted\\one", r#"{"message":"no quo\"ted\\one","echo":"quo\"ted\\one"}"#),
        ("quo\"ted\\one", r#"{"echo":"quo\"ted\\one"#),
        ("p\u{e4}ssword", r#"{"echo":"p\u00e4ssword"#),
        ("a&b<c>d", "<p>no a&amp;b&lt;c&gt;d</p>"),
    ] {
        let server = Server::start([answer("400 Bad Request", "", body)]).await;
        let secret = onkernel::Secret::from(secret);
        let call = server.client().request(Method::PUT, "/x").json(&secret);
        let error = call.send().await.unwrap_err();
        let excerpt = error.body_excerpt().unwrap();
        assert!(excerpt.contains("[redacted]"), "{excerpt}");
        for part in ["spaces", "rd-one", "one", "ssword", "a&b"] {
            assert!(!excerpt.contains(part), "{excerpt}");
            assert!(!error.message().unwrap_or_default().contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn of_secrets_within_each_other_nothing_is_left() {
    let body = "no hunter22 and no hunter22-and-more";
    let server = Server::start([answer("400 Bad Request", "", body)]).await;
    for secrets in [["hunter22", "hunter22-and-more"], ["hunter22-and-more", "hunter22"]] {
        let secrets = secrets.map(onkernel::Secret::from);
        let call = server.client().request(Method::PUT, "/x").json(&secrets);
        let error = call.send().await.unwrap_err();
        assert_eq!(error.body_excerpt(), Some("no [redacted] and no [redacted]"));
    }
}

/// Words that hold `sk_` are no keys: programs branch on codes.
#[tokio::test]
async fn words_are_not_taken_for_keys() {
    for code in ["disk_quota_exceeded", "task_already_running", "invalid_masks_configuration"] {
        let body = format!(r#"{{"code":"{code}","message":"{code}"}}"#);
        let server = Server::start([json("400 Bad Request", &body)]).await;
        let error = get(&server).await;
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.message(), Some(code));
    }
    for key in ["sk_abcdefghijkl", "=sk_abcdefghijkl", "asksk_live0123456789", "%3Dsk_abcDEFGHIJ"] {
        let body = format!(r#"{{"message":"no {key}"}}"#);
        let server = Server::start([json("400 Bad Request", &body)]).await;
        let error = get(&server).await;
        assert!(error.message().unwrap().ends_with("[redacted]"), "{error}");
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_shown() {
    let server = Server::start([answer("404 Not Found", "", "")]).await;
    let client = server.client();
    for error in [
        client.get_api_key().id(KEY).send().await.unwrap_err(),
        client.request(Method::GET, &format!("/{KEY}")).send().await.unwrap_err(),
        client.request(Method::GET, &format!("{KEY}?")).send().await.unwrap_err(),
        client.list_api_keys().status(KEY).send().await.unwrap_err(),
    ] {
        assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
        assert!(!error.path().unwrap_or_default().contains(SECRET));
    }
}

#[tokio::test]
async fn a_dropped_call_stops_at_once() {
    let server = Server::start([answer("503 Service Unavailable", "", "")]).await;
    let client =
        server.builder().backoff(Duration::from_secs(60), Duration::from_secs(60)).build().unwrap();
    let mut call = Box::pin(client.list_api_keys().send());
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
