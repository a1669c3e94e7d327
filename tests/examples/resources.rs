//! The examples about browsers, applications and logs, against the embedded server.

use std::time::Duration;

use onkernel::Client;
use onkernel::testing::{Fault, Server, Stub};
use serde_json::{Value, json};

#[path = "../../examples/audit_logs.rs"]
mod audit_logs;
#[path = "../../examples/browser.rs"]
mod browser;
#[path = "../../examples/deploy.rs"]
mod deploy;
#[path = "../../examples/direct.rs"]
mod direct;
#[path = "../../examples/files.rs"]
mod files;
#[path = "../../examples/invoke.rs"]
mod invoke;
#[path = "../../examples/telemetry.rs"]
mod telemetry;

async fn server() -> (Server, Client) {
    let server = Server::start().await.unwrap();
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    (server.clone(), client.build().unwrap())
}

/// The requests by method and path.
fn lines(server: &Server) -> Vec<String> {
    server.log().iter().map(|it| format!("{} {}", it.method, it.path)).collect()
}

/// That of the `n`-th minute after noon.
fn time(n: usize) -> String {
    format!("2026-11-01T12:{n:02}:00Z")
}

#[tokio::test]
async fn a_page_is_visited_and_its_picture_saved() {
    let (server, client) = server().await;
    let title = Stub::merge(json!({ "result": "Example Domain" }));
    server.respond("browsers.playwright.execute", title).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.png");
    let title = browser::run(&client, "https://example.com", &file).await.unwrap();
    assert_eq!(title, "Example Domain");
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG"));
    let lines = lines(&server);
    assert_eq!(lines[0], "POST /browsers");
    let session = lines[1].strip_suffix("/playwright/execute").unwrap().replace("POST ", "");
    assert_eq!(lines[2], format!("POST {session}/computer/screenshot"));
    assert_eq!(lines[3..], [format!("DELETE {session}")]);
    let run = &server.received("browsers.playwright.execute")[0];
    let code = "await page.goto(\"https://example.com\"); return await page.title()";
    assert_eq!(run.body["code"], code);
}

#[tokio::test]
async fn pictures_come_straight_from_the_machine() {
    let (server, _) = server().await;
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    let client = client.direct_to_vm(true).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    direct::run(&client, "https://example.com", folder.path(), 3).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    let straight = lines(&server).iter().filter(|it| it.starts_with("POST /vm/")).count();
    assert_eq!((straight, server.log().len()), (4, 6));
}

/// Ctrl-C goes to a process of its own, for it would end all that is under way in this one.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_no_browser_behind() {
    const URL: &str = "ONKERNEL_TEST_INTERRUPTED";
    if let Ok(url) = std::env::var(URL) {
        let client = Client::builder().base_url(url).api_key("sk_interrupted").build().unwrap();
        let file = std::path::Path::new("never.png");
        let error = browser::run(&client, "https://example.com", file).await.unwrap_err();
        assert_eq!(error.to_string(), "interrupted");
        return;
    }
    let server = Server::builder().bootstrap_key("sk_interrupted").start().await.unwrap();
    let long =
        Fault::delay(Duration::from_secs(300)).after().path("/browsers/*/playwright/execute");
    server.faults().add(long);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resources::ctrl_c_leaves_no_browser_behind"])
        .env(URL, server.url())
        .spawn()
        .unwrap();
    while server.received("browsers.playwright.execute").is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended without using the browser");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().success());
    assert_eq!(server.received("browsers.delete").len(), 1);
}

