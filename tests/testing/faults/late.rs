//! Effects that come late, and the test's own code in between.

use std::time::Duration;

use chrono::TimeDelta;
use onkernel::testing::{Effect, Fault, NewKey};
use serde_json::Value;

use super::{KEYS, is_lost, made, named, start, with};

#[tokio::test]
async fn an_effect_lands_late_by_the_servers_clock_or_on_request() {
    let fault = Fault::effect_later(Duration::from_secs(30)).method("POST").times(2);
    let (server, api) = with(fault).await;
    let error = api.try_send("POST", KEYS, named("first")).await.unwrap_err();
    assert!(is_lost(&error), "{error:?}");
    assert_eq!(api.list("name=first").await.names(), Vec::<String>::new());
    server.advance(TimeDelta::seconds(29));
    assert!(!made(&server, "first"));
    server.advance(TimeDelta::seconds(1));
    assert_eq!(api.list("name=first").await.names(), ["first"]);

    assert!(api.try_send("POST", KEYS, named("second")).await.is_err());
    assert_eq!((server.land_late(), server.land_late()), (1, 0));
    assert!(made(&server, "second"));

    let log = server.log();
    let late: Vec<_> = log.iter().filter(|entry| entry.late).collect();
    let asked: Vec<_> = log.iter().filter(|entry| entry.fault.is_some()).collect();
    assert_eq!((late.len(), asked.len()), (2, 2));
    assert_eq!(late[0].request_id, asked[0].request_id);
    assert_eq!(asked[0].fault.as_deref(), Some("drop with the effect 30000 ms later"));
    assert_eq!((asked[0].status, asked[0].effect.is_some()), (None, false));
    assert!(matches!(&late[0].effect, Some(Effect::Created { id }) if *id == server.keys()[1].id));
}

#[tokio::test]
async fn a_late_effect_asks_again_whether_it_may() {
    let (server, api) = with(Fault::effect_later(Duration::from_secs(1))).await;
    let caller = server.add_key(NewKey::named("caller"));
    let path = format!("{KEYS}/{}", server.keys()[0].id);
    let own = api.with_key(caller.plaintext());
    assert!(own.try_send("DELETE", &path, Value::Null).await.is_err());
    assert!(server.delete(&caller.id));
    assert_eq!(server.land_late(), 1);
    assert!(server.authenticates(server.bootstrap_key()), "the caller was dead by then");
    assert_eq!(server.log()[1].effect, None);
}

#[tokio::test]
async fn code_of_the_test_runs_in_between() {
    let (server, api) = start().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("{KEYS}/{}", key.id);
    let (one, two) = (key.id.clone(), key.id.clone());
    server.faults().add(Fault::run(move |s| assert!(s.rename(&one, "renamed"))).nth(2).after());
    server.faults().add(Fault::run(move |s| assert!(s.delete(&two))).nth(4));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = api.get(&path).await;
        seen.push(match response.status {
            200 => response.text_of("name"),
            status => status.to_string(),
        });
    }
    assert_eq!(seen, ["k", "k", "renamed", "404"]);
    assert_eq!(server.log()[1].fault.as_deref(), Some("code of the test after the effect"));
}

#[tokio::test]
async fn code_of_the_test_that_panics_harms_its_own_request_only() {
    let (server, api) = with(Fault::run(|_| panic!("on purpose")).times(1)).await;
    assert!(api.try_send("POST", KEYS, named("k")).await.is_err());
    assert_eq!(api.create(named("k")).await.status, 201);
    assert_eq!(server.keys().len(), 2);
}
