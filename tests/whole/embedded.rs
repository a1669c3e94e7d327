//! The embedded server, of the same document: what the suite sends it accepts, what is broken on purpose
//! it rejects, and its responses are as the original document describes them.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Bytes;
use onkernel::testing::Server as Embedded;
use onkernel::{Client, testing};
use serde_json::Value;

use super::samples::{Optional, Samples};
use super::server::{Received, Server, receive};
use super::spec::{Operation, Spec};
use super::{breaks, call, call_all, methods, values};

/// Keys have state, and tests of their own.
fn is_on_keys(operation: &Operation) -> bool {
    operation.path.starts_with("/org/api_keys") || operation.path == "/auth/context"
}

async fn embedded() -> Embedded {
    // The key that the suite sends.
    testing::Server::builder().bootstrap_key(super::KEY).start().await.unwrap()
}

#[tokio::test]
async fn the_client_reads_what_the_embedded_server_responds_to_every_operation() {
    let (spec, server) = (Spec::read(), embedded().await);
    let client = Client::builder().api_key(super::KEY).base_url(server.url()).retries(0);
    let (client, names) = (client.build().unwrap(), methods());
    let (mut called, mut problems) = (0, Vec::new());
    for (index, operation) in spec.operations().iter().enumerate() {
        if is_on_keys(operation) {
            continue;
        }
        let id = names[&(operation.method.as_str(), operation.path.as_str())];
        let mut samples = Samples::new(&spec, index as u64 + 1);
        samples.optional = Optional::Always;
        let given = values(&spec, operation, &mut samples);
        match call(&client, id, &given).await {
            Ok(reply) if reply.status.as_u16() == operation.successes(&spec)[0].0 => called += 1,
            Ok(reply) => problems.push(format!("{id}: {}", reply.status)),
            Err(error) => problems.push(format!("{id}: {error}")),
        }
    }
    assert!(problems.is_empty(), "{called} went well\n{}", problems.join("\n"));
    let on_keys = spec.operations().iter().filter(|it| is_on_keys(it)).count();
    assert_eq!(called + on_keys, spec.operations().len());
    println!("{called} operations of the embedded server");
}

/// Sends a request as it was recorded; status, media type and body of the response.
async fn send(
    http: &reqwest::Client,
    server: &Embedded,
    request: &Request<Bytes>,
) -> (u16, String, Vec<u8>) {
    let mut headers = request.headers().clone();
    headers.remove("host");
    headers.remove("content-length");
    let url = format!("{}{}", server.url(), request.uri());
    let sent = http.request(request.method().clone(), url).headers(headers);
    let response = sent.body(request.body().clone()).send().await.unwrap();
    let media_type = response.headers().get("content-type").map(|it| it.to_str().unwrap());
    let (status, media_type) = (response.status().as_u16(), media_type.unwrap_or("").to_owned());
    (status, media_type, response.bytes().await.unwrap().to_vec())
}

/// The values that a response holds.
fn held(media_type: &str, body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(body);
    match media_type {
        "application/json" => vec![serde_json::from_str(&text).unwrap()],
        "text/event-stream" => {
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            data.map(|data| serde_json::from_str(data).unwrap()).collect()
        }
        _ => Vec::new(),
    }
}

/// What a rejection says of what the schemas do not: the prose of fields together, and formats.
const STRICTER: [&str; 4] =
    [" needs ", "exclude each other", "must be an RFC 3339", "must be a date"];

/// Whether a request is one that the document allows, beside what a server may ignore. It may be another
/// one than it was before it was broken.
fn accepts(received: &Received) -> bool {
    let ignored = ["the document has no query parameter", "a body that the document does not have"];
    let ignored = |it: &&String| {
        ignored.iter().any(|start| it.starts_with(start)) || it.contains(" is accepted, and ")
    };
    received.violations.iter().all(|it| ignored(&it))
}

#[tokio::test]
async fn the_embedded_server_keeps_to_the_original_document() {
    let spec = Arc::new(Spec::read());
    let recorder = Server::start(Arc::clone(&spec)).await;
    let (_, problems) = call_all(&spec, &recorder, &methods()).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let requests: Vec<_> = recorder.received.lock().unwrap().clone();
    let (server, http) = (embedded().await, super::http::http());
    let (mut good, mut broken, mut problems) = (0, 0, Vec::new());
    for sent in &requests {
        let (method, path) = (sent.request.method().as_str(), sent.request.uri().path());
        let (operation, _) = spec.find(method, path).unwrap();
        if is_on_keys(&operation) {
            continue;
        }
        let (status, media_type, body) = send(&http, &server, &sent.request).await;
        let (expected, media) = operation.successes(&spec)[0];
        if status != expected {
            let text = String::from_utf8_lossy(&body);
            problems.push(format!("{}: {status}: {text}", sent.operation));
            continue;
        }
        let values = held(&media_type, &body);
        if let Some((wanted, schema)) = media {
            if wanted != media_type || body.is_empty() {
                problems.push(format!("{}: {media_type} for {wanted}", sent.operation));
            }
            let wrong = values.iter().filter_map(|value| spec.check(schema, value).err());
            problems.extend(wrong.map(|it| format!("{}: {it}", sent.operation)));
        }
        good += 1;
        let body = operation.body(&spec).map(|(_, media)| spec.resolve(&media["schema"]));
        let is_of_responses = |what: &str| {
            let name = what.strip_prefix("a body without `").and_then(|it| it.strip_suffix('`'));
            name.zip(body).is_some_and(|(name, schema)| {
                spec.resolve(&schema["properties"][name])["readOnly"] == true
            })
        };
        for (what, request) in breaks::all(&spec, &sent.request) {
            if is_of_responses(&what) {
                continue;
            }
            let is_good = accepts(&receive(&spec, &request));
            let (status, _, body) = send(&http, &server, &request).await;
            let text = String::from_utf8_lossy(&body);
            let error: Value = serde_json::from_slice(&body).unwrap_or_default();
            let is_error = error["code"].is_string() && error["message"].is_string();
            let is_rejected = is_error && (400..500).contains(&status);
            let stricter = STRICTER.iter().any(|it| text.contains(it));
            let as_expected = if is_good { status < 300 || stricter } else { is_rejected };
            if !as_expected {
                problems.push(format!("{} {what}: {status}: {text:.300}", sent.operation));
            }
            broken += usize::from(!is_good);
        }
    }
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{good} good\n{}", problems.join("\n"));
    println!("{good} requests of the suite accepted, {broken} broken ones rejected");
}
