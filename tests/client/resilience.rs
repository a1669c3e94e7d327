//! The client against the embedded server while things go wrong: what it reports is what happened,
//! nothing happens twice that must not, and every call ends.

use std::time::Duration;

use onkernel::prelude::*;
use onkernel::testing::{Effect, Fault, NewKey, RetryAfter, Server};
use onkernel::{CallOptions, ErrorKind};

fn client(server: &Server) -> Client {
    Client::builder()
        .api_key(server.bootstrap_key())
        .base_url(server.url())
        .timeout(Duration::from_secs(20))
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .build()
        .unwrap()
}

/// All that can happen to one request, before its effect and after; and whether the client is told
/// for certain that it had none.
fn faults() -> Vec<(Fault, bool)> {
    let mut all = vec![
        (Fault::refuse(), false),
        (Fault::too_many_requests(RetryAfter::Milliseconds(1)), true),
        (Fault::too_many_requests(RetryAfter::Seconds(0)), true),
        (Fault::truncated_body(), false),
        (Fault::wrong_length(), false),
        (Fault::garbage_json(), false),
    ];
    for status in [408, 500, 503] {
        all.extend([(Fault::status(status), false), (Fault::status(status).after(), false)]);
    }
    let more = [Fault::drop_connection, Fault::reset, Fault::html_bad_gateway];
    all.extend(more.iter().flat_map(|fault| [(fault(), false), (fault().after(), false)]));
    all
}

