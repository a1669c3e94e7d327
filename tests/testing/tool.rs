//! The server as a tool for tests: seeds, masks, clock, log, shutdown.

use chrono::{DateTime, Duration, Utc};
use onkernel::testing::{Effect, Fault, KeyRecord, NewKey, Policy, Server};
use serde_json::{Value, json};

use crate::support::{Api, Response, noon, server};

#[tokio::test]
async fn the_same_seed_makes_the_same_keys() {
    let make = async |seed| {
        let server = Server::builder().seed(seed).start().await.unwrap();
        let key = server.add_key(NewKey::named("k"));
        (server.bootstrap_key().to_owned(), key.id.clone(), key.plaintext().to_owned())
    };
    let (one, two, other) = (make(1).await, make(1).await, make(2).await);
    assert_eq!(one, two);
    assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2);
}

#[tokio::test]
async fn masks_can_be_made_to_collide() {
    let server = Server::builder().colliding_masks().start().await.unwrap();
    let (a, b) = (server.add_key(NewKey::named("a")), server.add_key(NewKey::named("b")));
    assert_eq!((&*a.masked_key, &*b.masked_key), ("sk_SAME...SAME", "sk_SAME...SAME"));
    assert_ne!(a.plaintext(), b.plaintext());
    assert_eq!(a.plaintext().len(), 51);
}

#[tokio::test]
async fn the_first_key_can_be_chosen() {
    let server = Server::builder().bootstrap_key("sk_chosen_by_a_test").start().await.unwrap();
    assert_eq!(server.bootstrap_key(), "sk_chosen_by_a_test");
    assert_eq!(Api::new(&server).list("").await.names(), ["bootstrap"]);
    let error = Server::builder().bootstrap_key("sk with spaces").start().await.unwrap_err();
    assert!(error.to_string().contains("bootstrap key"), "{error}");
    assert!(!error.to_string().contains("sk with"), "{error}");
}

#[tokio::test]
async fn time_moves_as_told_and_otherwise_with_the_machine() {
    let (server, api) = server().await;
    assert_eq!(server.now(), noon());
    server.advance(Duration::hours(1));
    assert_eq!(server.now(), noon() + Duration::hours(1));
    server.set_time(noon() - Duration::days(1));
    let created = api.create(json!({ "name": "k" })).await.text_of("created_at");
    assert_eq!(created, "2026-10-31T12:00:00Z");
    server.advance(Duration::MAX);
    assert_eq!(api.create(json!({ "name": "k", "days_to_expire": 1 })).await.status, 201);

    let running = Server::start().await.unwrap();
    assert!((running.now() - Utc::now()).abs() < Duration::minutes(1));
    running.advance(Duration::days(5));
    assert!((running.now() - Utc::now() - Duration::days(5)).abs() < Duration::minutes(1));
    running.set_time(noon());
    assert!((running.now() - noon()).abs() < Duration::minutes(1));
}

/// Callers may have a clock of their own: what counts is the server's, and `Date` says it.
#[tokio::test]
async fn the_clock_can_be_off_and_the_date_says_so() {
    let date = |response: &Response| {
        DateTime::parse_from_rfc2822(response.header("date")).unwrap().to_utc()
    };
    let ten_hours = Duration::hours(10);
    for offset in [ten_hours, -ten_hours, Duration::zero()] {
        let server = Server::builder().clock_offset(offset).start().await.unwrap();
        let made = Api::new(&server).create(json!({ "name": "k", "days_to_expire": 1 })).await;
        for time in [server.now(), date(&made), server.keys()[1].created_at] {
            assert!((time - Utc::now() - offset).abs() < Duration::minutes(1), "{time} {offset}");
        }
        assert!(server.authenticates(&made.text_of("key")));
    }
    let (server, api) = server().await;
    assert_eq!(date(&api.list("").await), noon());
    assert_eq!(date(&api.with_key("").list("").await), noon());
    server.advance(ten_hours);
    assert_eq!(date(&api.list("").await), noon() + ten_hours);
    server.faults().add(Fault::set_header("Date", "yesterday").times(1));
    server.faults().add(Fault::html_bad_gateway());
    assert_eq!(api.list("").await.header("date"), "yesterday");
    assert_eq!(date(&api.list("").await), noon() + ten_hours);
}

