//! Where generators that compile the whole document go wrong at run time: a test for each place.

#![cfg(feature = "full")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use httpmock::prelude::*;
use onkernel::{CallOptions, Client, ErrorKind, Event, Upload, types};
use serde_json::{Value, json};

fn client(url: impl Into<String>) -> Client {
    Client::builder()
        .api_key("sk_pitfall0123456789abcdef")
        .base_url(url)
        .retries(0)
        .build()
        .unwrap()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

#[test]
fn a_proxy_is_of_the_kind_that_its_type_says() {
    let isp = json!({ "id": "p1", "name": "n", "status": "available", "type": "isp", "config": { "country": "US" } });
    let list: Vec<types::Proxy> =
        read(json!([isp, { "type": "mobile", "config": { "country": "US" } }])).unwrap();
    assert!(
        matches!(&list[0].config, Some(types::ProxyConfig::Isp(it)) if it.country.as_deref() == Some("US"))
    );
    assert!(matches!(&list[1].config, Some(types::ProxyConfig::Mobile(_))));
    assert_eq!((list[0].id.as_deref(), list[0].name.as_deref()), (Some("p1"), Some("n")));
    assert_eq!(list[0].status, Some(types::ProxyStatus::Available));
    assert_eq!(serde_json::to_value(&list[0]).unwrap(), isp);
    let new: types::Proxy = read(json!({ "type": "quantum", "config": { "spin": 1 } })).unwrap();
    assert_eq!(new.config, Some(types::ProxyConfig::Unknown(json!({ "spin": 1 }))));
}

#[tokio::test]
async fn a_proxy_of_another_kind_than_its_type_says_is_not_sent() {
    let client = client("http://127.0.0.1:9");
    let config = types::CreateCustomProxyConfig::new("h", 1).password("hunter22");
    let wrong = client.proxies().create(types::ProxyCreateRequestType::Isp).config(config);
    let error = wrong.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("`type`"), "{error}");
}

#[test]
fn an_event_is_what_its_tag_says_and_nothing_else() {
    let at = "2026-01-01T00:00:00Z";
    let summary = json!({ "event": "app_version_summary", "timestamp": at, "id": "a", "app_name": "n",
        "version": "v", "region": "aws.us-east-1a", "actions": [] });
    assert!(matches!(read(summary).unwrap(), types::DeploymentEvent::AppVersionSummary(_)));
    let error =
        json!({ "event": "error", "timestamp": at, "error": { "code": "c", "message": "m" } });
    assert!(matches!(read(error).unwrap(), types::DeploymentEvent::Error(_)));
    let heartbeat = json!({ "event": "sse_heartbeat", "timestamp": at });
    assert!(matches!(read(heartbeat).unwrap(), types::DeploymentEvent::SseHeartbeat(_)));
    let unknown = json!({ "event": "moon_phase", "timestamp": at, "message": "looks like a log" });
    let read_back: types::DeploymentEvent = read(unknown.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read_back).unwrap(), unknown);
    assert!(matches!(read_back, types::DeploymentEvent::Unknown(_)));
    let torn = json!({ "event": "log", "timestamp": at });
    assert!(
        read::<types::DeploymentEvent>(torn).is_err(),
        "a log without a message is no other event"
    );
}

#[tokio::test]
async fn exactly_one_of_the_sets_of_fields_is_sent() {
    let client = client("http://127.0.0.1:9");
    for (profile, sent) in [
        (types::BrowserProfile::new(), false),
        (types::BrowserProfile::new().id("a").name("b"), false),
        (types::BrowserProfile::new().name("b"), true),
    ] {
        let error = client.browsers().create().profile(profile).send().await.unwrap_err();
        assert_eq!(error.kind() != ErrorKind::InvalidRequest, sent, "{error}");
        assert_eq!(error.to_string().contains("`id`, or `name`"), !sent, "{error}");
    }
}

