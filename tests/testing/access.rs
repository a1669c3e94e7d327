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

#[tokio::test]
async fn a_policy_allows_what_it_lists_and_nothing_else() {
    let (server, api) = server().await;
    let org = server.add_key(NewKey::named("org"));
    let project = server.add_key(NewKey::named("project").project("proj_a"));
    let as_key = |policy: Policy| {
        let key = server.add_key(NewKey::named("limited").policy(policy));
        api.with_key(key.plaintext())
    };
    let org_path = format!("/org/api_keys/{}", org.id);
    let project_path = format!("/org/api_keys/{}", project.id);

    let nothing = as_key(Policy::new());
    let browsers = as_key(Policy::new().allow("browsers:use", "*"));
    for caller in [&nothing, &browsers] {
        for (method, path) in [
            ("GET", "/org/api_keys"),
            ("POST", "/org/api_keys"),
            ("GET", &*org_path),
            ("PATCH", &*org_path),
            ("DELETE", &*org_path),
            ("POST", &*format!("{org_path}/rotate")),
        ] {
            let response = caller.send(method, path, json!({ "name": "k" })).await;
            assert_error(&response, 403, "forbidden", "does not allow api_keys:");
        }
    }
    let everything = as_key(Policy::new().allow("*", "*"));
    assert_eq!(everything.list("").await.status, 200);
    assert_eq!(everything.create(json!({ "name": "k" })).await.status, 201);

    let reader = as_key(Policy::new().allow("api_keys:list", "*").allow("api_keys:get", "org/*"));
    assert_eq!(reader.list("").await.status, 200);
    assert_eq!(reader.get(&org_path).await.status, 200);
    assert_eq!(reader.get(&project_path).await.status, 403);
    assert_eq!(reader.delete(&org.id).await.status, 403);
    assert_eq!(reader.get("/org/api_keys/unknown").await.status, 404);

    let confined = as_key(Policy::new().allow("api_keys:*", "projects/proj_a/*"));
    assert_eq!(confined.list("").await.status, 403);
    assert_eq!(confined.in_project("proj_a").list("").await.status, 200);
    assert_eq!(confined.in_project("proj_b").list("").await.status, 403);
    assert_eq!(confined.create(json!({ "name": "k" })).await.status, 403);
    let body = json!({ "name": "k", "project_id": "proj_a" });
    assert_eq!(confined.create(body).await.status, 201);
    assert_eq!(confined.get(&project_path).await.status, 200);

    let one = as_key(Policy::new().allow("api_keys:get", format!("org/api_keys/{}", org.id)));
    assert_eq!(one.get(&org_path).await.status, 200);
    assert_eq!(one.get(&project_path).await.status, 403);
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
