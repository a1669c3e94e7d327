//! An action is run once and waited for, and what is known of the run is never lost.

use std::time::Duration;

use onkernel::prelude::*;
use onkernel::types::{Invocation, InvocationEvent};
use onkernel::{Client, InvokeError};
use serde_json::{Value, json};

use crate::scripted::{Act, Server, json as response};
use crate::support::{at, breaks, client, ends, hangs, lines, log, not_found, ok, unavailable};

const EVENTS: &str = "GET /invocations/i_1/events";
const STATE: &str = "GET /invocations/i_1";

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

fn run(status: &str) -> Value {
    json!({ "id": "i_1", "app_name": "app", "version": "latest", "action_name": "act",
        "started_at": at(0), "status": status, "payload": "\"hush\"", "output": "{\"n\":1}",
        "status_reason": if status == "failed" { json!("it threw sk_live_0123456789abcdef") } else { Value::Null } })
}

fn state(second: u32, status: &str) -> Value {
    let invocation = run(status);
    json!({ "event": "invocation_state", "timestamp": at(second), "invocation": invocation })
}

fn started() -> Act {
    response("202 Accepted", r#"{"id":"i_1","action_name":"act","status":"queued"}"#)
}

async fn server(acts: impl IntoIterator<Item = Act>) -> Server {
    Server::start([started()].into_iter().chain(acts)).await
}

async fn invoke(client: &Client, limit: Duration) -> Result<Invocation, InvokeError> {
    let call = client.invocations().create("app", "latest", "act").payload("{}");
    client.invocations().invoke_and_wait(call, limit).await
}

#[tokio::test]
async fn the_result_is_the_runs_output() {
    let server = server([hangs(&[log(1, "a"), state(2, "running"), state(3, "succeeded")])]).await;
    let done = invoke(&client(&server), LONG).await.unwrap();
    assert_eq!(done.output.as_deref(), Some("{\"n\":1}"));
    assert_eq!(lines(&server), ["POST /invocations", EVENTS]);
    assert!(server.requests()[0].contains(r#""async":true"#));
}

#[tokio::test]
async fn a_failure_is_an_error_with_the_run_and_shows_no_secret() {
    let server = server([ends(&[]), ok(&run("failed"))]).await;
    let error = invoke(&client(&server), LONG).await.unwrap_err();
    assert_eq!(error.id(), Some("i_1"));
    let text = format!("{error} {error:?}");
    assert!(text.starts_with("the run i_1 of `act` failed: it threw"), "{text}");
    assert!(!text.contains("0123456789") && !text.contains("hush"), "{text}");
    assert!(matches!(error, InvokeError::Failed(run) if run.output.is_some()));
}

#[tokio::test]
async fn a_run_is_waited_for_through_everything_that_may_pass() {
    let acts = [
        breaks(&[log(1, "a")]),
        Act::Drop,
        unavailable(),
        unavailable(),
        unavailable(),
        Act::Drop,
        response("429 Too Many Requests", "{}"),
        ok(&run("running")),
        response("404 Not Found", "{}"),
        unavailable(),
        response("200 OK", "<html>a proxy's page</html>"),
        ok(&run("running")),
        hangs(&[state(4, "succeeded")]),
    ];
    let server = server(acts).await;
    assert_eq!(invoke(&client(&server), LONG).await.unwrap().id, "i_1");
    let posts = lines(&server).iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "it is run once");
}

#[tokio::test]
async fn a_run_that_takes_too_long_goes_on_and_says_which_it_is() {
    let server = server([hangs(&[state(1, "running")])]).await;
    let limit = Duration::from_millis(50);
    let error = invoke(&client(&server), limit).await.unwrap_err();
    assert!(matches!(&error, InvokeError::TimedOut { id, .. } if id == "i_1"));
    assert!(error.to_string().contains("the run i_1 has not ended within 50ms"), "{error}");
    assert!(!lines(&server).iter().any(|line| line.starts_with("PATCH")));
}

#[tokio::test]
async fn what_was_not_started_and_what_is_lost_are_told_apart() {
    let busy = Server::start([response("429 Too Many Requests", "{}")]).await;
    let error = invoke(&client(&busy), LONG).await.unwrap_err();
    assert!(matches!(&error, InvokeError::NotStarted(error) if error.is_rate_limited()));
    assert_eq!(error.id(), None);

    let server = server([unavailable(), not_found()]).await;
    let error = invoke(&client(&server), LONG).await.unwrap_err();
    assert!(
        matches!(&error, InvokeError::Lost { id, error } if id == "i_1" && error.is_not_found())
    );
    assert_eq!(lines(&server).last().unwrap(), STATE);
}

#[tokio::test]
async fn a_run_can_be_followed() {
    let server = Server::start([ends(&[log(1, "a")]), ok(&run("succeeded"))]).await;
    let mut events = client(&server).invocations().follow_to_end("i_1");
    assert!(matches!(events.next().await, Some(Ok(InvocationEvent::Log(_)))));
    assert!(matches!(events.next().await, Some(Ok(InvocationEvent::InvocationState(_)))));
    assert!(events.next().await.is_none() && events.next().await.is_none());
}
