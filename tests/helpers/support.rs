//! What the service says of deployments, runs and sessions.

use std::time::Duration;

use onkernel::Client;
use serde_json::{Value, json};

use crate::scripted::{Act, Server, json as response, raw};

/// A client that retries nothing by itself.
pub(crate) fn client(server: &Server) -> Client {
    server.builder().retries(0).build().unwrap()
}

pub(crate) fn ok(body: &Value) -> Act {
    response("200 OK", &body.to_string())
}

pub(crate) fn unavailable() -> Act {
    response("503 Service Unavailable", r#"{"code":"unavailable","message":"not now"}"#)
}

pub(crate) fn not_found() -> Act {
    response("404 Not Found", r#"{"code":"not_found","message":"no such thing"}"#)
}

/// A stream that the server ends.
pub(crate) fn ends(events: &[Value]) -> Act {
    Act::Send(raw(&format!("HTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n{}", text(events))))
}

/// A stream that breaks off.
pub(crate) fn breaks(events: &[Value]) -> Act {
    Act::Send(raw(&format!(
        "HTTP/1.1 200 OK\ncontent-type: text/event-stream\ncontent-length: 99999\n\n{}",
        text(events)
    )))
}

/// A stream that goes on, silent.
pub(crate) fn hangs(events: &[Value]) -> Act {
    Act::SendAndHang(raw(&format!(
        "HTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n{}",
        text(events)
    )))
}

fn text(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

pub(crate) fn at(second: u32) -> String {
    format!("2026-11-01T00:00:{second:02}Z")
}

pub(crate) fn log(second: u32, message: &str) -> Value {
    json!({ "event": "log", "timestamp": at(second), "message": message })
}

/// The first lines of the requests.
pub(crate) fn lines(server: &Server) -> Vec<String> {
    let line = |request: &String| {
        request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()
    };
    server.requests().iter().map(line).collect()
}

/// Waits for what other tasks bring about.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let soon = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), soon).await.unwrap();
}
