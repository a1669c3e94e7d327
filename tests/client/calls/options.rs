//! What a call may set for itself: its project, and whether it may be sent twice.

use onkernel::{CallOptions, Client, Method};

use crate::scripted::{Server, response};

/// The headers of the last request that name a project.
async fn scope(server: &Server, client: &Client) -> Vec<String> {
    client.request(Method::GET, "/x").send().await.unwrap();
    let request = server.requests().pop().unwrap();
    let lines = request.lines().filter(|line| line.starts_with("x-kernel-project"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn one_project_at_most_is_named_by_the_nearest_setting() {
    let server = Server::start([response("204 No Content", "", "")]).await;
    let plain = server.client();
    assert!(scope(&server, &plain).await.is_empty());
    let by_name = server.builder().project("Staging 2").build().unwrap();
    assert_eq!(scope(&server, &by_name).await, ["x-kernel-project: Staging 2"]);
    let by_id = server.builder().project_id("proj_1").build().unwrap();
    assert_eq!(scope(&server, &by_id).await, ["x-kernel-project-id: proj_1"]);
    let other = by_id.with(CallOptions::new().project("proj_2"));
    assert_eq!(scope(&server, &other).await, ["x-kernel-project: proj_2"]);
    let back = other.with(CallOptions::new().project_id("proj_3").retries(1));
    assert_eq!(scope(&server, &back).await, ["x-kernel-project-id: proj_3"]);
    assert_eq!(scope(&server, &by_id).await, ["x-kernel-project-id: proj_1"], "as it was");
    let later = by_name.with(CallOptions::new().retries(1));
    assert_eq!(scope(&server, &later).await, ["x-kernel-project: Staging 2"]);
}

#[tokio::test]
async fn a_project_that_cannot_be_sent_is_rejected_with_its_setting() {
    let server = Server::start([response("204 No Content", "", "")]).await;
    for (options, words) in [
        (CallOptions::new().project(""), "`project` is empty"),
        (CallOptions::new().project_id("\n"), "`project_id` is empty"),
        (CallOptions::new().project("a\r\nx-evil: 1"), "`project`: the value of the header"),
    ] {
        let client = server.client().with(options);
        let error = client.request(Method::GET, "/x").send().await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn the_caller_may_know_better_what_may_be_sent_twice() {
    for (idempotent, method, attempts) in [
        (None, Method::POST, 1),
        (Some(true), Method::POST, 3),
        (None, Method::PUT, 3),
        (Some(false), Method::PUT, 1),
        (Some(false), Method::GET, 1),
    ] {
        let server = Server::start([response("503 Service Unavailable", "", "")]).await;
        let options = CallOptions::new();
        let options = match idempotent {
            Some(idempotent) => options.idempotent(idempotent),
            None => options,
        };
        let client = server.client().with(options);
        let error = client.request(method.clone(), "/x").send().await.unwrap_err();
        assert_eq!(server.count(), attempts, "{method} {idempotent:?}");
        assert_eq!(error.outcome_unknown(), attempts == 1, "{method} {idempotent:?}");
    }
}
