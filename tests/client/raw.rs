//! Raw access: any method and path, with everything that the other calls have.

use std::time::Duration;

use futures_util::StreamExt;
use httpmock::prelude::*;
use onkernel::{Client, ErrorKind, Idempotency, Method, Secret};
use serde_json::{Value, json};

use crate::scripted::{Act, KEY, Server, response};

#[tokio::test]
async fn sends_what_it_is_told_and_reads_what_it_gets() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/org/limits")
                .query_param("tag", "a&b")
                .query_param("deep", "true")
                .header("authorization", format!("Bearer {KEY}"))
                .header("x-own", "1")
                .header("content-type", "application/json")
                .json_body(json!({"a": 1}));
            then.status(201).header("x-request-id", "req_1").json_body(json!({"b": 2}));
        })
        .await;
    let client = Client::builder().api_key(KEY).base_url(server.base_url()).build().unwrap();
    let response = client
        .request(Method::POST, "/org/limits")
        .query("tag", "a&b")
        .query("deep", true)
        .header("x-own", "1")
        .json(&json!({"a": 1}))
        .send()
        .await
        .unwrap();
    mock.assert_async().await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.request_id().as_deref(), Some("req_1"));
    assert_eq!(response.json::<Value>().unwrap(), json!({"b": 2}));
    assert_eq!(response.headers()["x-request-id"], "req_1");
    assert_eq!(&response[..1], b"{");
}

#[tokio::test]
async fn the_error_of_a_status_is_the_same_as_everywhere() {
    let body = r#"{"code":"not_found","message":"no such thing"}"#;
    let server = Server::start([crate::scripted::json("404 Not Found", body)]).await;
    let error = server.client().request(Method::GET, "/things/1").send().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "GET /things/1: 404 Not Found: no such thing");
    assert_eq!((error.method(), error.path()), (Some("GET"), Some("/things/1")));
    assert_eq!(error.operation(), None);
}

#[tokio::test]
async fn nothing_leads_away_from_the_origin() {
    let server = Server::start([response("200 OK", "", "{}")]).await;
    let client = server.client();
    for path in [
        "",
        "org",
        "https://evil.example/",
        "//evil.example/",
        r"/\evil.example/",
        r"\\evil.example/",
        "/..",
        "/a/../../b",
        "/a/%2e%2E/b",
        "/a/./b",
        "/a?key=1",
        "/a#b",
        "/a b",
        "/a\r\nx: y",
        "/é",
        "@evil.example/",
        ":80/",
        ".evil.example/",
        "\u{0}",
    ] {
        let error = client.request(Method::DELETE, path).send().await.unwrap_err();
        assert!(error.is_invalid_request(), "{path:?}: {error}");
    }
    assert_eq!(server.count(), 0);
    client.request(Method::GET, "/a%2Fb/..c/").send().await.unwrap();
    assert!(server.requests()[0].starts_with("GET /a%2Fb/..c/ HTTP/1.1\r\n"));
}

