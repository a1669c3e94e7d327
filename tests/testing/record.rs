//! What came in, for whoever writes it down: all of it, without keys and tokens.

use std::sync::{Arc, Mutex};

use onkernel::testing::{Fault, Server};
use serde_json::{Value, json};

use crate::http::http;
use crate::support::Api;

/// A server whose requests go to a list of JSON texts.
async fn recording() -> (Server, Api, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let sink = Arc::clone(&lines);
    let server = Server::builder().on_request(move |request| {
        assert!(!format!("{request:?}").contains("mine"), "{request:?}");
        sink.lock().unwrap().push(serde_json::to_string(request).unwrap());
    });
    let server = server.start().await.unwrap();
    let api = Api::new(&server);
    (server, api, lines)
}

#[tokio::test]
async fn a_request_is_written_down_as_it_came() {
    let (_server, api, lines) = recording().await;
    api.post("/browsers", json!({ "name": "mine" })).await;
    api.post("/browsers", json!({ "headless": 1 })).await;
    api.get("/browsers?limit=1&tag=a&tag=b").await;
    api.get("/nowhere").await;
    let form = [
        "--b\r\nContent-Disposition: form-data; name=\"entrypoint_rel_path\"\r\n\r\nmain.ts",
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"app.zip\"\r\n\
         Content-Type: application/zip\r\n\r\nbytes",
        "--b--\r\n",
    ];
    let sent = api.request("POST", "/deployments");
    let sent =
        sent.header("content-type", "multipart/form-data; boundary=b").body(form.join("\r\n"));
    assert_eq!(Api::finish(sent).await.unwrap().status, 201);
    let lines: Vec<Value> =
        lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["operation"], "browsers.create");
    assert_eq!((&lines[0]["method"], &lines[0]["path"]), (&json!("POST"), &json!("/browsers")));
    assert_eq!(lines[0]["body"], json!({ "name": "mine" }));
    assert_eq!((&lines[0]["size"], &lines[0]["status"]), (&json!(15), &json!(200)));
    assert_eq!(lines[0]["headers"]["content-type"], "application/json");
    assert_eq!(lines[1]["status"], 400, "what is rejected, too");
    assert_eq!(lines[2]["query"], json!({ "limit": "1", "tag": ["a", "b"] }));
    assert_eq!((&lines[2]["body"], &lines[3]["operation"]), (&Value::Null, &Value::Null));
    assert_eq!(
        lines[4]["body"],
        json!([
            { "name": "entrypoint_rel_path", "file_name": null, "media_type": null, "content": "main.ts" },
            { "name": "file", "file_name": "app.zip", "media_type": "application/zip", "content": "bytes" },
        ])
    );
}

#[tokio::test]
async fn no_key_and_no_token_is_written_down() {
    let (server, api, lines) = recording().await;
    let key = server.bootstrap_key();
    api.get("/org/api_keys").await;
    api.get(&format!("/org/api_keys/{key}?query={key}")).await;
    api.post("/org/api_keys", json!({ "name": format!("{key}."), "task_id": "task_12345678" }))
        .await;
    api.post("/browsers", json!({ "headless": key })).await;
    let browser = api.post("/browsers", json!({})).await;
    let cdp = browser.text_of("cdp_ws_url");
    let token = cdp.split_once("?jwt=").unwrap().1;
    let base = browser.text_of("base_url");
    let url = format!("{base}/computer/get_mouse_position?jwt={token}");
    assert_eq!(http().post(url).send().await.unwrap().status(), 200);
    server.faults().add(Fault::drop_connection());
    let lost = api.request("GET", "/browsers").header("x-note", key).header("cookie", "s=mine");
    lost.send().await.unwrap_err();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 7);
    let all = lines.join("\n");
    assert!(!all.contains(key) && !all.contains(token) && !all.contains("s=mine"), "{all}");
    assert!(all.contains("task_12345678") && all.contains("[redacted]") && all.contains("sk_..."));
    assert!(lines[6].ends_with("\"status\":null}"), "{}", lines[6]);
}
