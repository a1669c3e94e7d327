//! Every operation but those on keys: requests are held against the document, and responses made from it
//! unless a test wants others.

use futures_util::StreamExt;
use onkernel::testing::{Server, Stub};
use onkernel::{Client, Event};
use serde_json::{Value, json};

use crate::support::{Api, assert_error, server};

fn client(server: &Server) -> Client {
    let client = Client::builder().api_key(server.bootstrap_key()).base_url(server.url());
    client.retries(2).build().unwrap()
}

#[tokio::test]
async fn what_was_sent_comes_back() {
    let (_server, api) = server().await;
    let sent =
        json!({ "name": "mine", "headless": true, "timeout_seconds": 90, "tags": { "a": "b" } });
    let made = api.post("/browsers", sent.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(&made.json()[field], value, "{field}");
    }
    assert_eq!(made.json()["created_at"], "2026-11-01T12:00:00Z");
    let other = api.post("/browsers", sent).await;
    assert_ne!(made.text_of("session_id"), other.text_of("session_id"));

    let id = made.text_of("session_id");
    let shown = api.get(&format!("/browsers/{id}")).await;
    assert_eq!(shown.text_of("session_id"), id);
    assert_eq!(shown.text, api.get(&format!("/browsers/{id}")).await.text, "the same each time");
    assert_eq!(shown.json().get("deleted_at"), None, "it is there");
    let profile = api.get("/profiles/p%2F1%20").await;
    assert_eq!(profile.text_of("id"), "p/1 ");
}

#[tokio::test]
async fn a_listing_has_pages_and_an_end() {
    let (server, _) = server().await;
    let all: Vec<_> = client(&server).browsers().list().items().collect().await;
    let ids: Vec<String> = all.into_iter().map(|it| it.unwrap().session_id).collect();
    assert_eq!(ids, ["session_1", "session_2", "session_3"]);
    let api = Api::new(&server);
    let first = api.get("/browsers?limit=1").await;
    assert_eq!(first.json().as_array().unwrap().len(), 1);
    assert_eq!((first.header("x-has-more"), first.header("x-next-offset")), ("true", "1"));
    let last = api.get("/browsers?offset=2").await;
    assert_eq!((last.header("x-has-more"), last.header("x-next-offset")), ("false", ""));
    assert_eq!(last.header("x-offset"), "2");
}

