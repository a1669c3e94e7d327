//! Raw access: any method and path, with everything that the other calls have.

use httpmock::prelude::*;
use onkernel::{Client, Method};

const KEY: &str = "sk_live_0123456789";

fn client(server: &MockServer) -> Client {
    Client::builder().api_key(KEY).base_url(server.base_url()).build().unwrap()
}

#[tokio::test]
async fn sends_what_it_is_told_and_reads_what_it_gets() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/org/limits")
                .query_param("tag", "a")
                .query_param("deep", "true")
                .header("authorization", format!("Bearer {KEY}"))
                .header("x-own", "1")
                .header("content-type", "application/json")
                .json_body(serde_json::json!({"a": 1}));
            then.status(201).header("x-request-id", "req_1").json_body(serde_json::json!({"b": 2}));
        })
        .await;
    let answer = client(&server)
        .request(Method::POST, "/org/limits")
        .query("tag", "a")
        .query("deep", true)
        .header("x-own", "1")
        .json(&serde_json::json!({"a": 1}))
        .send()
        .await
        .unwrap();
    mock.assert_async().await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.request_id().as_deref(), Some("req_1"));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["b"], 2);
}
