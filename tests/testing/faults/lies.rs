//! Requests that arrive twice, responses about another key, clear rejections, clocks that disagree.

use chrono::{DateTime, TimeDelta, Utc};
use onkernel::testing::{Effect, Fault, NewKey, Which};
use serde_json::json;

use super::{KEYS, named, with};
use crate::support::{assert_error, noon};

#[tokio::test]
async fn a_creation_can_take_effect_twice() {
    for which in [Which::First, Which::Second] {
        let (server, api) = with(Fault::doubled(which).method("POST").times(1)).await;
        let id = api.create(named("k")).await.text_of("id");
        let ids: Vec<_> = server.keys()[1..].iter().map(|key| key.id.clone()).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(id, ids[usize::from(which == Which::Second)]);
        let log = server.log();
        let effects: Vec<_> =
            log.iter().map(|entry| (entry.status, entry.effect.clone())).collect();
        let effect = |id: &String| Some(Effect::Created { id: id.clone() });
        let other = ids.iter().find(|other| **other != id).unwrap();
        assert_eq!(effects, [(None, effect(other)), (Some(201), effect(&id))]);
        assert_eq!(api.create(named("once")).await.status, 201);
        assert_eq!(server.keys().len(), 4);
    }
}

#[tokio::test]
async fn a_change_that_comes_twice_gets_either_response() {
    for (which, deleted) in [(Which::First, 204), (Which::Second, 404)] {
        let (server, api) = with(Fault::doubled(which).method("DELETE")).await;
        server.faults().add(Fault::doubled(which).method("PATCH"));
        let key = server.add_key(NewKey::named("k"));
        let path = format!("{KEYS}/{}", key.id);
        assert_eq!(api.send("PATCH", &path, named("n")).await.text_of("name"), "n");
        assert_eq!(api.delete(&key.id).await.status, deleted);
        assert!(server.key(&key.id).unwrap().deleted_at.is_some());
    }
}

#[tokio::test]
async fn what_is_sent_twice_can_get_lost_too() {
    let (server, api) = with(Fault::doubled(Which::Second)).await;
    server.faults().add(Fault::drop_connection().after().method("POST").times(1));
    server.faults().add(Fault::status(500).before().method("POST"));
    assert!(api.try_send("POST", KEYS, named("k")).await.is_err());
    assert_eq!(server.keys().len(), 3, "two, and no response");
    assert_eq!(api.create(named("k")).await.status, 500);
    assert_eq!(server.keys().len(), 3, "before the effect there is none");
}

#[tokio::test]
async fn a_response_can_bear_the_id_of_another_key() {
    let (server, api) = with(Fault::wrong_id().method("POST").times(1)).await;
    let (first, bystander) = (server.keys()[0].clone(), server.add_key(NewKey::named("b")));
    let created = api.create(named("k")).await;
    assert_eq!((created.status, created.text_of("id")), (201, first.id));
    assert_eq!(created.text_of("key"), server.keys()[2].plaintext());
    server.faults().add(Fault::wrong_id_of(&bystander.id).method("GET"));
    let path = format!("{KEYS}/{}", server.keys()[2].id);
    assert_eq!(api.get(&path).await.text_of("id"), bystander.id);
    assert_eq!(api.list("").await.names(), ["k", "b", "bootstrap"], "a list has no id");
    assert_eq!(api.delete(&bystander.id).await.status, 204);
}

#[tokio::test]
async fn a_rejection_is_clear_and_without_effect() {
    for (status, code) in [
        (400, "invalid_expiry"),
        (402, "api_key_limit"),
        (403, "insufficient_scope"),
        (404, "projects_disabled"),
        (409, "conflict"),
        (422, "unprocessable_entity"),
    ] {
        let (server, api) = with(Fault::rejected(status, code)).await;
        let response = api.create(named("k")).await;
        assert_error(&response, status, code, "rejected");
        assert_eq!((server.keys().len(), &server.log()[0].effect), (1, &None));
        assert_eq!(server.log()[0].fault, Some(format!("rejected with {status} {code}")));
    }
    let (_server, api) = with(Fault::rejected(200, "x")).await;
    assert_eq!(api.create(named("k")).await.status, 400, "no rejection is a success");
}

#[tokio::test]
async fn one_of_several_clocks_can_be_off() {
    let hour = TimeDelta::hours(1);
    let (server, api) = with(Fault::clock_skew(-hour).every(2)).await;
    let (here, there) = (api.create(named("a")).await, api.create(named("b")).await);
    let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let date = |header: &str| DateTime::parse_from_rfc2822(header).unwrap().to_utc();
    for (made, expected) in [(here, noon()), (there, noon() - hour)] {
        assert_eq!(time(&made.text_of("created_at")), expected);
        assert_eq!(date(made.header("date")), expected);
    }
    assert_eq!(server.now(), noon());
    // By that clock it has not expired yet.
    let key = server.add_key(NewKey::named("k").expires_at(noon() - TimeDelta::minutes(1)));
    let caller = api.with_key(key.plaintext());
    assert_eq!([caller.list("").await.status, caller.list("").await.status], [401, 200]);
    let soon = json!({ "name": "k", "expires_at": noon() - TimeDelta::minutes(30) });
    let statuses = [api.create(soon.clone()).await.status, api.create(soon).await.status];
    assert_eq!(statuses, [400, 201]);
}
