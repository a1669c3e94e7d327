//! Calls that go straight to the machine of a session, which the embedded server plays, and what happens
//! when that is gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use onkernel::testing::{Fault, Server, Stub};
use onkernel::types::{Browser, BrowsersLogsSource};
use onkernel::{Client, Upload};
use serde_json::{Value, json};

/// A server, a client that takes the straight way, and a session that it knows.
async fn session() -> (Server, Client, Browser) {
    let server = Server::start().await.unwrap();
    let client = client(&server, true);
    let browser = client.browsers().create().send().await.unwrap();
    server.clear_log();
    (server, client, browser)
}

fn client(server: &Server, direct: bool) -> Client {
    let quick = Duration::from_millis(1);
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    client.direct_to_vm(direct).backoff(quick, quick).build().unwrap()
}

/// Where each request went, to the machine or the API, and what came of it.
fn ways(server: &Server) -> Vec<(&'static str, Option<u16>)> {
    let log = server.log();
    let way = |path: &str| if path.starts_with("/vm/") { "machine" } else { "api" };
    log.iter().map(|it| (way(&it.path), it.status)).collect()
}

#[tokio::test]
async fn it_is_off_unless_it_is_asked_for() {
    let server = Server::start().await.unwrap();
    let client = client(&server, false);
    let browser = client.browsers().create().send().await.unwrap();
    client.browsers().playwright().execute(browser.session_id, "1").send().await.unwrap();
    assert_eq!(ways(&server), [("api", Some(200)), ("api", Some(200))]);
}

#[tokio::test]
async fn what_the_machine_does_itself_is_asked_of_it_and_all_else_of_the_api() {
    let (server, client, browser) = session().await;
    let (browsers, id) = (client.browsers(), browser.session_id.as_str());
    browsers.playwright().execute(id, "1").send().await.unwrap();
    browsers.computer().click_mouse(id, 1, 2).send().await.unwrap();
    drop(browsers.computer().capture_screenshot(id).download().await.unwrap());
    browsers.process().exec(id, "ls").send().await.unwrap();
    browsers.fs().write_file(id, "/a", Upload::bytes("b")).send().await.unwrap();
    browsers.fs().file_info(id, "/a").send().await.unwrap();
    browsers.curl(id, "https://example.com").send().await.unwrap();
    let logs = browsers.logs().stream(id, BrowsersLogsSource::Path).path("/log");
    drop(logs.events().await.unwrap());
    drop(browsers.telemetry().stream(id).events().await.unwrap());
    let raw = client.request(onkernel::Method::GET, &format!("/browsers/{id}/fs/file_info"));
    raw.query("path", "/a").send().await.unwrap();
    let log = ways(&server);
    assert!(log.len() == 10 && log.iter().all(|it| it.0 == "machine"), "{:?}", server.log());
    assert_eq!(server.received("browsers.fs.write_file")[0].body, "b");

    server.clear_log();
    browsers.telemetry().events(id).send().await.unwrap();
    browsers.get(id).send().await.unwrap();
    browsers.playwright().execute("another", "1").send().await.unwrap();
    browsers.delete(id).send().await.unwrap();
    // The session has ended, and its machine with it.
    browsers.playwright().execute(id, "1").send().await.unwrap();
    assert!(ways(&server).iter().all(|it| it.0 == "api"), "{:?}", server.log());
}

#[tokio::test]
async fn the_machine_is_told_the_token_and_nothing_that_is_meant_for_the_api() {
    let sent = Arc::<Mutex<Vec<Value>>>::default();
    let sink = Arc::clone(&sent);
    let server = Server::builder().project("proj_1", "One").on_request(move |request| {
        sink.lock().unwrap().push(serde_json::to_value(request).unwrap());
    });
    let server = server.start().await.unwrap();
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    let client = client.direct_to_vm(true).project("proj_1").default_header("x-own", "gateway");
    let client = client.build().unwrap();
    let id = client.browsers().create().send().await.unwrap().session_id;
    client.browsers().fs().file_info(&id, "/a").send().await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0]["headers"]["x-own"], "gateway");
    assert_eq!(sent[0]["headers"]["x-kernel-project"], "proj_1");
    assert_eq!(sent[1]["query"], json!({ "path": "/a", "jwt": "[redacted]" }));
    let mut names: Vec<_> = sent[1]["headers"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let server = Server::start().await.unwrap();
    let url = server.url().to_owned();
    server.shutdown().await;
    url
}