#[test]
fn what_is_absent_is_never_made_up() {
    assert!(read::<types::Deployment>(json!({ "status": "running" })).is_err(), "no id");
    let log = read::<types::LogEvent>(json!({ "event": "log", "message": "m", "timestamp": null }));
    assert!(log.is_err(), "no time is not 1970");
    let event: types::FileSystemEvent =
        read(json!({ "type": "CREATE", "path": "/a", "name": null, "new": 1 })).unwrap();
    assert_eq!(event.name, None);
    // Closed objects are open in responses.
    let stream: types::ProcessStreamEvent =
        read(json!({ "stream": "stdout", "more": true })).unwrap();
    assert_eq!(stream.exit_code, None);
}

#[tokio::test]
async fn defaults_are_the_servers_and_bounds_are_for_what_is_sent() {
    let server = MockServer::start();
    let empty = server.mock(|when, then| {
        when.method(POST).path("/browsers").json_body(json!({}));
        then.status(500);
    });
    let client = client(server.base_url());
    let _ = client.browsers().create().headless(true).set_headless(None).send().await;
    assert_eq!(empty.calls(), 1, "nothing but what was set");
    let computer = client.browsers().computer();
    let error = computer.drag_mouse("b", [vec![1, 2], vec![3]]).send().await.unwrap_err();
    assert!(error.to_string().contains("path[1]"), "a nested bound names its place: {error}");
    let error = client.browsers().list().limit(101).send().await.unwrap_err();
    assert!(
        error.to_string().contains("`limit` must be between 1 and 100, but is 101")
            || error.to_string().contains("limit must be between 1 and 100, but is 101"),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_that_says_more_is_typed() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.method(POST).path("/auth/connections");
        then.status(409)
            .json_body(json!({ "code": "conflict", "message": "m", "existing_id": "ac_1" }));
    });
    let connections = client(server.base_url()).auth().connections();
    let error = connections.create("example.com", "p").send().await.unwrap_err();
    let body: types::AuthConnectionsCreateConflict = error.body().expect("the documented body");
    assert_eq!(body.existing_id, "ac_1");
    assert!(error.is_conflict());
}

#[tokio::test]
async fn two_ways_to_succeed_are_told_apart() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.method(POST).path("/browser_pools/p/acquire");
        then.status(204);
    });
    let response = client(server.base_url()).browser_pools().acquire("p").send().await;
    assert!(matches!(response.unwrap(), types::BrowserPoolsAcquireResponse::NoContent));
}

#[tokio::test]
async fn secrets_are_on_the_wire_and_nowhere_else() {
    let server = MockServer::start();
    let wire = server.mock(|when, then| {
        when.method(POST).path("/credentials").body_includes("hunter22").body_includes("SEED2345");
        then.status(400).json_body(json!({ "code": "bad", "message": "hunter22 is weak" }));
    });
    let credentials = client(server.base_url()).credentials();
    let call = credentials.create("n", "d", [("password", "hunter22")]).totp_secret("SEED2345");
    let shown = format!("{call:?}");
    let error = call.send().await.unwrap_err();
    assert_eq!(wire.calls(), 1);
    for text in [shown, format!("{error} {error:?} {:?}", error.message())] {
        assert!(!text.contains("hunter22") && !text.contains("SEED2345"), "{text}");
    }
    let code: types::CredentialsTotpCodeResponse =
        read(json!({ "code": "123456", "expires_at": "2026-01-01T00:00:00Z" })).unwrap();
    assert!(!format!("{code:?} {}", onkernel::secret::redacted(&code).unwrap()).contains("123456"));
    assert_eq!(code.code.expose(), "123456");
}

/// Addresses with a token in them open the browser, and what a process is given may be anything.
#[tokio::test]
async fn addresses_with_tokens_and_environments_are_secrets() {
    let url = "https://view.example/x?jwt=hunter22";
    let replay: types::BrowserReplay =
        read(json!({ "replay_id": "r", "replay_view_url": url })).unwrap();
    let browser: types::Browser = read(json!({
        "created_at": "2026-01-01T00:00:00Z", "cdp_ws_url": url, "webdriver_ws_url": url,
        "browser_live_view_url": url, "session_id": "s", "stealth": false, "headless": true,
        "timeout_seconds": 60, "memory": "8gb", "region": "aws.us-east-1a",
    }))
    .unwrap();
    assert_eq!(replay.replay_view_url.as_ref().unwrap().expose(), url);
    assert_eq!(browser.cdp_ws_url.expose(), url);

    let server = MockServer::start();
    let wire = server.mock(|when, then| {
        when.method(POST).path("/browsers/b/process/exec").body_includes("hunter22");
        then.status(400).json_body(json!({ "code": "bad", "message": "no hunter22, no ?jwt=ab" }));
    });
    let call = client(server.base_url()).browsers().process().exec("b", "env");
    let call = call.env([("TOKEN", "hunter22")]);
    let shown = format!("{call:?}");
    let error = call.send().await.unwrap_err();
    assert_eq!(wire.calls(), 1);
    let printed = [
        format!("{replay:?} {browser:?} {shown} {error} {error:?} {:?}", error.message()),
        format!("{:?}", onkernel::secret::redacted(&(&replay, &browser)).unwrap()),
    ];
    for text in printed {
        assert!(!text.contains("hunter22") && !text.contains("jwt=ab"), "{text}");
    }
}