#[tokio::test]
async fn another_person_can_be_played() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("/org/api_keys/{}", key.id);
    assert!(server.rename(&key.id, "renamed"));
    assert!(server.set_policy(&key.id, Some(Policy::new().allow("browsers:use", "*"))));
    assert!(server.set_expiry(&key.id, Some(noon() + Duration::days(1))));
    assert!(server.set_extra(&key.id, "region", json!("eu")));
    let shown = api.get(&path).await.json();
    assert_eq!(shown["name"], "renamed");
    assert_eq!(shown["policy"]["statements"][0]["action"], "browsers:use");
    assert_eq!(shown["expires_at"], "2026-11-02T12:00:00Z");
    assert_eq!(shown["region"], "eu");
    let body = json!({ "name": "copy", "region": "eu" });
    assert_eq!(api.create(body).await.json().get("region"), None, "creating cannot set it");
    assert!(server.delete(&key.id) && !server.delete(&key.id));
    assert!(server.remove(&key.id) && !server.remove(&key.id) && server.key(&key.id).is_none());
    assert!(!server.rename(&key.id, "x") && !server.set_extra("unknown", "x", json!(1)));
}

#[tokio::test]
async fn the_log_says_what_was_asked_and_what_came_of_it() {
    let (server, api) = server().await;
    let caller = server.keys()[0].id.clone();
    let made = api.create(json!({ "name": "k" })).await;
    let (id, plaintext) = (made.text_of("id"), made.text_of("key"));
    api.list("query=sk_secret&limit=5").await;
    api.send("PATCH", &format!("/org/api_keys/{id}"), json!({ "name": "n" })).await;
    let new = api.post(&format!("/org/api_keys/{id}/rotate"), json!({})).await.text_of("id");
    api.delete(&id).await;
    api.delete(&id).await;
    api.with_key("").get(&format!("/org/api_keys/{plaintext}")).await;

    let log = server.log();
    let told: Vec<_> = log.iter().map(|entry| (&*entry.method, entry.status.unwrap())).collect();
    assert_eq!(
        told,
        [
            ("POST", 201),
            ("GET", 200),
            ("PATCH", 200),
            ("POST", 201),
            ("DELETE", 204),
            ("DELETE", 404),
            ("GET", 401)
        ]
    );
    let effects: Vec<_> = log.iter().filter_map(|entry| entry.effect.clone()).collect();
    assert_eq!(
        effects,
        [
            Effect::Created { id: id.clone() },
            Effect::Renamed { id: id.clone() },
            Effect::Rotated { old: id.clone(), new },
            Effect::Deleted { id },
        ]
    );
    assert_eq!(log[0].request_id, made.header("x-request-id"));
    assert_eq!(log[0].path, "/org/api_keys");
    assert_eq!(log[1].query, ["query", "limit"]);
    assert!(log[..6].iter().all(|entry| entry.caller.as_deref() == Some(&*caller)));
    assert_eq!(log[6].caller, None);
    assert!(log.iter().all(|entry| entry.at == noon() && entry.fault.is_none() && !entry.late));
    assert!(!format!("{log:?}").contains(&plaintext[3..]), "{log:?}");
    assert!(!format!("{log:?}").contains("sk_secret"), "{log:?}");
    server.clear_log();
    assert!(server.log().is_empty());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_plaintext() {
    let server = Server::builder().bootstrap_key("sk_chosen_by_a_test");
    let printed = format!("{server:?}");
    let server = server.start().await.unwrap();
    let new = NewKey::named("k").plaintext("sk_given_by_a_test");
    let printed = format!("{printed} {server:?} {:?} {new:?} ", server.keys());
    let key: KeyRecord = server.add_key(new);
    let printed = format!("{printed} {key:?} {server:#?}");
    assert!(printed.contains("127.0.0.1") && printed.contains(&key.id), "{printed}");
    assert!(!printed.contains("by_a_test"), "{printed}");
}

#[tokio::test]
async fn many_callers_at_once_lose_nothing() {
    let (server, api) = server().await;
    let calls = (0..100).map(|number| {
        let api = api.clone();
        tokio::spawn(async move { api.create(json!({ "name": format!("k{number}") })).await })
    });
    let mut ids = std::collections::HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        ids.insert(call.await.unwrap().text_of("id"));
    }
    assert_eq!((ids.len(), server.keys().len()), (100, 101));
}

#[tokio::test]
async fn a_server_that_is_shut_down_refuses_and_can_still_be_read() {
    let (server, api) = server().await;
    api.create(json!({ "name": "k" })).await;
    let seen = server.clone();
    server.shutdown().await;
    let error = Api::new(&seen).try_send("GET", "/org/api_keys", Value::Null).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(seen.keys().len(), 2);
    assert!(seen.stop_listening().await.is_err());
    seen.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_stops() {
    let (server, api) = server().await;
    assert_eq!(api.list("").await.status, 200);
    let clone = server.clone();
    drop(server);
    assert_eq!(api.list("").await.status, 200, "a clone keeps it going");
    let late = Api::new(&clone);
    drop(clone);
    // The task ends when the runtime next looks at it.
    tokio::task::yield_now().await;
    let error = late.try_send("GET", "/org/api_keys", Value::Null).await.unwrap_err();
    assert!(error.is_connect() || error.is_request(), "{error:?}");
}