#[tokio::test]
async fn headers_that_are_the_clients_own_or_malformed_are_rejected() {
    let server = Server::start([response("200 OK", "", "{}")]).await;
    for (name, value) in [
        ("authorization", "Bearer sk_other_0123456789"),
        ("Host", "evil.example"),
        ("content-length", "0"),
        ("transfer-encoding", "chunked"),
        ("x-a", "line\nbreak 0123456789"),
        ("x a", "1"),
        ("", "1"),
    ] {
        let request = server.client().request(Method::GET, "/").header(name, value);
        let error = request.send().await.unwrap_err();
        assert!(error.is_invalid_request(), "{name}: {error}");
        assert!(!format!("{error} {error:?}").contains("0123456789"));
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn repeats_by_the_method_unless_told_otherwise() {
    for (method, idempotency, requests) in [
        (Method::GET, None, 3),
        (Method::PUT, None, 3),
        (Method::DELETE, None, 3),
        (Method::POST, None, 1),
        (Method::PATCH, None, 1),
        (Method::POST, Some(Idempotency::Idempotent), 3),
        (Method::GET, Some(Idempotency::NotIdempotent), 1),
    ] {
        let server = Server::start([response("503 Service Unavailable", "", "")]).await;
        let mut request = server.client().request(method.clone(), "/x");
        if let Some(idempotency) = idempotency {
            request = request.idempotency(idempotency);
        }
        let error = request.send().await.unwrap_err();
        assert!(error.is_server_error());
        assert_eq!(server.count(), requests, "{method} {idempotency:?}");
        assert_eq!(error.outcome_unknown(), requests == 1);
    }
}

#[tokio::test]
async fn a_body_carries_secrets_and_is_the_same_at_each_attempt() {
    #[derive(serde::Serialize)]
    struct Login {
        password: Secret,
    }
    let server = Server::start([Act::Drop, response("200 OK", "", "{}")]).await;
    let login = Login { password: Secret::from("hunter22") };
    server.client().request(Method::PUT, "/login").json(&login).send().await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert!(request.ends_with("\r\n\r\n{\"password\":\"hunter22\"}"), "{request}");
    }
    assert!(serde_json::to_string(&login).unwrap_err().to_string().contains("secret::expose"));
    assert_eq!(onkernel::secret::redacted(&login).unwrap()["password"], "[redacted]");
}

#[tokio::test]
async fn a_response_of_another_shape_is_an_error_that_does_not_quote_it() {
    let server = Server::start([response("200 OK", "", &format!("{{\"key\":\"{KEY}\"}}"))]).await;
    let response = server.client().request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(format!("{:?}", *response), "RawBody(34 bytes)");
    let error = response.json::<Vec<i32>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(!format!("{response:?} {error} {error:?}").contains(crate::scripted::SECRET));
}

#[tokio::test]
async fn a_head_request_has_no_body_whatever_it_announces() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\nconnection: close\r\n\r\n";
    let server = Server::start([Act::Send(head.into())]).await;
    let response = server.client().request(Method::HEAD, "/x").send().await.unwrap();
    assert!(response.is_empty());
    assert_eq!(response.headers()["content-length"], "99999999999");
}

#[tokio::test]
async fn a_download_accepts_what_there_is() {
    let server = Server::start([response("200 OK", "content-type: video/mp4\r\n", "mp4")]).await;
    let client = server.client();
    let bytes = client.request(Method::GET, "/x").download().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, "mp4");
    assert!(server.requests()[0].contains("accept: */*\r\n"), "{}", server.requests()[0]);
    let own = client.request(Method::GET, "/x").header("accept", "video/mp4").download().await;
    drop(own.unwrap());
    assert!(server.requests()[1].contains("accept: video/mp4\r\n"), "{}", server.requests()[1]);
}

#[tokio::test]
async fn a_download_can_have_the_longest_name_that_a_file_can_have() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([response("200 OK", "", "bytes")]).await;
    let download = server.client().request(Method::GET, "/x").download().await.unwrap();
    let path = folder.path().join("n".repeat(255));
    assert_eq!(download.write_to_file(&path).await.unwrap(), 5);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A stream that breaks off again and again is given up, though each try brings a line or two.
#[tokio::test]
async fn a_stream_that_never_brings_an_event_ends() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\n";
    let server = Server::start([Act::Send(format!("{begun}id: 1\nretry: 0\n\n").into())]).await;
    let events = server.client().request(Method::GET, "/x").events::<Value>().await.unwrap();
    let all = tokio::time::timeout(Duration::from_secs(10), events.collect::<Vec<_>>()).await;
    let all = all.expect("it ends");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_ref().unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(server.count(), 3);
}

/// A pipe says that it holds nothing: an empty body would be sent in its place.
#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_not_sent_as_an_empty_one() {
    let server = Server::start([response("200 OK", "", "")]).await;
    for path in ["/dev/null", "/tmp"] {
        let upload = onkernel::Upload::file(path);
        let call = server.client().request(Method::PUT, "/x").upload(upload);
        let error = call.send().await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains("`Upload::stream`"), "{error}");
    }
    assert_eq!(server.count(), 0);
}
