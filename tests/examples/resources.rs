//! The examples about browsers, applications and logs, against a server that responds as documented.

use serde_json::{Value, json};

use crate::scripted::{Act, Server, json as response, raw, response as other};

#[path = "../../examples/audit_logs.rs"]
mod audit_logs;
#[path = "../../examples/browser.rs"]
mod browser;
#[path = "../../examples/deploy.rs"]
mod deploy;
#[path = "../../examples/files.rs"]
mod files;
#[path = "../../examples/invoke.rs"]
mod invoke;
#[path = "../../examples/telemetry.rs"]
mod telemetry;

const TIME: &str = "2026-11-01T00:00:00Z";

fn ok(body: &Value) -> Act {
    response("200 OK", &body.to_string())
}

/// The first lines of the requests.
fn lines(server: &Server) -> Vec<String> {
    let line = |request: &String| {
        request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()
    };
    server.requests().iter().map(line).collect()
}

/// A stream of events, each with an id; it breaks off if the server does not end it.
fn events(events: &[Value], ends: bool) -> Act {
    let cut = if ends { "" } else { "content-length: 99999\n" };
    let frame = |(id, event)| format!("id: {id}\ndata: {event}\n\n");
    let text: String = (1..).zip(events).map(frame).collect();
    Act::Send(raw(&format!("HTTP/1.1 200 OK\ncontent-type: text/event-stream\n{cut}\n{text}")))
}

fn session() -> Act {
    ok(&json!({ "session_id": "b_1", "created_at": TIME, "cdp_ws_url": "wss://h/?jwt=x",
        "webdriver_ws_url": "wss://h/?jwt=x", "stealth": false, "headless": true,
        "timeout_seconds": 60, "memory": "2GiB", "region": "us-east" }))
}

