//! A date that RFC 3339 cannot write is rejected with the reason before anything is sent.

use chrono::{DateTime, Utc};
use onkernel::Method;

use crate::scripted::{Server, json};

#[tokio::test]
async fn a_year_of_five_digits_is_never_sent() {
    let server = Server::start([json("200 OK", "{}")]).await;
    let client = server.client();
    let far = DateTime::<Utc>::MAX_UTC;
    let body = serde_json::json!({ "name": "ci", "expires_at": far });
    for error in [
        client.request(Method::POST, "/org/api_keys").json(&body).send().await.unwrap_err(),
        client.api_keys().create("ci").expires_at(far).send().await.unwrap_err(),
    ] {
        assert!(error.is_invalid_request(), "{error}");
        let text = error.to_string();
        assert!(text.contains("expires_at must be a date of the years 0000 to 9999"), "{text}");
    }
    assert_eq!(server.count(), 0);
}