/// The browser goes whatever happens in it, also when its machine is gone.
#[tokio::test]
async fn no_browser_is_left_behind_when_the_page_fails() {
    for (machine, says) in [
        (Stub::merge(json!({ "success": false, "error": "NOT_RESOLVED" })), "NOT_RESOLVED"),
        (Stub::error(404, "not_found", "the session has ended"), "the session has ended"),
        (Stub::error(410, "gone", "the session has ended"), "the session has ended"),
    ] {
        let (server, client) = server().await;
        server.respond("browsers.playwright.execute", machine).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.png");
        let error = browser::run(&client, "https://no.example", &file).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(server.received("browsers.delete").len(), 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn telemetry_goes_on_after_the_last_event_that_came() {
    let (server, client) = server().await;
    let event = |seq: u64| {
        json!({ "seq": seq, "event": { "ts": 1, "type": "console_log", "category": "console",
            "source": { "kind": "cdp" }, "data": { "text": "hello" } } })
    };
    let stream = Stub::events((1..=3).map(event)).cut_after(2);
    server.respond("browsers.telemetry.stream", stream).unwrap();
    let numbers = telemetry::run(&client, "b_1", Some("0")).await.unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    let received = server.received("browsers.telemetry.stream");
    let from: Vec<_> = received.iter().map(|it| &it.parameters["Last-Event-ID"]).collect();
    assert_eq!(from, ["0", "2"]);
}

#[tokio::test]
async fn a_file_goes_there_and_comes_back() {
    let (server, client) = server().await;
    let there = Stub::bytes("application/octet-stream", *b"the bytes");
    server.respond("browsers.fs.read_file", there).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("file"), folder.path().join("copy"));
    std::fs::write(&file, "the bytes").unwrap();
    assert_eq!(files::run(&client, "b_1", &file, &copy).await.unwrap(), 9);
    assert_eq!(std::fs::read(copy).unwrap(), b"the bytes");
    let written = &server.received("browsers.fs.write_file")[0];
    assert_eq!(
        (&written.parameters["path"], &written.body),
        (&"/tmp/upload".into(), &"the bytes".into())
    );

    let missing = folder.path().join("missing");
    let error = files::run(&client, "b_1", &missing, &file).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert!(error.to_string().contains("missing` cannot be read: No such file"), "{error}");
}

#[tokio::test]
async fn a_folder_is_deployed_and_followed_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("main.ts", "start()"), ("lib/a.ts", "a"), ("node_modules/b.ts", "b")] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    for (end, runs) in [("running", true), ("failed", false)] {
        let (server, client) = server().await;
        // The stream ends before the deployment does.
        let log = json!({ "event": "log", "timestamp": time(1), "message": "installing\n" });
        server.respond("deployments.follow", Stub::events([log])).unwrap();
        let state = json!({ "status": end, "status_reason": "it does not build" });
        server.respond("deployments.get", Stub::merge(state)).unwrap();
        let done = deploy::run(&client, folder.path(), "main.ts").await;
        match done {
            Ok(deployment) => assert!(runs && deployment.status.to_string() == end),
            Err(error) => assert!(!runs && error.to_string().contains("it does not build")),
        }
        let upload = &server.received("deployments.create")[0].body;
        assert_eq!(upload["entrypoint_rel_path"], "main.ts");
        let archive = upload["file"].as_str().unwrap();
        for (part, is_there) in [("main.ts", true), ("lib/a.ts", true), ("node_modules", false)] {
            assert_eq!(archive.contains(part), is_there, "{part}: {archive}");
        }
    }
}

#[tokio::test]
async fn an_action_is_run_and_its_result_awaited() {
    let (server, client) = server().await;
    let log = |n: usize| json!({ "event": "log", "timestamp": time(n), "message": n.to_string() });
    server.respond("invocations.follow", Stub::events((1..=2).map(log)).cut_after(1)).unwrap();
    for status in ["running", "succeeded"] {
        let run = json!({ "status": status, "output": "{\"n\":1}" });
        server.respond("invocations.get", Stub::merge(run)).unwrap();
    }
    let payload = Some("{}".to_owned());
    let output = invoke::run(&client, "app", "act", payload).await.unwrap();
    assert_eq!(output, r#"{"n":1}"#);
    assert_eq!(server.received("invocations.create")[0].body["payload"], "{}");
}

#[tokio::test]
async fn audit_logs_are_read_page_by_page() {
    let (server, client) = server().await;
    assert_eq!(audit_logs::run(&client).await.unwrap(), 3);
    let pages = server.received("audit_logs.list");
    let tokens: Vec<Option<&Value>> =
        pages.iter().map(|it| it.parameters.get("page_token")).collect();
    assert!(matches!(tokens[..], [None, Some(_)]), "{tokens:?}");
}
