//! Prism as a second judge of requests, that neither we nor the document's author wrote.

use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

/// What Prism says against a request. What it says against its own responses is not about us.
pub(crate) async fn judge(
    http: &reqwest::Client,
    prism: &str,
    request: &Request<Bytes>,
) -> Vec<Value> {
    let mut headers = request.headers().clone();
    headers.remove("host");
    let url = format!("{prism}{}", request.uri());
    let call = http.request(request.method().clone(), url).headers(headers);
    let response = call.body(request.body().clone()).send().await.unwrap();
    let status = response.status().as_u16();
    let noted = response.headers().get("sl-violations").map(|it| it.as_bytes());
    let noted = String::from_utf8_lossy(noted.unwrap_or_default()).into_owned();
    let noted: Value = match serde_json::from_str(&noted) {
        Ok(noted) => noted,
        // "Too many violations!", and the first of them.
        Err(_) if noted.contains(r#"["request""#) => {
            json!([{ "severity": "Error", "message": noted }])
        }
        Err(_) => Value::Null,
    };
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    let all = [&noted, &body["validation"]].map(|it| it.as_array().cloned().unwrap_or_default());
    let mut found: Vec<Value> = all
        .concat()
        .into_iter()
        .filter(|it| it["severity"] == "Error" && it["location"][0] != "response")
        .collect();
    // Rejected without a list: no such path, no such method, no key, no such type.
    let rejected = body["type"].as_str().is_some_and(|it| it.contains("prism/errors"));
    if found.is_empty() && rejected && (400..500).contains(&status) {
        found.push(body);
    }
    found
}

/// Why a violation is not one: what Prism is known not to understand.
pub(crate) fn excuse(request: &Request<Bytes>, violation: &Value) -> Option<&'static str> {
    let content_type = request.headers().get("content-type").map(|it| it.to_str().unwrap());
    let is_form = content_type.is_some_and(|it| it.starts_with("multipart/"));
    match violation["code"].as_str()? {
        "oneOf" => Some("it reads `oneOf` without the discriminator"),
        "required" if is_form => Some("it does not read lists of objects in forms"),
        _ => None,
    }
}