#[tokio::test]
async fn a_machine_that_cannot_be_reached_is_left_at_once_and_for_good() {
    let server = Server::start().await.unwrap();
    let gone = json!({ "base_url": nobody().await });
    server.respond("browsers.create", Stub::merge(gone)).unwrap();
    let client = client(&server, true).with(onkernel::CallOptions::new().retries(0));
    let id = client.browsers().create().send().await.unwrap().session_id;
    server.clear_log();
    // Nothing was sent, so that also what must not be done twice goes on.
    client.browsers().playwright().execute(&id, "1").send().await.unwrap();
    client.browsers().fs().write_file(&id, "/a", Upload::bytes("b")).send().await.unwrap();
    drop(client.browsers().telemetry().stream(&id).events().await.unwrap());
    assert_eq!(ways(&server).iter().filter(|it| it.0 == "api").count(), 3);
    let listed = client.browsers().list().send().await.unwrap();
    assert_eq!(listed.items.len(), 2);
}

#[tokio::test]
async fn a_machine_that_does_not_let_in_or_is_not_there_is_left_where_that_is_safe() {
    for status in [401, 403, 404, 502, 503] {
        let (server, client, browser) = session().await;
        let id = &browser.session_id;
        server.faults().add(Fault::status(status).path("/vm/**"));
        // May be done twice.
        client.browsers().fs().file_info(id, "/a").send().await.unwrap();
        assert_eq!(ways(&server), [("machine", Some(status)), ("api", Some(200))]);
        server.clear_log();
        client.browsers().fs().file_info(id, "/a").send().await.unwrap();
        assert_eq!(ways(&server), [("api", Some(200))], "{status}: it is forgotten");

        // Must not be done twice, and may have been done by what is behind a gateway.
        client.browsers().get(id).send().await.unwrap();
        server.clear_log();
        let call = client.browsers().playwright().execute(id, "1");
        match call.send().await {
            Ok(_) => assert_eq!(ways(&server), [("machine", Some(status)), ("api", Some(200))]),
            Err(error) => {
                assert!(status > 500 && error.outcome_unknown(), "{error}");
                assert_eq!(ways(&server), [("machine", Some(status))]);
            }
        }
        assert_eq!(server.received("browsers.playwright.execute").len(), usize::from(status < 500));
    }
}

#[tokio::test]
async fn a_machine_that_only_lacks_a_file_stays_known() {
    let (server, client, browser) = session().await;
    let id = &browser.session_id;
    let missing = Stub::error(404, "not_found", "no such file");
    server.respond("browsers.fs.file_info", missing).unwrap();
    let error = client.browsers().fs().file_info(id, "/a").send().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(ways(&server), [("machine", Some(404)), ("api", Some(404))]);
    server.clear_log();
    client.browsers().playwright().execute(id, "1").send().await.unwrap();
    assert_eq!(ways(&server), [("machine", Some(200))]);
}

#[tokio::test]
async fn a_lost_response_is_retried_where_it_was_and_never_what_must_not_be_done_twice() {
    let (server, client, browser) = session().await;
    let id = &browser.session_id;
    let lost = || Fault::drop_connection().path("/vm/**").after().times(1);
    server.faults().add(lost());
    client.browsers().fs().file_info(id, "/a").send().await.unwrap();
    assert_eq!(ways(&server), [("machine", None), ("machine", Some(200))]);
    server.clear_log();
    server.faults().add(lost());
    let error = client.browsers().playwright().execute(id, "1").send().await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(ways(&server), [("machine", None)]);
}

#[tokio::test]
async fn what_a_machine_points_to_is_not_followed() {
    let (server, client, browser) = session().await;
    let elsewhere = Fault::redirect("https://evil.example/x?jwt=1").path("/vm/**");
    server.faults().add(elsewhere);
    let call = client.browsers().fs().file_info(&browser.session_id, "/a");
    let error = call.send().await.unwrap_err();
    assert!(error.to_string().contains("points to https://evil.example/x ["), "{error}");
}