#[tokio::test]
async fn a_stream_is_uploaded_once_though_retries_are_on() {
    let server = MockServer::start();
    let all = server.mock(|when, then| {
        when.method(PUT)
            .path("/browsers/b/fs/write_file")
            .query_param("path", "/a b")
            .body("onetwo");
        then.status(503);
    });
    let client = client(server.base_url()).with(CallOptions::new().retries(3));
    let chunks = stream::iter(["one", "two"].map(|it| Ok::<_, std::io::Error>(it.into())));
    let call = client.browsers().fs().write_file("b", "/a b", Upload::stream(chunks));
    let error = call.send().await.unwrap_err();
    assert_eq!((all.calls(), error.attempts()), (1, 1));
}

#[tokio::test]
async fn a_download_has_no_cap_and_is_whole_or_not_there() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.method(GET).path("/extensions/e");
        then.status(200).header("content-type", "application/zip").body(vec![7; 300_000]);
    });
    let client = client(server.base_url()).with(CallOptions::new().max_response_bytes(10));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.zip");
    let download = client.extensions().download("e").download().await.unwrap();
    assert_eq!(
        (download.content_type(), download.content_length()),
        (Some("application/zip"), Some(300_000))
    );
    assert_eq!(download.write_to_file(&path).await.unwrap(), 300_000);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 300_000);

    let torn = serve(vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned()]).0;
    let download = self::client(torn).extensions().download("e").download().await.unwrap();
    let other = folder.path().join("torn.zip");
    assert_eq!(download.write_to_file(&other).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["e.zip"], "no part of it is left");
}

/// A server that sends each connection the next text and closes it; what it was asked.
fn serve(responses: Vec<String>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|it| it == b"\r\n\r\n") {
                let n = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..n]);
            }
            let _ = sender.send(String::from_utf8_lossy(&request).to_lowercase());
            let _ = stream.write_all(response.as_bytes());
        }
    });
    (url, received)
}

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn telemetry(seq: u64) -> String {
    let event = json!({ "seq": seq, "event": { "ts": 1, "type": "network_idle", "category": "network",
        "source": { "kind": "cdp" } } });
    let text = format!("id: {seq}\ndata: {event}\n\n");
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_after_the_last_event_where_that_is_allowed() {
    let (url, received) = serve(vec![
        format!("{EVENTS}{}{}", telemetry(1), telemetry(2)),
        format!("{EVENTS}{}0\r\n\r\n", telemetry(3)),
    ]);
    let client = client(url).with(CallOptions::new().retries(1));
    let events = client.browsers().telemetry().stream("b").events().await.unwrap();
    let seen: Vec<i64> = events.messages().map_ok(|it| it.seq).try_collect().await.unwrap();
    assert_eq!(seen, [1, 2, 3]);
    assert!(!received.recv().unwrap().contains("last-event-id"));
    assert!(received.recv().unwrap().contains("last-event-id: 2"));
}

#[tokio::test]
async fn heartbeats_and_unknown_events_are_told_apart_and_a_break_is_an_error_elsewhere() {
    let at = "2026-01-01T00:00:00Z";
    let text = format!(
        ": keepalive\n\nevent: sse_heartbeat\ndata: {{\"event\":\"sse_heartbeat\",\"timestamp\":\"{at}\"}}\n\n\
         data: {{\"event\":\"log\",\"message\":\"m\",\"timestamp\":\"{at}\"}}\n\nid: 9\nevent: odd\ndata: not JSON\n\n"
    );
    let (url, _received) = serve(vec![format!("{EVENTS}{:x}\r\n{text}\r\n", text.len())]);
    let client = client(url).with(CallOptions::new().retries(2));
    let events = client.deployments().follow("d").events().await.unwrap();
    let all: Vec<_> = events.collect().await;
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(matches!(all[0], Ok(Event::Heartbeat)));
    assert!(
        matches!(&all[1], Ok(Event::Message { data: types::DeploymentEvent::Log(it), .. }) if it.message == "m")
    );
    assert!(matches!(&all[2], Ok(Event::Unknown { id: Some(id), name: Some(name), data })
        if id == "9" && name == "odd" && data == "not JSON"));
    assert_eq!(all[3].as_ref().unwrap_err().kind(), ErrorKind::ConnectionLost);
}

#[tokio::test]
async fn silence_ends_a_stream_after_the_idle_timeout_and_no_sooner() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(EVENTS.as_bytes());
        let mut end = Vec::new();
        let _ = stream.read_to_end(&mut end);
    });
    let options = CallOptions::new()
        .timeout(Duration::from_secs(30))
        .idle_timeout(Duration::from_millis(200));
    let logs = client(url).with(options).browsers().logs();
    let call = logs.stream("b", types::BrowsersLogsSource::Path).path("/log");
    let mut events = call.events().await.unwrap();
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(events.next().await.is_none(), "and can be asked again");
}

