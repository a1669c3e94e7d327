//! A deployment is followed to its end whatever the network does, and nothing is missed or said twice.

use futures_util::StreamExt;
use onkernel::prelude::*;
use onkernel::types::{DeploymentEvent, DeploymentStatus};
use onkernel::{Client, Error, ErrorKind};
use serde_json::{Value, json};

use crate::scripted::{Act, Server};
use crate::support::{at, breaks, client, ends, hangs, lines, log, not_found, ok, unavailable};

const EVENTS: &str = "GET /deployments/d_1/events";
const STATE: &str = "GET /deployments/d_1";

fn deployment(status: &str) -> Value {
    json!({ "id": "d_1", "status": status, "region": "aws.us-east-1a", "created_at": at(0) })
}

fn state(second: u32, status: &str) -> Value {
    let deployment = deployment(status);
    json!({ "event": "deployment_state", "timestamp": at(second), "deployment": deployment })
}

/// Follows to the end: lines of the log as they are, states by their names, errors as errors.
async fn follow(client: &Client) -> Vec<Result<String, Error>> {
    let word = |event| match event {
        DeploymentEvent::Log(line) => line.message,
        DeploymentEvent::DeploymentState(state) => state.deployment.status.to_string(),
        other => format!("{other:?}"),
    };
    let events = client.deployments().follow_to_end("d_1");
    events.map(|event| event.map(word)).collect().await
}

async fn words(server: &Server) -> Vec<String> {
    follow(&client(server)).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_state_in_which_it_has_ended_is_the_last_event() {
    for end in ["running", "failed", "stopped"] {
        let events = [log(1, "a"), state(2, "in_progress"), log(3, "b"), state(4, end)];
        let server = Server::start([hangs(&events)]).await;
        assert_eq!(words(&server).await, ["a", "in_progress", "b", end]);
        assert_eq!(lines(&server), [EVENTS]);
    }
}

#[tokio::test]
async fn a_stream_that_ends_too_early_does_not_hide_the_end() {
    let server = Server::start([ends(&[log(1, "a")]), ok(&deployment("failed"))]).await;
    assert_eq!(words(&server).await, ["a", "failed"]);
    assert_eq!(lines(&server), [EVENTS, STATE]);
    // A state of the future that the server has no more to say about.
    let server = Server::start([ends(&[]), ok(&deployment("archived"))]).await;
    assert_eq!(words(&server).await, ["archived"]);
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_from_its_last_event() {
    let server = Server::start([
        breaks(&[state(1, "queued"), log(2, "a"), log(3, "b")]),
        ok(&deployment("in_progress")),
        // From its time on: what came then comes again, and what did not, too.
        breaks(&[log(3, "b"), log(3, "c")]),
        ok(&deployment("in_progress")),
        ends(&[log(3, "b"), log(3, "c"), log(4, "d"), state(5, "running")]),
    ])
    .await;
    assert_eq!(words(&server).await, ["queued", "a", "b", "in_progress", "c", "d", "running"]);
    let again = format!("{EVENTS}?since=2026-11-01T00%3A00%3A03Z");
    assert_eq!(lines(&server), [EVENTS, STATE, &again, STATE, &again]);
}

#[tokio::test]
async fn what_was_said_before_the_end_is_fetched_although_the_end_is_known() {
    let cut = || [breaks(&[log(1, "a")]), ok(&deployment("running"))];
    let rest = ends(&[log(1, "a"), state(2, "in_progress"), log(3, "b"), state(4, "running")]);
    let server = Server::start(cut().into_iter().chain([rest])).await;
    assert_eq!(words(&server).await, ["a", "in_progress", "b", "running"]);
    // Where that cannot be had, the end is not lost with it.
    for rest in [unavailable(), Act::Drop, breaks(&[state(2, "in_progress"), log(3, "b")])] {
        let server = Server::start(cut().into_iter().chain([rest])).await;
        let words = words(&server).await;
        assert_eq!(words.iter().filter(|word| *word == "running").count(), 1, "{words:?}");
        assert_eq!(words.last().unwrap(), "running");
    }
}

#[tokio::test]
async fn where_there_are_no_events_the_state_is_asked_for() {
    let server = Server::start([
        unavailable(),
        ok(&deployment("queued")),
        Act::Drop,
        ok(&deployment("queued")),
        unavailable(),
        ok(&deployment("in_progress")),
        unavailable(),
        ok(&deployment("stopped")),
        unavailable(),
    ])
    .await;
    assert_eq!(words(&server).await, ["queued", "in_progress", "stopped"]);
    assert_eq!(lines(&server).iter().filter(|line| *line == STATE).count(), 4);
}

#[tokio::test]
async fn a_deployment_that_is_not_there_is_one_error() {
    let server = Server::start([not_found()]).await;
    let all = follow(&server.client()).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].as_ref().unwrap_err().is_not_found());
    assert_eq!(lines(&server), [EVENTS, STATE]);
}

#[tokio::test]
async fn a_service_that_is_gone_is_waited_for_as_often_as_the_client_retries() {
    let server = Server::start([breaks(&[log(1, "a")]), Act::Drop]).await;
    let all = follow(&client(&server)).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1].as_ref().unwrap_err().kind(), ErrorKind::ConnectionLost);

    let server = Server::start([
        breaks(&[log(1, "a")]),
        // The state, and again.
        Act::Drop,
        Act::Drop,
        hangs(&[log(2, "b"), state(3, "running")]),
    ])
    .await;
    let all = follow(&server.builder().retries(1).build().unwrap()).await;
    let words: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(words, ["a", "b", "running"]);
}

#[tokio::test]
async fn an_event_that_is_not_as_documented_is_an_error_and_not_the_end() {
    let torn = json!({ "event": "log", "timestamp": at(1) });
    let server = Server::start([hangs(&[torn, log(2, "a"), state(3, "running")])]).await;
    let all = follow(&client(&server)).await;
    assert_eq!(all.len(), 3);
    assert!(all[0].as_ref().unwrap_err().is_decode());
    assert_eq!(all[2].as_deref().unwrap(), DeploymentStatus::Running.to_string());
}
