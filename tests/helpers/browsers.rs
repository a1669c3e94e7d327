//! No browser is left running, however the work with it ends.

use std::future::{pending, ready};

use onkernel::prelude::*;
use onkernel::types::Browser;
use onkernel::{Client, ErrorKind, SessionEnd};
use serde_json::json;

use crate::scripted::{Act, Server, response};
use crate::support::{at, client, lines, not_found, ok, unavailable, until};

const CREATE: &str = "POST /browsers";
const DELETE: &str = "DELETE /browsers/b_1";

fn browser() -> Act {
    ok(&json!({ "session_id": "b_1", "created_at": at(0), "cdp_ws_url": "wss://h/?jwt=x",
        "webdriver_ws_url": "wss://h/?jwt=x", "stealth": false, "headless": true,
        "timeout_seconds": 60, "memory": "2GiB", "region": "us-east" }))
}

fn deleted() -> Act {
    response("204 No Content", "", "")
}

async fn session<W: Future>(
    client: &Client,
    work: impl FnOnce(Browser) -> W,
) -> onkernel::Result<SessionEnd<W::Output>> {
    let call = client.browsers().create().headless(true);
    client.browsers().with_session(call, work).await
}

fn is_deleted(server: &Server) -> bool {
    lines(server).iter().any(|line| line == DELETE)
}

#[tokio::test]
async fn a_session_is_deleted_when_the_work_is_done() {
    let server = Server::start([browser(), deleted()]).await;
    let end = session(&client(&server), |browser| async move { browser.session_id }).await.unwrap();
    assert_eq!(end.result, "b_1");
    end.deleted.unwrap();
    assert_eq!(lines(&server), [CREATE, DELETE]);
}

/// A call may come from another client, of another organization: its session is not ours to delete.
#[tokio::test]
async fn a_session_is_deleted_by_the_client_that_started_it() {
    let (server, ours) = (Server::start([browser(), deleted()]).await, Server::start([]).await);
    let call = client(&server).browsers().create();
    let end = client(&ours).browsers().with_session(call, |_| ready(())).await.unwrap();
    end.deleted.unwrap();
    assert_eq!(lines(&server), [CREATE, DELETE]);
    assert!(lines(&ours).is_empty());
}

#[tokio::test]
async fn the_works_own_error_goes_first_and_the_deletes_is_not_lost() {
    for (delete, is_gone) in [(deleted(), true), (not_found(), true), (unavailable(), false)] {
        let server = Server::start([browser(), delete.clone()]).await;
        let client = client(&server);
        let end = session(&client, |_| ready(Err::<(), _>("torn".to_owned()))).await.unwrap();
        assert_eq!(end.result, Err("torn".to_owned()));
        assert_eq!(end.deleted.is_ok(), is_gone);

        let server = Server::start([browser(), delete.clone()]).await;
        let client = self::client(&server);
        let end = session(&client, |_| ready(Ok::<_, onkernel::Error>(7))).await.unwrap();
        let result = end.into_result();
        assert_eq!(result.is_ok(), is_gone, "{result:?}");

        let server = Server::start([browser(), not_found(), delete]).await;
        let client = self::client(&server);
        let call = client.browsers().playwright();
        let work = |browser: Browser| call.execute(browser.session_id, "1").send();
        let error = session(&client, work).await.unwrap().into_result().unwrap_err();
        assert_eq!(error.method(), Some("POST"), "{error}");
        assert!(is_deleted(&server));
    }
}

#[tokio::test]
async fn what_could_not_be_started_is_an_error_and_no_work_is_done() {
    let server = Server::start([response("529 Overloaded", "", "{}")]).await;
    let work = |_| -> std::future::Ready<()> { panic!("there is no browser") };
    let error = session(&client(&server), work).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(lines(&server), [CREATE]);
}

#[tokio::test]
async fn dropping_the_work_deletes_the_session() {
    let server = Server::start([browser(), deleted()]).await;
    let client = client(&server);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let work = |_| {
        begun.send(()).unwrap();
        pending::<()>()
    };
    tokio::select! {
        _ = session(&client, work) => unreachable!(),
        begun = has_begun => begun.unwrap(),
    }
    until(|| is_deleted(&server)).await;
}

#[tokio::test]
async fn a_session_that_is_being_started_is_deleted_though_nobody_waits_for_it() {
    // The browser is there when the second request has come.
    let Act::Send(browser) = browser() else { unreachable!() };
    let server = Server::start([Act::After(2, browser), not_found(), deleted()]).await;
    let client = client(&server);
    tokio::select! {
        _ = session(&client, |_| pending::<()>()) => unreachable!(),
        () = until(|| server.count() == 1) => {}
    }
    assert!(client.browsers().get("other").send().await.unwrap_err().is_not_found());
    until(|| is_deleted(&server)).await;
}

#[tokio::test]
async fn a_drop_in_the_middle_of_the_delete_begins_another() {
    let server = Server::start([browser(), Act::SendAndHang(Vec::new()), deleted()]).await;
    let client = client(&server);
    tokio::select! {
        _ = session(&client, |_| ready(())) => unreachable!(),
        () = until(|| server.count() == 2) => {}
    }
    until(|| server.count() == 3).await;
    assert_eq!(lines(&server), [CREATE, DELETE, DELETE]);
}

#[tokio::test]
async fn work_that_panics_deletes_the_session() {
    let server = Server::start([browser(), deleted()]).await;
    let client = client(&server);
    let task = tokio::spawn(async move {
        let _ = session(&client, |_| async { panic!("torn") }).await;
    });
    assert!(task.await.unwrap_err().is_panic());
    until(|| is_deleted(&server)).await;
}

#[test]
fn a_runtime_that_is_gone_is_no_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let mut session = Box::pin(async {
        let server = Server::start([browser(), deleted()]).await;
        let work = |_| {
            begun.send(()).unwrap();
            pending::<()>()
        };
        session(&client(&server), work).await.map(drop)
    });
    runtime.block_on(async {
        tokio::select! {
            _ = &mut session => unreachable!(),
            begun = has_begun => begun.unwrap(),
        }
    });
    runtime.shutdown_background();
    drop(session);
}
