//! Each operation as it travels: method, path, query, headers and body, to the byte where it
//! matters, and every response that the document names and some that it does not.

use httpmock::Method::{DELETE, GET, PATCH, POST};
use httpmock::prelude::*;
use onkernel::prelude::*;
use onkernel::types::{self, ApiKeyPolicy, ApiKeyPolicyStatement, ApiKeysStatus};
use serde_json::{Value, json};

const KEY: &str = "sk_caller0123456789abcdefghij";

fn client(server: &MockServer) -> Client {
    Client::builder().api_key(KEY).base_url(server.base_url()).retries(0).build().unwrap()
}

fn listed() -> Value {
    json!({
        "id": "key_1",
        "name": "ci",
        "created_at": "2026-01-02T03:04:05Z",
        "created_by": { "id": "user_1", "email": "a@example.com", "name": null },
        "expires_at": null,
        "deleted_at": null,
        "project_id": "proj_1",
        "project_name": "One",
        "masked_key": "sk_1234...abcd"
    })
}

fn created() -> Value {
    let mut key = listed();
    key["key"] = json!("sk_1234567890123456789012abcd");
    key
}

#[tokio::test]
async fn create_sends_the_key_and_only_what_was_set() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/org/api_keys")
                .header("authorization", format!("Bearer {KEY}"))
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .json_body(json!({ "name": "ci" }));
            then.status(201).json_body(created());
        })
        .await;
    let response = client(&server).api_keys().create("ci").send_raw().await.unwrap();
    mock.assert_async().await;
    assert_eq!(response.status().as_u16(), 201);
    assert_eq!(response.id, "key_1");
    assert_eq!(response.key.expose(), "sk_1234567890123456789012abcd");
    assert_eq!(response.created_by.name, None);
    assert!(response.policy.is_none());
}

#[tokio::test]
async fn an_optional_nullable_field_is_left_out_null_or_a_value() {
    let server = MockServer::start_async().await;
    for (request, body) in [
        (client(&server).api_keys().create("a"), json!({ "name": "a" })),
        (
            client(&server).api_keys().create("b").days_to_expire(Null),
            json!({ "name": "b", "days_to_expire": null }),
        ),
        (
            client(&server).api_keys().create("c").days_to_expire(3650).project_id("proj_1"),
            json!({ "name": "c", "days_to_expire": 3650, "project_id": "proj_1" }),
        ),
        (
            client(&server).api_keys().create("d").project_id(Null),
            json!({ "name": "d", "project_id": null }),
        ),
    ] {
        let mock = server
            .mock_async(|when, then| {
                when.method(POST).path("/org/api_keys").json_body(body);
                then.status(201).json_body(created());
            })
            .await;
        request.send().await.unwrap();
        mock.assert_async().await;
        mock.delete_async().await;
    }
}

#[tokio::test]
async fn create_can_restrict_and_set_an_exact_expiry() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST).path("/org/api_keys").json_body(json!({
                "name": "ci",
                "expires_at": "2027-01-02T03:04:05Z",
                "policy": { "statements": [
                    { "action": "browsers:use", "resource": "projects/proj_1/browsers/*" }
                ] }
            }));
            then.status(201).json_body(created());
        })
        .await;
    let statement = ApiKeyPolicyStatement::new("browsers:use", "projects/proj_1/browsers/*");
    let policy = ApiKeyPolicy::new([statement]);
    client(&server)
        .api_keys()
        .create("ci")
        .expires_at("2027-01-02T03:04:05Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        .policy(policy)
        .send()
        .await
        .unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn list_sends_every_filter_and_no_default() {
    let server = MockServer::start_async().await;
    let bare = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/org/api_keys")
                .is_true(|request| request.query_params().is_empty());
            then.status(200).json_body(json!([listed()]));
        })
        .await;
    assert_eq!(client(&server).api_keys().list().send().await.unwrap().len(), 1);
    bare.assert_async().await;
    let full = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/org/api_keys")
                .query_param("limit", "100")
                .query_param("offset", "40")
                .query_param("query", "a b&c=d/é")
                .query_param("name", "ci")
                .query_param("sort_by", "expires_at")
                .query_param("sort_direction", "asc")
                .query_param("status", "all")
                .query_param("include_deleted", "true");
            then.status(200).json_body(json!([]));
        })
        .await;
    #[allow(deprecated)]
    let listed = client(&server)
        .api_keys()
        .list()
        .limit(100)
        .offset(40)
        .query("a b&c=d/é")
        .name("ci")
        .sort_by(SortBy::ExpiresAt)
        .sort_direction(types::SortDirection::Asc)
        .status(ApiKeysStatus::All)
        .include_deleted(true)
        .send()
        .await
        .unwrap();
    full.assert_async().await;
    assert!(listed.is_empty());
}