#[tokio::test]
async fn bytes_are_of_the_kind_that_they_are_called() {
    let (_server, api) = server().await;
    let request = api.request("POST", "/browsers/b/computer/screenshot");
    let request = request.header("content-type", "application/json").body("{}");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "image/png");
    let picture = response.bytes().await.unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n") && picture.ends_with(b"IEND\xaeB`\x82"));
    let request = api.request("GET", "/browsers/b/fs/download_dir_zip?path=%2Ftmp");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/zip");
    assert!(response.bytes().await.unwrap().starts_with(b"PK\x05\x06"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let (_server, api) = server().await;
    for path in ["/browser", "/browsers/", "/browsers//fs/watch", "/browsers/b/fs", "/browsers/%FF"]
    {
        assert_error(&api.get(path).await, 404, "not_found", "nothing at this path");
    }
    let response = api.send("PUT", "/browsers", Value::Null).await;
    assert_error(&response, 405, "method_not_allowed", "this path takes GET, POST");
    assert_eq!(response.header("allow"), "GET, POST");
    let nobody = api.with_key("").get("/browsers").await;
    assert_error(&nobody, 401, "unauthorized", "missing");
    let stranger = api.in_project("proj_x").get("/browsers").await;
    assert_error(&stranger, 404, "not_found", "no such project");
    let form = api.request("POST", "/browsers").header("content-type", "text/plain").body("{}");
    let form = Api::finish(form).await.unwrap();
    assert_error(&form, 415, "unsupported_media_type", "application/json");
    for (body, says) in [
        (json!([]), "the body must be an object"),
        (json!({ "headless": 1 }), "headless must be true or false"),
        (json!({ "timeout_seconds": 1.5 }), "timeout_seconds must be a whole number"),
        (json!({ "timeout_seconds": 1_000_000 }), "timeout_seconds must be at least"),
        (json!({ "viewport": { "width": 1 } }), "viewport.height is missing"),
        (json!({ "extensions": [{}] }), "extensions[0]: exactly one of id, name must be there"),
        (json!({ "headless": 1, "stealth": 1 }), "headless must be true or false; stealth must be"),
    ] {
        assert_error(&api.post("/browsers", body).await, 400, "bad_request", says);
    }
    for (path, says) in [
        ("/browsers?limit=0", "limit must be at least 1"),
        ("/browsers?limit=x", "limit must be a whole number"),
        ("/browsers?limit=1&limit=2", "limit is given more than once"),
        ("/browsers/b/fs/read_file", "path is missing"),
        ("/browsers/b/fs/read_file?path=tmp", "path must match the pattern ^/.*"),
    ] {
        assert_error(&api.get(path).await, 400, "bad_request", says);
    }
    let unknown = api.get("/browsers?colour=red").await;
    assert_eq!(unknown.status, 200, "what is unknown is ignored");
}

#[tokio::test]
async fn stubs_are_given_in_their_order_and_the_last_one_stays() {
    let (server, api) = server().await;
    let running = Stub::merge(json!({ "status": "running" }));
    server.respond("deployments.get", Stub::merge(json!({ "status": "queued" }))).unwrap();
    server.respond("deployments.get", running.header("X-Seen", "1")).unwrap();
    for status in ["queued", "running", "running"] {
        let deployment = api.get("/deployments/d_1").await;
        assert_eq!((&*deployment.text_of("status"), &*deployment.text_of("id")), (status, "d_1"));
        assert_eq!(deployment.header("x-seen"), if status == "queued" { "" } else { "1" });
    }
    let error = Stub::error(402, "payment_required", "the trial is over");
    server.respond("deployments.get", error).unwrap();
    let rejected = api.get("/deployments/d_1").await;
    assert_error(&rejected, 402, "payment_required", "the trial is over");
    assert_error(&api.with_key("").get("/deployments/d_1").await, 401, "unauthorized", "missing");

    server.respond("browsers.fs.read_file", Stub::bytes("text/html", *b"<p>")).unwrap();
    let page = api.get("/browsers/b/fs/read_file?path=%2Fa").await;
    assert_eq!((page.header("content-type"), &*page.text), ("text/html", "<p>"));
    server.respond("browsers.delete", Stub::json(json!({ "odd": true })).status(700)).unwrap();
    let odd = api.send("DELETE", "/browsers/b", Value::Null).await;
    assert_eq!((odd.status, odd.json()), (500, json!({ "odd": true })));

    let unknown = server.respond("browser.create", Stub::json(json!({}))).unwrap_err();
    assert!(unknown.to_string().contains("`browser.create`"), "{unknown}");
    let on_keys = server.respond("api_keys.list", Stub::json(json!([]))).unwrap_err();
    assert!(on_keys.to_string().contains("use a fault"), "{on_keys}");
}

#[tokio::test]
async fn a_stream_that_is_cut_is_taken_up_by_the_client() {
    let (server, _) = server().await;
    let events = (1..=5).map(|n| {
        json!({ "event": "log", "message": format!("line {n}"), "timestamp": "2026-11-01T12:00:00Z" })
    });
    server.respond("browsers.telemetry.stream", Stub::events(events).cut_after(2)).unwrap();
    let path = "/browsers/b/telemetry/stream";
    let request = client(&server).request(onkernel::Method::GET, path);
    let mut ids = Vec::new();
    let mut stream = request.events::<Value>().await.unwrap();
    while let Some(event) = stream.next().await {
        if let Event::Message { id, .. } = event.unwrap() {
            ids.extend(id);
        }
    }
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert_eq!(server.received("browsers.telemetry.stream").len(), 3, "two were cut off");
}

#[tokio::test]
async fn what_was_received_can_be_looked_at() {
    let (server, api) = server().await;
    api.post("/browsers/b%2F1/playwright/execute", json!({ "code": "return 1" })).await;
    api.post("/browsers/b%2F1/playwright/execute", json!({ "cod": "return 1" })).await;
    let received = server.received("browsers.playwright.execute");
    assert_eq!(received.len(), 1, "what is wrong is only in the log");
    assert_eq!(received[0].parameters["id_or_name"], "b/1");
    assert_eq!(received[0].body, json!({ "code": "return 1" }));
    assert!(!format!("{received:?}").contains("return 1"));
    assert_eq!(server.log().len(), 2);
    server.clear_log();
    assert_eq!(server.received("browsers.playwright.execute").len(), 0);
}