#[tokio::test]
async fn a_page_is_visited_and_its_picture_saved() {
    let server = Server::start([
        session(),
        ok(&json!({ "success": true, "result": "Example Domain" })),
        other("200 OK", "content-type: image/png\r\n", "a picture"),
        other("204 No Content", "", ""),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.png");
    let title = browser::run(&server.client(), "https://example.com", &file).await.unwrap();
    assert_eq!(title, "Example Domain");
    assert_eq!(std::fs::read(file).unwrap(), b"a picture");
    let browser = "/browsers/b_1";
    assert_eq!(
        lines(&server),
        [
            "POST /browsers".to_owned(),
            format!("POST {browser}/playwright/execute"),
            format!("POST {browser}/computer/screenshot"),
            format!("DELETE {browser}"),
        ]
    );
}

#[tokio::test]
async fn code_that_fails_leaves_neither_a_browser_nor_a_picture() {
    for machine in [
        ok(&json!({ "success": false, "error": "net::ERR_NAME_NOT_RESOLVED" })),
        response("404 Not Found", r#"{"code":"not_found","message":"the session has ended"}"#),
        response("410 Gone", r#"{"code":"gone","message":"the session has ended"}"#),
    ] {
        let server = Server::start([session(), machine, other("204 No Content", "", "")]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.png");
        let error = browser::run(&server.client(), "https://no.example", &file).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("NOT_RESOLVED") || text.contains("the session has ended"), "{text}");
        assert_eq!(lines(&server).last().unwrap(), "DELETE /browsers/b_1");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn telemetry_goes_on_after_the_last_event_that_came() {
    let event = |seq: u64| {
        json!({ "seq": seq, "event": { "ts": 1, "type": "console_log", "category": "console",
            "source": { "kind": "cdp" }, "data": { "text": "hello" } } })
    };
    let server =
        Server::start([events(&[event(1), event(2)], false), events(&[event(3)], true)]).await;
    let numbers = telemetry::run(&server.client(), "b_1", Some("0")).await.unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    let from: Vec<_> = server
        .requests()
        .iter()
        .map(|request| {
            let line = request.lines().find_map(|line| line.strip_prefix("last-event-id: "));
            line.map(str::to_owned)
        })
        .collect();
    assert_eq!(from, [Some("0".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn a_file_goes_there_and_comes_back() {
    let info = json!({ "name": "upload", "path": "/tmp/upload", "size_bytes": 9, "is_dir": false,
        "mod_time": TIME, "mode": "0644" });
    let server = Server::start([
        other("201 Created", "", ""),
        ok(&info),
        other("200 OK", "content-type: application/octet-stream\r\n", "the bytes"),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("file"), folder.path().join("copy"));
    std::fs::write(&file, "the bytes").unwrap();
    assert_eq!(files::run(&server.client(), "b_1", &file, &copy).await.unwrap(), 9);
    assert_eq!(std::fs::read(copy).unwrap(), b"the bytes");
    let requests = server.requests();
    assert!(requests[0].starts_with("PUT /browsers/b_1/fs/write_file?path=%2Ftmp%2Fupload"));
    assert!(requests[0].ends_with("\r\n\r\nthe bytes"), "{}", requests[0]);

    let missing = folder.path().join("missing");
    let error = files::run(&server.client(), "b_1", &missing, &file).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert!(error.to_string().contains("missing` cannot be read: No such file"), "{error}");
}

#[tokio::test]
async fn a_folder_is_deployed_and_followed_to_its_end() {
    let deployment = |status: &str| {
        json!({ "id": "d_1", "status": status, "region": "aws.us-east-1a", "created_at": TIME,
            "status_reason": "it does not build" })
    };
    let state = |status: &str| json!({ "event": "deployment_state", "timestamp": TIME, "deployment": deployment(status) });
    let log = json!({ "event": "log", "timestamp": TIME, "message": "installing\n" });
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("main.ts", "start()"), ("lib/a.ts", "a"), ("node_modules/b.ts", "b")] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    for (end, runs) in [("running", true), ("failed", false)] {
        let server = Server::start([
            response("201 Created", &deployment("queued").to_string()),
            events(&[state("in_progress"), log.clone()], true),
            ok(&deployment(end)),
        ])
        .await;
        let done = deploy::run(&server.client(), folder.path(), "main.ts").await;
        match done {
            Ok(deployment) => assert!(runs && deployment.id == "d_1"),
            Err(error) => assert!(!runs && error.to_string().contains("it does not build")),
        }
        let upload = &server.requests()[0];
        for (part, is_there) in [
            ("name=\"file\"; filename=\"app.zip\"", true),
            ("name=\"entrypoint_rel_path\"\r\n\r\nmain.ts", true),
            ("main.ts", true),
            ("lib/a.ts", true),
            ("node_modules", false),
        ] {
            assert_eq!(upload.contains(part), is_there, "{part}: {upload}");
        }
    }
}

#[tokio::test]
async fn an_action_is_run_and_its_result_awaited() {
    let run = |status: &str| {
        json!({ "id": "i_1", "app_name": "app", "version": "latest", "action_name": "act",
            "started_at": TIME, "status": status, "output": "{\"n\":1}" })
    };
    let server = Server::start([
        response("202 Accepted", r#"{"id":"i_1","action_name":"act","status":"queued"}"#),
        events(&[], false),
        ok(&run("running")),
        events(&[], true),
        ok(&run("succeeded")),
    ])
    .await;
    let payload = Some("{}".to_owned());
    let output = invoke::run(&server.client(), "app", "act", payload).await.unwrap();
    assert_eq!(output, r#"{"n":1}"#);
    assert!(server.requests()[0].contains(r#""payload":"{}""#));
}

#[tokio::test]
async fn audit_logs_are_read_page_by_page() {
    let entry = json!({ "timestamp": TIME, "auth_strategy": "api_key", "user_id": "u", "email": "",
        "status": 200, "method": "GET", "path": "/browsers", "route": "/browsers", "domain": "d",
        "duration_ms": 1, "client_ip": "192.0.2.1", "user_agent": "a" });
    let page = |entries: &[&Value], next: &str| {
        let headers = format!("content-type: application/json\r\n{next}");
        other("200 OK", &headers, &json!(entries).to_string())
    };
    let next = "x-has-more: true\r\nx-next-page-token: p2\r\n";
    let server =
        Server::start([page(&[&entry, &entry], next), page(&[&entry], "x-has-more: false\r\n")])
            .await;
    assert_eq!(audit_logs::run(&server.client()).await.unwrap(), 3);
    let lines = lines(&server);
    assert!(lines.len() == 2 && lines[1].contains("page_token=p2"), "{lines:?}");
}