#[tokio::test]
async fn get_rename_and_delete_name_the_key_in_the_path() {
    let server = MockServer::start_async().await;
    let get = server
        .mock_async(|when, then| {
            when.method(GET).path("/org/api_keys/key_1").query_param("include_deleted", "true");
            then.status(200).json_body(listed());
        })
        .await;
    let rename = server
        .mock_async(|when, then| {
            when.method(PATCH).path("/org/api_keys/key_1").json_body(json!({ "name": "new" }));
            then.status(200).json_body(listed());
        })
        .await;
    let delete = server
        .mock_async(|when, then| {
            when.method(DELETE).path("/org/api_keys/key_1");
            then.status(204);
        })
        .await;
    let client = client(&server);
    let key = client.api_keys().get("key_1").include_deleted(true).send().await.unwrap();
    assert_eq!(key.masked_key, "sk_1234...abcd");
    client.api_keys().update("key_1", "new").send().await.unwrap();
    let gone = client.api_keys().delete("key_1").send_raw().await.unwrap();
    assert_eq!(gone.status().as_u16(), 204);
    for mock in [get, rename, delete] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn a_body_that_may_be_left_out_is_left_out() {
    let server = MockServer::start_async().await;
    let bare = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/org/api_keys/key_1/rotate")
                .header_missing("content-type")
                .body("");
            then.status(201).json_body(created());
        })
        .await;
    let client = client(&server);
    client.api_keys().rotate("key_1").send().await.unwrap();
    bare.assert_async().await;
    let full = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/org/api_keys/key_1/rotate")
                .json_body(json!({ "days_to_expire": null, "expire_in_days": 0 }));
            then.status(201).json_body(created());
        })
        .await;
    client.api_keys().rotate("key_1").days_to_expire(Null).expire_in_days(0).send().await.unwrap();
    full.assert_async().await;
}

#[tokio::test]
async fn what_the_document_forbids_never_leaves_the_process() {
    let server = MockServer::start_async().await;
    let any = server
        .mock_async(|_, then| {
            then.status(500);
        })
        .await;
    let client = client(&server);
    let create = |name: &str| client.api_keys().create(name);
    let rejected = [
        (create("").send().await.err(), "name must have 1 to 255 characters, but has 0"),
        (
            create(&"é".repeat(256)).send().await.err(),
            "name must have 1 to 255 characters, but has 256",
        ),
        (
            create("a").days_to_expire(4000).send().await.err(),
            "days_to_expire must be between 1 and 3650, but is 4000",
        ),
        (
            create("a").days_to_expire(0).send().await.err(),
            "days_to_expire must be between 1 and 3650, but is 0",
        ),
        (
            client.api_keys().list().limit(101).send().await.err(),
            "limit must be at most 100, but is 101",
        ),
        (
            client.api_keys().list().sort_by(SortBy::Unknown("age".to_owned())).send().await.err(),
            "sort_by must be one of `created_at`, `name`, `expires_at`, not `age`",
        ),
        (
            client
                .api_keys()
                .list()
                .status(ApiKeysStatus::Unknown("odd".to_owned()))
                .send()
                .await
                .err(),
            "status must be one of `active`, `deleted`, `all`, not `odd`",
        ),
        (
            client.api_keys().rotate("key_1").expire_in_days(-1).send().await.err(),
            "expire_in_days must be between 0 and 3650, but is -1",
        ),
        (
            client.api_keys().list().limit(u64::MAX).send().await.err(),
            "limit must be at most 100, but is 18446744073709551615",
        ),
        (
            client.api_keys().rotate("key_1").days_to_expire(i128::MAX).send().await.err(),
            "days_to_expire must be between 1 and 3650, but is \
             170141183460469231731687303715884105727",
        ),
        (
            client.api_keys().list().offset(u64::MAX).send().await.err(),
            "offset must be between -9223372036854775808 and 9223372036854775807, but is \
             18446744073709551615",
        ),
    ];
    for (error, expected) in rejected {
        let error = error.unwrap();
        assert!(error.is_invalid_request(), "{error}");
        let plain = error.to_string().replace('`', "");
        assert!(plain.contains(&expected.replace('`', "")), "{error} does not say: {expected}");
    }
    for id in ["", ".", ".."] {
        let error = client.api_keys().delete(id).send().await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
    }
    any.assert_calls_async(0).await;
}

