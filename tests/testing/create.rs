//! Creating a key: every field, every expiry, every reason to reject it.

use onkernel::testing::NewKey;
use serde_json::json;

use crate::support::{assert_error, server};

#[tokio::test]
async fn a_created_key_has_every_field_and_its_plaintext_once() {
    let (server, api) = server().await;
    let response = api.create(json!({ "name": "ci", "days_to_expire": 30 })).await;
    assert_eq!(response.status, 201);
    assert_eq!(response.header("content-type"), "application/json");
    let key = response.json();
    let (id, plaintext) = (response.text_of("id"), response.text_of("key"));
    assert_eq!(
        key,
        json!({
            "id": id,
            "name": "ci",
            "created_at": "2026-11-01T12:00:00Z",
            "created_by": { "id": "user_owner", "email": "owner@example.com", "name": "Owner" },
            "expires_at": "2026-12-01T12:00:00Z",
            "deleted_at": null,
            "project_id": null,
            "project_name": null,
            "masked_key": format!("{}...{}", &plaintext[..7], &plaintext[plaintext.len() - 4..]),
            "key": plaintext,
        })
    );
    assert!(id.len() == 25 && id.starts_with('c'), "{id}");
    assert!(plaintext.len() == 51 && plaintext.starts_with("sk_"));
    assert_eq!(server.key(&id).unwrap().plaintext(), plaintext);

    let mut shown = api.get(&format!("/org/api_keys/{id}")).await.json();
    shown["key"] = json!(plaintext);
    assert_eq!(shown, key, "get shows the same without the plaintext");
    assert_eq!(api.with_key(&plaintext).list("").await.status, 200);
}