#[tokio::test]
async fn pages_follow_each_other_by_token_and_by_cursor() {
    let server = MockServer::start();
    let page = |from: Option<&'static str>, next: Option<&'static str>, body: Value| {
        server.mock(|when, then| {
            let when = when.method(GET).path("/audit-logs");
            match from {
                Some(token) => when.query_param("page_token", token),
                None => when.query_param_missing("page_token"),
            };
            let then = then
                .status(200)
                .header("X-Has-More", if next.is_some() { "true" } else { "false" });
            let then = match next {
                Some(token) => then.header("X-Next-Page-Token", token),
                None => then,
            };
            then.json_body(body);
        });
    };
    page(None, Some("t/1"), json!([]));
    page(Some("t/1"), None, json!([]));
    let at: chrono::DateTime<chrono::Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let client = client(server.base_url());
    let all: Vec<types::AuditLogEntry> =
        client.audit_logs().list(at, at).items().try_collect().await.unwrap();
    assert!(all.is_empty());

    for (cursor, next, body) in [(None, Some("c1"), "first"), (Some("c1"), None, "last")] {
        server.mock(|when, then| {
            let when = when.method(GET).path("/audit-logs/export/chunk");
            match cursor {
                Some(cursor) => when.query_param("cursor", cursor),
                None => when.query_param_missing("cursor"),
            };
            let then = then.status(200).header("X-Has-More", next.is_some().to_string());
            match next {
                Some(next) => then.header("X-Next-Cursor", next).body(body),
                None => then.body(body),
            };
        });
    }
    let chunks = client.audit_logs().export_chunk(at, at).pages();
    let chunks: Vec<_> = chunks.and_then(|page| page.bytes()).try_collect().await.unwrap();
    assert_eq!(chunks, ["first", "last"]);
}

/// A server that leads round in a circle is asked once for each place, whatever the places are called.
#[tokio::test]
async fn tokens_that_come_again_end_the_stream() {
    for way in [&["a b"][..], &["a", "b"], &["t/1", "t%2F1", "c", "d"]] {
        let responses = way.iter().cycle().take(12).map(|token| {
            format!(
                "HTTP/1.1 200 OK\r\nx-has-more: true\r\nx-next-page-token: {token}\r\n\
                 content-length: 2\r\nconnection: close\r\n\r\n[]"
            )
        });
        let (url, received) = serve(responses.collect());
        let at: chrono::DateTime<chrono::Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut entries = client(url).audit_logs().list(at, at).items();
        let error = entries.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert!(error.to_string().contains("a page before has begun at"), "{error}");
        assert!(entries.next().await.is_none());
        assert_eq!(received.try_iter().count(), way.len() + 1, "{way:?}");
    }
}