#[tokio::test]
async fn an_id_is_one_segment_of_the_path_whatever_it_holds() {
    let server = MockServer::start_async().await;
    let any = server
        .mock_async(|when, then| {
            when.is_true(|request| {
                request.uri().path() == "/org/api_keys/..%5C..%2Fa%20b%25%3Fc%23%C3%A9"
            });
            then.status(204);
        })
        .await;
    client(&server).api_keys().delete("..\\../a b%?c#é").send().await.unwrap();
    any.assert_async().await;
}

#[tokio::test]
async fn the_project_travels_in_a_header() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET).path("/org/api_keys").header("x-kernel-project-id", "proj_1");
            then.status(200).json_body(json!([]));
        })
        .await;
    let client = Client::builder()
        .api_key(KEY)
        .base_url(server.base_url())
        .project_id("proj_1")
        .build()
        .unwrap();
    client.api_keys().list().send().await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn every_documented_rejection_keeps_what_the_server_said() {
    let server = MockServer::start_async().await;
    for (status, code) in
        [(400, "bad_request"), (401, "unauthorized"), (404, "not_found"), (500, "internal")]
    {
        let mock = server
            .mock_async(|when, then| {
                when.path("/org/api_keys/key_1");
                then.status(status).header("x-request-id", "req_7").json_body(json!({
                    "code": code,
                    "message": "in words",
                    "details": [{ "code": "d1", "message": "more" }],
                    "inner_error": { "code": "i1" }
                }));
            })
            .await;
        let error = client(&server).api_keys().get("key_1").send().await.unwrap_err();
        mock.delete_async().await;
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status));
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.message(), Some("in words"));
        assert_eq!(error.request_id(), Some("req_7"));
        assert_eq!(error.details().len(), 1);
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_unauthorized(), status == 401);
        assert_eq!(error.is_bad_request(), status == 400);
        assert_eq!(error.is_server_error(), status == 500);
        let line = error.to_string();
        assert!(line.contains("api_keys.get") && line.contains("in words"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn responses_outside_the_document_keep_status_and_text() {
    let server = MockServer::start_async().await;
    for (status, content_type, body, shown) in [
        (502, "text/html", "<html><title>Bad Gateway</title><h1>nginx</h1></html>", "Bad Gateway"),
        (500, "application/json", "", "500"),
        (401, "text/plain", "who are you", "who are you"),
        (403, "application/json", r#"{"code":"forbidden","message":"no"}"#, "no"),
        (409, "application/json", r#"{"unexpected":1}"#, "409"),
        (418, "text/plain", "teapot", "teapot"),
    ] {
        let mock = server
            .mock_async(|when, then| {
                when.path("/org/api_keys/key_1");
                then.status(status).header("content-type", content_type).body(body);
            })
            .await;
        let error = client(&server).api_keys().get("key_1").send().await.unwrap_err();
        mock.delete_async().await;
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status), "{error}");
        let all = format!("{error} {:?}", error.body_excerpt());
        assert!(all.contains(shown), "{all} does not show {shown}");
    }
    let limited = server
        .mock_async(|when, then| {
            when.path("/org/api_keys/key_1");
            then.status(429).header("retry-after", "7").body("slow down");
        })
        .await;
    let error = client(&server).api_keys().get("key_1").send().await.unwrap_err();
    limited.delete_async().await;
    assert!(error.is_rate_limited());
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
}

#[tokio::test]
async fn responses_are_read_for_what_they_hold() {
    let server = MockServer::start_async().await;
    let mut sparse = listed();
    // Required and nullable, and left out all the same; and a field of next year.
    for name in ["expires_at", "deleted_at", "project_id", "project_name"] {
        sparse.as_object_mut().unwrap().remove(name);
    }
    sparse["scopes"] = json!(["all"]);
    sparse["created_by"]["team"] = json!("x");
    let mock = server
        .mock_async(|when, then| {
            when.path("/org/api_keys/key_1");
            then.status(200).json_body(sparse);
        })
        .await;
    let key = client(&server).api_keys().get("key_1").send().await.unwrap();
    mock.delete_async().await;
    assert_eq!((&key.expires_at, &key.project_id), (&None, &None));

    for missing in ["id", "name", "created_at", "created_by", "masked_key"] {
        let mut broken = listed();
        broken.as_object_mut().unwrap().remove(missing);
        let mock = server
            .mock_async(|when, then| {
                when.path("/org/api_keys/key_1");
                then.status(200).json_body(broken);
            })
            .await;
        let error = client(&server).api_keys().get("key_1").send().await.unwrap_err();
        mock.delete_async().await;
        assert!(error.is_decode(), "without {missing}: {error}");
    }
}
