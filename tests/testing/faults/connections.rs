//! Connections that end: refused, dropped, reset.

use std::io;

use onkernel::testing::Fault;

use super::{KEYS, io_kind, is_lost, is_reset, made, named, start, with};
use crate::support::Api;

#[tokio::test]
async fn a_refused_connection_is_not_heard() {
    let (server, api) = with(Fault::refuse().times(1)).await;
    let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
    assert!(error.is_request() || error.is_connect(), "{error:?}");
    assert!(!made(&server, "k"));
    let log = server.log();
    assert_eq!((log.len(), &*log[0].method, &*log[0].path), (1, "", ""));
    assert_eq!(log[0].fault.as_deref(), Some("refuse"));
    assert_eq!(api.create(named("k")).await.status, 201, "only the one");
}

#[tokio::test]
async fn a_refused_request_is_reset_without_effect() {
    let (server, api) = with(Fault::refuse().method("POST").after()).await;
    assert_eq!(api.list("").await.status, 200);
    let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert!(!made(&server, "k"));
}

#[tokio::test]
async fn a_server_that_does_not_listen_refuses_connections() {
    let (server, api) = start().await;
    for _ in 0..2 {
        server.stop_listening().await.unwrap();
        server.stop_listening().await.unwrap();
        let error = Api::new(&server).try_send("POST", KEYS, named("k")).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(io_kind(&error), Some(io::ErrorKind::ConnectionRefused), "{error:?}");
        server.listen_again().await.unwrap();
        server.listen_again().await.unwrap();
        assert_eq!(Api::new(&server).list("").await.status, 200);
    }
    assert!(!made(&server, "k"));
    assert_eq!(server.log().len(), 2);
    drop(api);
}

#[tokio::test]
async fn a_connection_is_dropped_or_reset_before_or_after_the_effect() {
    let drop = Fault::drop_connection;
    let reset = Fault::reset;
    for (fault, resets, effect, says) in [
        (drop(), false, false, "drop before the effect"),
        (drop().before(), false, false, "drop before the effect"),
        (drop().after(), false, true, "drop after the effect"),
        (reset(), true, false, "reset before the effect"),
        (reset().after(), true, true, "reset after the effect"),
    ] {
        let (server, api) = with(fault).await;
        let error = api.try_send("POST", KEYS, named("k")).await.unwrap_err();
        assert_eq!((is_lost(&error), is_reset(&error)), (!resets, resets), "{says}: {error:?}");
        assert_eq!(made(&server, "k"), effect, "{says}");
        let entry = server.log().pop().unwrap();
        assert_eq!(entry.fault.as_deref(), Some(says));
        assert_eq!((entry.status, entry.effect.is_some()), (None, effect));
        assert_eq!(entry.caller.as_deref(), Some(&*server.keys()[0].id));
    }
}

#[tokio::test]
async fn a_connection_in_use_can_be_dropped_too() {
    let (server, api) = with(Fault::drop_connection().nth(2)).await;
    assert_eq!(api.list("").await.status, 200);
    assert!(api.try_send("POST", KEYS, named("k")).await.is_err());
    assert_eq!(api.create(named("k")).await.status, 201);
    assert_eq!(server.log().len(), 3, "each was asked once");
}