#[tokio::test]
async fn an_expiry_is_days_or_an_exact_time_or_never() {
    let (_server, api) = server().await;
    for (body, expected) in [
        (json!({}), json!(null)),
        (json!({ "days_to_expire": null }), json!(null)),
        (json!({ "days_to_expire": 1 }), json!("2026-11-02T12:00:00Z")),
        (json!({ "days_to_expire": 3650 }), json!("2036-10-29T12:00:00Z")),
        (json!({ "days_to_expire": 2.0 }), json!("2026-11-03T12:00:00Z")),
        (
            json!({ "expires_at": "2026-11-01T14:00:00.123456+01:00" }),
            json!("2026-11-01T13:00:00.123456Z"),
        ),
        (json!({ "expires_at": "2026-11-05T00:00:00Z", "days_to_expire": null }), {
            json!("2026-11-05T00:00:00Z")
        }),
        (json!({ "expires_at": null, "days_to_expire": 1 }), json!("2026-11-02T12:00:00Z")),
        (json!({ "something": "unknown" }), json!(null)),
    ] {
        let mut body = body;
        body["name"] = json!("k");
        let response = api.create(body.clone()).await;
        assert_eq!(response.status, 201, "{body}: {}", response.text);
        assert_eq!(response.json()["expires_at"], expected, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_created_is_rejected_with_every_reason() {
    let (server, api) = server().await;
    let long = "é".repeat(256);
    let days = "a whole number from 1 to 3650";
    for (body, says) in [
        (json!({}), "name is missing"),
        (json!({ "name": null }), "name must be a string"),
        (json!({ "name": 7 }), "name must be a string"),
        (json!({ "name": "" }), "1 to 255 characters"),
        (json!({ "name": long }), "1 to 255 characters"),
        (json!({ "name": "k", "days_to_expire": 0 }), days),
        (json!({ "name": "k", "days_to_expire": 3651 }), days),
        (json!({ "name": "k", "days_to_expire": 1.5 }), days),
        (json!({ "name": "k", "days_to_expire": "30" }), days),
        (json!({ "name": "k", "expires_at": "tomorrow" }), "RFC 3339"),
        (json!({ "name": "k", "expires_at": 1 }), "RFC 3339"),
        (json!({ "name": "k", "expires_at": "2026-11-01T12:00:00Z" }), "in the future"),
        (
            json!({ "name": "k", "expires_at": "2027-01-01T00:00:00Z", "days_to_expire": 3 }),
            "not both",
        ),
        (json!({ "name": "k", "project_id": "" }), "project_id must be"),
        (json!({ "name": "k", "project_id": 1 }), "project_id must be"),
        (json!({ "name": "k", "policy": [] }), "list of statements"),
        (json!({ "name": "k", "policy": null }), "list of statements"),
        (
            json!({ "name": "k", "policy": { "statements": [1] } }),
            "statements[0] must be an object",
        ),
        (
            json!({ "name": "k", "policy": { "statements": [{ "action": "*" }] } }),
            "statements[0].resource",
        ),
        (
            json!({ "name": "k", "policy": { "statements": [{ "action": "", "resource": "*" }] } }),
            "statements[0].action",
        ),
        (json!([]), "a JSON object"),
        (json!("name"), "a JSON object"),
    ] {
        assert_error(&api.create(body).await, 400, "bad_request", says);
    }
    let both = api.create(json!({ "days_to_expire": 0 })).await;
    assert_error(&both, 400, "bad_request", "name is missing; days_to_expire must be");
    assert_eq!(both.json()["details"][0]["code"], "missing_name");
    assert_eq!(both.json()["details"][1]["code"], "invalid_expiry");
    assert_eq!(both.json()["inner_error"]["code"], "missing_name");
    assert_eq!(server.keys().len(), 1, "nothing was created");

    let longest = "é".repeat(255);
    assert_eq!(api.create(json!({ "name": longest })).await.status, 201, "characters, not bytes");
}

#[tokio::test]
async fn an_exact_expiry_may_not_pass_the_callers_own() {
    let (server, api) = server().await;
    let caller = server.add_key(NewKey::named("caller").days(10));
    let api = api.with_key(caller.plaintext());
    let late = api.create(json!({ "name": "k", "expires_at": "2026-11-11T12:00:01Z" })).await;
    assert_error(&late, 400, "bad_request", "own expiry, 2026-11-11T12:00:00Z");
    let same = api.create(json!({ "name": "k", "expires_at": "2026-11-11T12:00:00Z" })).await;
    assert_eq!(same.status, 201);
}

#[tokio::test]
async fn a_project_is_chosen_within_what_the_caller_may_see() {
    let (server, api) = server().await;
    let scoped = server.add_key(NewKey::named("scoped").project("proj_a"));
    let scoped = api.with_key(scoped.plaintext());
    for (caller, project, expected) in [
        (&api, json!(null), Some(json!(null))),
        (&api, json!("proj_b"), Some(json!("proj_b"))),
        (&api, json!("proj_x"), None),
        (&scoped, json!("proj_a"), Some(json!("proj_a"))),
        (&scoped, json!("proj_b"), None),
        (&scoped, json!("proj_x"), None),
        (&scoped, json!(null), None),
        (&api.in_project("proj_b"), json!("proj_b"), Some(json!("proj_b"))),
        (&api.in_project("proj_b"), json!("proj_a"), None),
        (&api.in_project("proj_x"), json!("proj_x"), None),
        (&scoped.in_project("proj_a"), json!("proj_a"), Some(json!("proj_a"))),
        (&scoped.in_project("proj_b"), json!("proj_b"), None),
    ] {
        let response = caller.create(json!({ "name": "k", "project_id": project })).await;
        match expected {
            Some(expected) => assert_eq!(response.json()["project_id"], expected),
            None => assert_error(&response, 404, "not_found", "no such project"),
        }
    }
    let own = scoped.create(json!({ "name": "k" })).await.json();
    assert_eq!((&own["project_id"], &own["project_name"]), (&json!("proj_a"), &json!("Alpha")));
    let header = api.in_project("proj_b").create(json!({ "name": "k" })).await.json();
    assert_eq!(header["project_id"], "proj_b");
}
