//! What goes on by itself: it comes to an end, and its events begin where the caller wants.

use onkernel::prelude::*;
use onkernel::testing::{Server, Stub};
use onkernel::types::{DeploymentEvent, DeploymentStatus, InvocationStatus};
use onkernel::{Client, Event};
use serde_json::{Value, json};

use crate::support::server;

fn client(server: &Server) -> Client {
    Client::builder().api_key(server.bootstrap_key()).base_url(server.url()).build().unwrap()
}

fn log(minute: u32) -> Value {
    json!({ "event": "log", "message": minute.to_string(),
        "timestamp": format!("2026-11-01T12:{minute:02}:00Z") })
}

/// The messages of a deployment's log from a time on.
async fn messages(server: &Server, since: Option<&str>) -> Vec<String> {
    let call = client(server).deployments().follow("d_1").set_since(since);
    let mut events = call.events().await.unwrap();
    let mut messages = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Message { data: DeploymentEvent::Log(line), .. } = event.unwrap() {
            messages.push(line.message);
        }
    }
    messages
}

#[tokio::test]
async fn a_deployment_and_a_run_end_well_and_what_was_just_made_has_not_begun() {
    let (server, api) = server().await;
    let run = api
        .post(
            "/invocations",
            json!({ "app_name": "a", "version": "1", "action_name": "b", "async": true }),
        )
        .await;
    assert_eq!(run.text_of("status"), "queued");
    let client = client(&server);
    let mut events = client.deployments().follow_to_end("d_1");
    let mut last = None;
    while let Some(event) = events.next().await {
        if let DeploymentEvent::DeploymentState(state) = event.unwrap() {
            last = Some(state.deployment.status);
        }
    }
    assert_eq!(last, Some(DeploymentStatus::Running));
    let call = client.invocations().create("a", "1", "b");
    let limit = std::time::Duration::from_secs(60);
    let run = client.invocations().invoke_and_wait(call, limit).await.unwrap();
    assert_eq!(run.status, InvocationStatus::Succeeded);
}

#[tokio::test]
async fn a_stream_begins_where_since_says_on_the_first_connection() {
    let (server, _) = server().await;
    server.respond("deployments.follow", Stub::events((50..=55).map(log))).unwrap();
    // The server's clock stands at noon.
    server.advance(onkernel::chrono::TimeDelta::minutes(56));
    assert_eq!(messages(&server, None).await.len(), 6);
    assert_eq!(messages(&server, Some("2026-11-01T12:54:00Z")).await, ["54", "55"]);
    assert_eq!(messages(&server, Some("3m")).await, ["53", "54", "55"]);
    assert_eq!(messages(&server, Some("1h")).await.len(), 6);
    let received = server.received("deployments.follow");
    assert_eq!(received[2].parameters["since"], "3m");
}

#[tokio::test]
async fn a_telemetry_stream_begins_behind_an_event_or_with_the_oldest() {
    let (server, _) = server().await;
    let event = |seq: u64| json!({ "seq": seq });
    server.respond("browsers.telemetry.stream", Stub::events((1..=3).map(event))).unwrap();
    let stream = client(&server).browsers().telemetry().stream("b_1");
    let mut events = stream.last_event_id("2").replay("all").events().await.unwrap();
    let mut count = 0;
    while events.next().await.is_some() {
        count += 1;
    }
    assert_eq!(count, 1);
    let parameters = &server.received("browsers.telemetry.stream")[0].parameters;
    assert_eq!((&parameters["Last-Event-ID"], &parameters["replay"]), (&json!("2"), &json!("all")));
}

/// The helper resumes by the time of the last event.
#[tokio::test]
async fn a_deployment_whose_stream_is_cut_is_followed_from_there() {
    let (server, _) = server().await;
    let all = (50..=53).map(log);
    server.respond("deployments.follow", Stub::events(all).cut_after(2)).unwrap();
    let queued = Stub::merge(json!({ "status": "queued" }));
    server.respond("deployments.get", queued.clone()).unwrap();
    server.respond("deployments.get", queued).unwrap();
    server.respond("deployments.get", Stub::merge(json!({}))).unwrap();
    let quick = std::time::Duration::from_millis(1);
    let client = client(&server).with(onkernel::CallOptions::new().backoff(quick, quick));
    let mut events = client.deployments().follow_to_end("d_1");
    let mut messages = Vec::new();
    while let Some(event) = events.next().await {
        if let DeploymentEvent::Log(line) = event.unwrap() {
            messages.push(line.message);
        }
    }
    assert_eq!(messages, ["50", "51", "52", "53"]);
}