#[tokio::test]
async fn what_is_safe_gets_through_two_faults_of_each_kind_and_takes_effect_once() {
    let server = Server::start().await.unwrap();
    let client = client(&server);
    for (fault, _) in faults() {
        let key = server.add_key(NewKey::named("ci"));
        server.clear_log();
        let name = format!("{fault:?}");
        let twice = || {
            server.faults().clear();
            server.faults().add(fault.clone().times(2));
        };
        twice();
        assert_eq!(client.api_keys().list().send().await.unwrap().len(), 2, "{name}");
        twice();
        let get = client.api_keys().get(&key.id);
        assert_eq!(get.send().await.unwrap().name, "ci", "{name}");
        twice();
        let rename = client.api_keys().update(&key.id, "new");
        assert_eq!(rename.send().await.unwrap().name, "new", "{name}");
        twice();
        client.api_keys().delete(&key.id).send().await.unwrap();
        assert!(!server.authenticates(key.plaintext()), "{name}");
        let deletions = |entry: &&onkernel::testing::LogEntry| {
            matches!(entry.effect, Some(Effect::Deleted { .. }))
        };
        assert_eq!(server.log().iter().filter(deletions).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_creation_takes_effect_once_at_most_and_is_never_denied() {
    let server = Server::start().await.unwrap();
    let client = client(&server);
    for (fault, certain) in faults() {
        let name = format!("{fault:?}");
        let before = server.keys().len();
        server.faults().clear();
        server.faults().add(fault.times(1));
        let made = client.api_keys().create("ci").send().await;
        let keys = server.keys().len() - before;
        match made {
            Ok(_) => assert_eq!(keys, 1, "{name}"),
            Err(error) => {
                assert!(!certain && keys <= 1, "{name}: {error}");
                assert!(error.outcome_unknown(), "{name}: {error}");
                let way_out = error.created().map_or("List the keys", |_| "created()");
                assert!(error.advice().unwrap().contains(way_out), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_by_the_server_is_requested_for_once() {
    for fault in [Fault::drop_connection().after(), Fault::status(503).after(), Fault::reset()] {
        let server = Server::start().await.unwrap();
        let key = server.add_key(NewKey::named("ci"));
        server.faults().add(fault.times(1));
        let error = client(&server).api_keys().rotate(&key.id).send().await.unwrap_err();
        assert!(error.outcome_unknown(), "{error}");
        assert_eq!(server.log().len(), 1);
    }
}

#[tokio::test]
async fn a_conflict_is_repeated_where_that_is_safe() {
    let server = Server::start().await.unwrap();
    server.faults().add(Fault::status(409));
    let client = client(&server);
    assert!(client.api_keys().list().send().await.unwrap_err().is_conflict());
    let error = client.api_keys().create("ci").send().await.unwrap_err();
    assert!(error.is_conflict() && !error.outcome_unknown());
    assert!(client.api_keys().delete("key_1").send().await.unwrap_err().is_conflict());
    assert_eq!(server.log().len(), 7, "all but the creation, twice");
}

#[tokio::test]
async fn no_connection_is_made_again_when_the_server_is_back() {
    let server = Server::start().await.unwrap();
    server.stop_listening().await.unwrap();
    let client = client(&server);
    let refused = client.api_keys().create("ci").send().await.unwrap_err();
    assert!(refused.is_connect() && !refused.outcome_unknown(), "{refused}");
    assert_eq!(refused.attempts(), 3, "nothing was sent, so that a creation may be repeated");
    server.listen_again().await.unwrap();
    client.api_keys().create("ci").send().await.unwrap();
    assert_eq!(server.keys().len(), 2);
}

#[tokio::test]
async fn a_byte_at_a_time_ends_with_the_timeout_or_the_deadline() {
    let server = Server::start().await.unwrap();
    // A response of some three hundred bytes, each of which comes well within the timeout.
    server.faults().add(Fault::slow_body(1, Duration::from_millis(10)));
    let client = client(&server);
    let short = CallOptions::new().timeout(Duration::from_millis(100)).retries(0);
    let error = client.with(short).api_keys().list().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("reading the response"), "{error}");
    let bounded = CallOptions::new().deadline(Duration::from_millis(100)).retries(9);
    let error = client.with(bounded).api_keys().create("ci").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.outcome_unknown() && server.keys().len() == 2, "{error}");
    assert_eq!(server.log().len(), 2);
}

#[tokio::test]
async fn an_endless_response_ends_at_the_limit() {
    let server = Server::start().await.unwrap();
    server.faults().add(Fault::endless_body().after());
    let bounded = client(&server).with(CallOptions::new().max_response_bytes(1 << 20));
    let error = bounded.api_keys().create("ci").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
    assert!(error.outcome_unknown() && server.keys().len() == 2);
}

#[tokio::test]
async fn a_deadline_bounds_the_waiting_for_a_server_that_asks_for_time() {
    let server = Server::start().await.unwrap();
    server.faults().add(Fault::too_many_requests(RetryAfter::Seconds(5)));
    let bounded = CallOptions::new().deadline(Duration::from_secs(2)).retries(9);
    let error = client(&server).with(bounded).api_keys().list().send().await.unwrap_err();
    assert!(error.is_rate_limited(), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(server.log().len(), 1, "a wait that would pass the deadline is not begun");
}

#[tokio::test]
async fn a_call_that_is_dropped_stops_at_once() {
    let server = Server::start().await.unwrap();
    server.faults().add(Fault::status(503));
    let patient = CallOptions::new().backoff(Duration::ZERO, Duration::ZERO).retries(u32::MAX);
    let client = client(&server).with(patient);
    let mut call = Box::pin(client.api_keys().list().send());
    while server.log().len() < 3 {
        let turn = tokio::time::timeout(Duration::from_millis(1), &mut call);
        assert!(turn.await.is_err(), "it goes on as long as it is asked to");
    }
    drop(call);
    // An attempt may have been on its way; a call of ours comes after it, and nothing after that.
    server.faults().clear();
    client.api_keys().list().send().await.unwrap();
    let seen = server.log().len();
    client.api_keys().list().send().await.unwrap();
    assert_eq!(server.log().len(), seen + 1);
}

#[tokio::test]
async fn a_redirect_takes_the_key_nowhere() {
    let elsewhere = Server::start().await.unwrap();
    let server = Server::start().await.unwrap();
    server.faults().add(Fault::redirect(format!("{}/org/api_keys", elsewhere.url())).after());
    let client = client(&server);
    let error = client.api_keys().create("ci").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    client.api_keys().list().send().await.unwrap_err();
    assert!(elsewhere.log().is_empty());
}

#[tokio::test]
async fn a_key_that_dies_is_replaced_without_a_restart() {
    let server = Server::start().await.unwrap();
    let (old, new) = (server.add_key(NewKey::named("old")), server.add_key(NewKey::named("new")));
    let client = client(&server);
    client.swap_api_key(old.plaintext()).unwrap();
    let clone = client.clone();
    clone.api_keys().list().send().await.unwrap();
    assert!(server.delete(&old.id));
    assert!(clone.api_keys().list().send().await.unwrap_err().is_unauthorized());
    client.swap_api_key(new.plaintext()).unwrap();
    clone.api_keys().list().send().await.unwrap();
    assert_eq!(server.log().last().unwrap().caller.as_ref(), Some(&new.id));
}
