//! Who may do what: live keys, projects, policies.

use chrono::Duration;
use onkernel::testing::{NewKey, Policy};
use serde_json::json;

use crate::support::{assert_error, noon, server};

#[tokio::test]
async fn only_a_live_key_gets_in() {
    let (server, api) = server().await;
    let expired = server.add_key(NewKey::named("expired").expires_at(noon()));
    let deleted = server.add_key(NewKey::named("deleted"));
    assert!(server.delete(&deleted.id));
    let lasting = server.add_key(NewKey::named("lasting").days(1));
    for caller in [
        api.with_key(""),
        api.with_key("sk_nobody"),
        api.with_key(expired.plaintext()),
        api.with_key(deleted.plaintext()),
        api.with_key("").with_header("authorization", server.bootstrap_key()),
        api.with_key("").with_header("authorization", "Bearer "),
        api.with_header("authorization", "Bearer sk_second"),
        api.with_key("").with_header("authorization", &format!("Basic {}", server.bootstrap_key())),
    ] {
        assert_error(&caller.list("").await, 401, "unauthorized", "missing, malformed, unknown");
    }
    let lasting = api.with_key(lasting.plaintext());
    assert_eq!(lasting.list("").await.status, 200);
    server.advance(Duration::days(1));
    assert_eq!(lasting.list("").await.status, 401);
    let lower = format!("bearer {}", server.bootstrap_key());
    assert_eq!(api.with_key("").with_header("authorization", &lower).list("").await.status, 200);
}

#[tokio::test]
async fn a_scoped_caller_sees_and_touches_only_its_project() {
    let (server, api) = server().await;
    let caller = server.add_key(NewKey::named("caller").project("proj_a"));
    let mine = server.add_key(NewKey::named("mine").project("proj_a"));
    let theirs = server.add_key(NewKey::named("theirs").project("proj_b"));
    let scoped = api.with_key(caller.plaintext());
    assert_eq!(scoped.list("sort_direction=asc").await.names(), ["caller", "mine"]);
    assert_eq!(api.in_project("proj_b").list("").await.names(), ["theirs"]);
    for hidden in [&theirs, &server.keys()[0]] {
        let path = format!("/org/api_keys/{}", hidden.id);
        for (method, path) in [
            ("GET", path.clone()),
            ("PATCH", path.clone()),
            ("DELETE", path.clone()),
            ("POST", format!("{path}/rotate")),
        ] {
            let response = scoped.send(method, &path, json!({ "name": "taken" })).await;
            assert_error(&response, 404, "not_found", "no such API key");
        }
        assert_eq!(server.key(&hidden.id).unwrap(), *hidden, "untouched");
    }
    assert_eq!(scoped.delete(&mine.id).await.status, 204);
    let outside = api.in_project("proj_a").get(&format!("/org/api_keys/{}", theirs.id)).await;
    assert_error(&outside, 404, "not_found", "no such API key");
}

/// A project that cannot be told is not the same as none: the caller must not get more than it
/// asked for.
#[tokio::test]
async fn a_project_header_that_cannot_be_read_widens_nothing() {
    let (server, api) = server().await;
    server.add_key(NewKey::named("a").project("proj_a"));
    for confused in [
        api.in_project("proj_\u{e9}"),
        api.in_project("proj_a").in_project("proj_b"),
        api.in_project(""),
    ] {
        let response = confused.list("").await;
        assert_error(&response, 404, "not_found", "no such project");
    }
}

/// Whatever its statements say: key management is not theirs to give.
#[tokio::test]
async fn a_key_with_a_policy_manages_no_keys() {
    let (server, api) = server().await;
    let path = format!("/org/api_keys/{}", server.add_key(NewKey::named("k")).id);
    for policy in [
        Policy::new(),
        Policy::new().allow("browsers:use", "*"),
        Policy::new().allow("api_keys:*", "*"),
        Policy::new().allow("*", "*"),
    ] {
        let key = server.add_key(NewKey::named("limited").policy(policy));
        let caller = api.with_key(key.plaintext());
        for (method, path) in [
            ("GET", "/org/api_keys"),
            ("POST", "/org/api_keys"),
            ("GET", &*path),
            ("PATCH", &*path),
            ("DELETE", &*path),
            ("POST", &*format!("{path}/rotate")),
        ] {
            let response = caller.send(method, path, json!({ "name": "other" })).await;
            assert_error(&response, 403, "insufficient_scope", "management of API keys");
        }
        assert_eq!(caller.get("/auth/context").await.status, 200);
    }
    assert!(server.log().iter().all(|entry| entry.effect.is_none()));
}

#[tokio::test]
async fn a_project_is_selected_by_id_or_by_name() {
    let (server, api) = server().await;
    let mine = server.add_key(NewKey::named("a").project("proj_a"));
    let by_any = |project: &str| api.with_header("x-kernel-project", project);
    for caller in [by_any("proj_a"), by_any("Alpha"), by_any("Alpha").in_project("proj_a")] {
        assert_eq!(caller.list("").await.names(), ["a"]);
    }
    for caller in [by_any("alpha"), by_any(""), by_any("nowhere"), api.in_project("Alpha")] {
        assert_error(&caller.list("").await, 404, "not_found", "no such project");
    }
    let torn = by_any("Alpha").in_project("proj_b");
    assert_error(&torn.list("").await, 400, "bad_request", "different projects");
    let scoped = api.with_key(mine.plaintext());
    assert_eq!(scoped.with_header("x-kernel-project", "Alpha").list("").await.status, 200);
    assert_eq!(scoped.with_header("x-kernel-project", "Beta").list("").await.status, 404);
    // Of two projects of one name neither is meant.
    server.add_project("proj_c", "Alpha");
    assert_eq!(by_any("Alpha").list("").await.status, 404);
}

#[tokio::test]
async fn a_policy_is_shown_where_there_is_one() {
    let (_server, api) = server().await;
    let policy =
        json!({ "statements": [{ "action": "browsers:use", "resource": "projects/p/*" }] });
    let with = api.create(json!({ "name": "k", "policy": policy })).await;
    assert_eq!(with.json()["policy"], policy);
    let path = format!("/org/api_keys/{}", with.text_of("id"));
    assert_eq!(api.get(&path).await.json()["policy"], policy);
    let without = api.create(json!({ "name": "k" })).await;
    assert_eq!(without.json().get("policy"), None, "absent, not null");
}
