//! Renaming, deleting and rotating.

use chrono::Duration;
use onkernel::testing::{NewKey, Policy};
use serde_json::json;

use crate::support::{Api, assert_error, noon, server};

#[tokio::test]
async fn a_name_can_be_changed() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("before"));
    let path = format!("/org/api_keys/{}", key.id);
    let response = api.send("PATCH", &path, json!({ "name": "after" })).await;
    assert_eq!((response.status, response.text_of("name").as_str()), (200, "after"));
    assert_eq!(response.json().get("key"), None);
    assert_eq!(server.key(&key.id).unwrap().name, "after");
    for body in [json!({}), json!({ "name": "" }), json!({ "name": "x".repeat(256) })] {
        assert_error(&api.send("PATCH", &path, body).await, 400, "bad_request", "name");
    }
    let empty = Api::finish(api.request("PATCH", &path)).await.unwrap();
    assert_error(&empty, 400, "bad_request", "application/json");
    assert!(server.delete(&key.id));
    let gone = api.send("PATCH", &path, json!({ "name": "late" })).await;
    assert_error(&gone, 404, "not_found", "no such API key");
}

#[tokio::test]
async fn a_key_is_deleted_once_and_not_by_itself() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let own = api.with_key(key.plaintext()).delete(&key.id).await;
    assert_error(&own, 400, "cannot_delete_current_key", "cannot delete itself");
    assert!(server.authenticates(key.plaintext()));
    assert_eq!(api.delete(&key.id).await.status, 204);
    assert!(!server.authenticates(key.plaintext()));
    assert_error(&api.delete(&key.id).await, 404, "not_found", "no such API key");
    assert_error(&api.delete("unknown").await, 404, "not_found", "no such API key");
}

#[tokio::test]
async fn rotation_copies_what_the_key_is_and_ends_the_old_one() {
    let (server, api) = server().await;
    let policy = Policy::new().allow("browsers:use", "*");
    let new = NewKey::named("ci").project("proj_a").days(90).policy(policy.clone());
    let old = server.add_key(new.created_at(noon() - Duration::days(10)));
    assert!(server.set_extra(&old.id, "ip_allowlist", json!(["10.0.0.0/8"])));
    let path = format!("/org/api_keys/{}/rotate", old.id);
    let response = Api::finish(api.request("POST", &path)).await.unwrap();
    assert_eq!(response.status, 201, "no body at all: {}", response.text);
    let made = server.key(&response.text_of("id")).unwrap();
    assert_eq!(made.plaintext(), response.text_of("key"));
    assert_eq!(response.json()["ip_allowlist"], json!(["10.0.0.0/8"]));
    assert_eq!(
        (&*made.name, made.project_id.as_deref(), made.project_name.as_deref(), made.policy),
        ("ci", Some("proj_a"), Some("Alpha"), Some(policy))
    );
    assert_eq!(made.expires_at, Some(noon() + Duration::days(90)), "the lifetime it was made with");
    let old = server.key(&old.id).unwrap();
    assert_eq!(old.expires_at, Some(noon() + Duration::days(7)));
    assert!(old.deleted_at.is_none() && server.authenticates(old.plaintext()));
}

#[tokio::test]
async fn rotation_takes_a_lifetime_and_a_grace_period() {
    let day = |days| Some(noon() + Duration::days(days));
    for (lifetime, body, new_end, old_end) in [
        (None, json!({}), None, day(7)),
        (Some(30), json!({ "days_to_expire": null }), None, day(7)),
        (Some(30), json!({ "days_to_expire": 7 }), day(7), day(7)),
        (Some(2), json!({ "expire_in_days": 2 }), day(2), day(2)),
        (None, json!({ "expire_in_days": null }), None, day(7)),
        (None, json!({ "expire_in_days": 0 }), None, day(0)),
        (Some(30), json!({ "expire_in_days": 3650, "days_to_expire": 3650 }), day(3650), day(30)),
    ] {
        let (server, api) = server().await;
        let new = NewKey::named("k");
        let old = server.add_key(match lifetime {
            Some(days) => new.days(days),
            None => new,
        });
        let response = api.post(&format!("/org/api_keys/{}/rotate", old.id), body.clone()).await;
        assert_eq!(response.status, 201, "{body}: {}", response.text);
        assert_eq!(server.key(&response.text_of("id")).unwrap().expires_at, new_end, "{body}");
        assert_eq!(server.key(&old.id).unwrap().expires_at, old_end, "{body}");
        assert_eq!(server.authenticates(old.plaintext()), old_end != day(0), "{body}");
    }
}

/// Else it would leave its owner with no key before the old one has gone.
#[tokio::test]
async fn a_rotation_into_less_than_the_grace_period_is_rejected() {
    let (server, api) = server().await;
    let short = server.add_key(NewKey::named("k").days(2));
    let (long, before) = (server.add_key(NewKey::named("k")), server.keys());
    for (id, body) in [
        (&long.id, json!({ "days_to_expire": 6 })),
        (&long.id, json!({ "days_to_expire": 30, "expire_in_days": 31 })),
        (&short.id, json!({})),
        (&short.id, json!({ "expire_in_days": 3 })),
    ] {
        let response = api.post(&format!("/org/api_keys/{id}/rotate"), body.clone()).await;
        assert_error(&response, 400, "bad_request", "would expire before the old one");
        assert_eq!(response.json()["details"][0]["code"], "invalid_expiry", "{body}");
    }
    assert!(server.keys() == before, "nothing was done");
}

#[tokio::test]
async fn a_rotated_key_keeps_the_lifetime_it_was_made_with() {
    let (server, api) = server().await;
    let old = server.add_key(NewKey::named("k").days(30));
    let path = format!("/org/api_keys/{}/rotate", old.id);
    api.post(&path, json!({ "expire_in_days": 1 })).await;
    let again = api.post(&path, json!({})).await;
    assert_eq!(again.text_of("expires_at"), "2026-12-01T12:00:00Z", "not the grace period");
}

#[tokio::test]
async fn what_cannot_be_rotated_is_rejected() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("/org/api_keys/{}/rotate", key.id);
    for (body, says) in [
        (json!({ "days_to_expire": 0 }), "days_to_expire must be a whole number from 1 to 3650"),
        (json!({ "days_to_expire": 3651 }), "days_to_expire"),
        (json!({ "expire_in_days": -1 }), "expire_in_days must be a whole number from 0 to 3650"),
        (json!({ "expire_in_days": 3651 }), "expire_in_days"),
        (json!([]), "a JSON object"),
    ] {
        assert_error(&api.post(&path, body).await, 400, "bad_request", says);
    }
    assert_eq!(server.key(&key.id).unwrap(), key, "untouched");
    let unknown = api.post("/org/api_keys/unknown/rotate", json!({})).await;
    assert_error(&unknown, 404, "not_found", "no such API key");
    assert!(server.delete(&key.id));
    assert_error(&api.post(&path, json!({})).await, 404, "not_found", "no such API key");
}

#[tokio::test]
async fn a_key_can_rotate_itself() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let own = api.with_key(key.plaintext());
    let path = format!("/org/api_keys/{}/rotate", key.id);
    let response = own.post(&path, json!({ "expire_in_days": 0 })).await;
    assert_eq!(response.status, 201);
    assert_eq!(own.list("").await.status, 401, "it expired at once");
    assert_eq!(api.with_key(&response.text_of("key")).list("").await.status, 200);
}
