//! The machine of a session, as the server plays it.

use serde_json::{Value, json};

use crate::http::http;
use crate::support::{Api, assert_error, server};

/// A session's address and its token.
async fn session(api: &Api) -> (String, String) {
    let browser = api.post("/browsers", json!({})).await;
    let cdp = browser.text_of("cdp_ws_url");
    assert!(browser.text_of("webdriver_ws_url").contains("?jwt="));
    (browser.text_of("base_url"), cdp.split_once("?jwt=").unwrap().1.to_owned())
}

async fn send(request: reqwest::RequestBuilder) -> crate::support::Response {
    Api::finish(request).await.unwrap()
}

#[tokio::test]
async fn it_takes_the_token_of_its_session_and_nothing_else() {
    let (server, api) = server().await;
    let (base, token) = session(&api).await;
    assert!(base.starts_with(&format!("{}/vm/", server.url())), "{base}");
    let url = format!("{base}/playwright/execute");
    let call = |query: &str| {
        let request = http().post(format!("{url}{query}"));
        request.header("content-type", "application/json").body(r#"{"code":"return 1"}"#)
    };

    let done = send(call(&format!("?jwt={token}"))).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let received = server.received("browsers.playwright.execute");
    assert!(base.ends_with(received[0].parameters["id_or_name"].as_str().unwrap()));

    assert_error(&send(call("")).await, 401, "unauthorized", "");
    let other = send(call("?jwt=machine-token-of-other")).await;
    assert_error(&other, 401, "unauthorized", "");
    let both = call(&format!("?jwt={token}")).bearer_auth(server.bootstrap_key());
    assert_error(&send(both).await, 400, "bad_request", "an API key must not be sent to it");
}

#[tokio::test]
async fn what_it_does_not_do_itself_is_not_found() {
    let (_server, api) = server().await;
    let (base, token) = session(&api).await;
    for path in ["", "/telemetry/events", "/replays", "/computerx", "/nowhere"] {
        let request = http().get(format!("{base}{path}?jwt={token}"));
        assert_error(&send(request).await, 404, "not_found", "");
    }
    let request = http().get(format!("{base}/playwright/execute?jwt={token}"));
    assert_error(&send(request).await, 405, "method_not_allowed", "POST");
    let sessions = api.get("/browsers").await.json();
    let addresses: Vec<&Value> =
        sessions.as_array().unwrap().iter().map(|it| &it["base_url"]).collect();
    assert!(addresses.len() == 2 && addresses[0] != addresses[1], "{addresses:?}");
}
