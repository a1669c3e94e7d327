//! Several organizations on one server, and who is asking: `GET /auth/context`.

use onkernel::testing::{AuthContext, NewKey, Server};
use serde_json::{Value, json};

use crate::support::{Api, assert_error, server};

const CONTEXT: &str = "/auth/context";

#[tokio::test]
async fn organizations_know_nothing_of_each_other() {
    let server = Server::builder().organization("org_b").start().await.unwrap();
    server.add_project("proj_a", "Same");
    server.add_project_to("org_b", "proj_b", "Same");
    let a = Api::new(&server);
    let b = a.with_key(&server.bootstrap_key_of("org_b").unwrap());
    let key = server.add_key(NewKey::named("theirs").organization("org_b").project("proj_b"));
    assert_eq!(a.list("").await.names(), ["bootstrap"]);
    assert_eq!(b.list("").await.names(), ["theirs", "bootstrap"]);
    let path = format!("/org/api_keys/{}", key.id);
    for (method, path) in [
        ("GET", format!("{path}?include_deleted=true")),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/rotate")),
    ] {
        let response = a.send(method, &path, json!({ "name": "mine now" })).await;
        assert_error(&response, 404, "not_found", "no such API key");
    }
    assert_eq!(b.get(&path).await.status, 200);

    let body = json!({ "name": "k", "project_id": "proj_b" });
    assert_eq!(a.create(body.clone()).await.status, 404);
    assert_eq!(b.create(body).await.status, 201);
    assert_eq!(a.in_project("proj_b").list("").await.status, 404);
    for (caller, id) in [(&a, "proj_a"), (&b, "proj_b")] {
        let named = caller.with_header("x-kernel-project", "Same").get(CONTEXT).await.json();
        assert_eq!(named["authorization"]["effective_scope"]["project_id"], id);
    }
    let made = b.create(json!({ "name": "k" })).await.text_of("id");
    let rotated = b.post(&format!("/org/api_keys/{made}/rotate"), json!({})).await.text_of("id");
    for id in [made, rotated] {
        assert_eq!(server.key(&id).unwrap().organization_id, "org_b");
    }
}

#[tokio::test]
async fn an_organization_can_be_added_at_any_time() {
    let server = Server::start().await.unwrap();
    assert_eq!(server.bootstrap_key_of("org_main").as_deref(), Some(server.bootstrap_key()));
    assert_eq!(server.bootstrap_key_of("org_late"), None);
    let first = server.add_organization("org_late");
    assert_eq!(server.add_organization("org_late"), first, "it is there");
    assert_eq!(server.bootstrap_key_of("org_late"), Some(first.clone()));
    assert_eq!(Api::new(&server).with_key(&first).list("").await.names(), ["bootstrap"]);
}

#[tokio::test]
async fn the_context_says_who_is_asking() {
    let (server, api) = server().await;
    let scoped = server.add_key(NewKey::named("k").project("proj_a"));
    let id = server.keys()[0].id.clone();
    let context = |id: &str, own: Option<&str>, effective: Option<&str>| {
        json!({
            "authentication": { "method": "api_key", "source": "api_key", "credential_id": id },
            "authorization": {
                "credential_scope": { "project_id": own },
                "effective_scope": { "project_id": effective },
            },
            "organization": { "id": "org_main" },
            "principal": { "id": id, "type": "api_key" },
        })
    };
    assert_eq!(api.get(CONTEXT).await.json(), context(&id, None, None));
    let within = api.in_project("proj_b").get(CONTEXT).await;
    assert_eq!(within.json(), context(&id, None, Some("proj_b")));
    let of_project = api.with_key(scoped.plaintext()).get(CONTEXT).await;
    assert_eq!(of_project.json(), context(&scoped.id, Some("proj_a"), Some("proj_a")));
    assert_error(&api.with_key("sk_no").get(CONTEXT).await, 401, "unauthorized", "API key");
    let wrong = api.send("POST", CONTEXT, Value::Null).await;
    assert_error(&wrong, 405, "method_not_allowed", "GET");
}

#[tokio::test]
async fn the_context_can_be_forbidden_or_missing() {
    for (available, status, code) in [
        (AuthContext::Available, 200, Value::Null),
        (AuthContext::Forbidden, 403, json!("insufficient_scope")),
        (AuthContext::Missing, 404, json!("not_found")),
    ] {
        let server = Server::builder().auth_context(available).start().await.unwrap();
        let response = Api::new(&server).get(CONTEXT).await;
        assert_eq!((response.status, &response.json()["code"]), (status, &code));
        assert_eq!(Api::new(&server).list("").await.status, 200);
    }
}
