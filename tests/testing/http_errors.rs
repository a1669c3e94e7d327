//! Paths, methods and bodies that make no request.

use serde_json::{Value, json};

use crate::support::{Api, assert_error, server};

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let (_server, api) = server().await;
    for path in
        ["/", "/org", "/org/api_keys/", "/org/api_keys//rotate", "/org/api_keys/k/x", "/%FF"]
    {
        assert_error(&api.get(path).await, 404, "not_found", "nothing at this path");
    }
    for (method, path, allow) in [
        ("PUT", "/org/api_keys", "GET, POST"),
        ("DELETE", "/org/api_keys", "GET, POST"),
        ("POST", "/org/api_keys/k", "GET, PATCH, DELETE"),
        ("GET", "/org/api_keys/k/rotate", "POST"),
        ("OPTIONS", "/org/api_keys", "GET, POST"),
    ] {
        let response = api.send(method, path, Value::Null).await;
        assert_error(&response, 405, "method_not_allowed", "this path takes");
        assert_eq!(response.header("allow"), allow);
    }
    let id = "a%2Fb%20c";
    assert_error(
        &api.get(&format!("/org/api_keys/{id}")).await,
        404,
        "not_found",
        "no such API key",
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_rejected() {
    let (server, api) = server().await;
    let send = |content_type: &'static str, body: String| {
        let request = api.request("POST", "/org/api_keys").header("content-type", content_type);
        Api::finish(request.body(body))
    };
    let good = json!({ "name": "k" }).to_string();
    let broken = send("application/json", "{\"name\":\n sk_oops}".into()).await.unwrap();
    assert_error(&broken, 400, "bad_request", "not JSON (line 2, column 2)");
    assert!(!broken.text.contains("sk_"), "{}", broken.text);
    let text = send("text/plain", good.clone()).await.unwrap();
    assert_error(&text, 400, "bad_request", "application/json");
    let nothing = Api::finish(api.request("POST", "/org/api_keys")).await.unwrap();
    assert_error(&nothing, 400, "bad_request", "application/json");
    let huge = send("application/json", " ".repeat(16 * 1024 * 1024 + 1)).await.unwrap();
    assert_error(&huge, 413, "payload_too_large", "16 MiB");
    assert_eq!(server.keys().len(), 1);
    let padded = format!("{good}{}", " ".repeat(16 * 1024 * 1024 - good.len()));
    assert_eq!(send("application/json; charset=utf-8", padded).await.unwrap().status, 201);
}

#[tokio::test]
async fn request_ids_count_up() {
    let (_server, api) = server().await;
    assert_eq!(api.list("").await.header("x-request-id"), "req_000001");
    assert_eq!(api.get("/nowhere").await.header("x-request-id"), "req_000002");
}
