//! The embedded server keeps to the facts of the API-keys resource, seen over a real socket.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod testing_support;

use chrono::{DateTime, Duration, TimeZone, Utc};
use onkernel::testing::{Creator, Effect, KeyRecord, NewKey, Policy, Server};
use serde_json::{Value, json};
use testing_support::Api;

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 1, 12, 0, 0).unwrap()
}

async fn server() -> (Server, Api) {
    let builder = Server::builder().start_at(noon());
    let builder = builder.project("proj_a", "Alpha").project("proj_b", "Beta");
    let server = builder.start().await.unwrap();
    let api = Api::new(&server);
    (server, api)
}

fn assert_error(answer: &testing_support::Answer, status: u16, code: &str, says: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let error = answer.json();
    assert_eq!(error["code"], code, "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("x-request-id").starts_with("req_"), "{:?}", answer.headers);
}

// Creating.

#[tokio::test]
async fn a_created_key_has_every_field_and_its_plaintext_once() {
    let (server, api) = server().await;
    let answer = api.create(json!({ "name": "ci", "days_to_expire": 30 })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), "application/json");
    let key = answer.json();
    let (id, plaintext) = (answer.text_of("id"), answer.text_of("key"));
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
        (json!({ "something": "unknown" }), json!(null)),
    ] {
        let mut body = body;
        body["name"] = json!("k");
        let answer = api.create(body.clone()).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.text);
        assert_eq!(answer.json()["expires_at"], expected, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_with_every_reason() {
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
        (json!({ "name": "k", "expires_at": null }), "RFC 3339"),
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
        let answer = caller.create(json!({ "name": "k", "project_id": project })).await;
        match expected {
            Some(expected) => assert_eq!(answer.json()["project_id"], expected),
            None => assert_error(&answer, 404, "not_found", "no such project"),
        }
    }
    let own = scoped.create(json!({ "name": "k" })).await.json();
    assert_eq!((&own["project_id"], &own["project_name"]), (&json!("proj_a"), &json!("Alpha")));
    let header = api.in_project("proj_b").create(json!({ "name": "k" })).await.json();
    assert_eq!(header["project_id"], "proj_b");
}

// Who may ask.

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
            let answer = scoped.send(method, &path, json!({ "name": "taken" })).await;
            assert_error(&answer, 404, "not_found", "no such API key");
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
        let answer = confused.list("").await;
        assert_error(&answer, 404, "not_found", "no such project");
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
            let answer = caller.send(method, path, json!({ "name": "k" })).await;
            assert_error(&answer, 403, "forbidden", "does not allow api_keys:");
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

// Looking.

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let (server, api) = server().await;
    for number in 2..=45 {
        server.add_key(NewKey::named(format!("k{number:02}")));
    }
    let first = api.list("").await;
    assert_eq!(first.names().len(), 20);
    assert_eq!(first.names()[0], "k45", "the newest first");
    assert_eq!((first.header("x-has-more"), first.header("x-next-offset")), ("true", "20"));

    let mut seen = Vec::new();
    let mut offset = 0;
    loop {
        let page = api.list(&format!("limit=15&sort_direction=asc&offset={offset}")).await;
        seen.extend(page.names());
        offset = page.header("x-next-offset").parse().unwrap();
        assert_eq!(page.header("x-has-more"), (offset != 0).to_string());
        if offset == 0 {
            break;
        }
    }
    let expected: Vec<String> = server.keys().into_iter().map(|key| key.name).collect();
    assert_eq!(seen, expected);

    let exact = api.list("limit=45").await;
    assert_eq!((exact.header("x-has-more"), exact.header("x-next-offset")), ("false", "0"));
    let beyond = api.list("offset=9223372036854775807").await;
    assert_eq!(beyond.names(), Vec::<String>::new());
    assert_eq!((beyond.header("x-has-more"), beyond.header("x-next-offset")), ("false", "0"));
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused() {
    let (_server, api) = server().await;
    let to_100 = "limit must be a whole number from 1 to 100";
    for (query, says) in [
        ("limit=0", to_100),
        ("limit=-1", to_100),
        ("limit=101", to_100),
        ("limit=ten", to_100),
        ("limit=1.5", to_100),
        ("limit=", to_100),
        ("offset=-1", "offset must be a whole number from 0"),
        ("offset=x", "offset must be a whole number from 0"),
        ("offset=9223372036854775808", "offset must be a whole number from 0"),
        ("sort_by=id", "sort_by must be one of created_at, name, expires_at"),
        ("sort_direction=up", "sort_direction must be one of desc, asc"),
        ("status=expired", "status must be one of active, deleted, all"),
        ("include_deleted=yes", "include_deleted must be one of false, true"),
        ("limit=1&limit=2", "limit is given more than once"),
    ] {
        assert_error(&api.list(query).await, 400, "bad_request", says);
    }
    let flag = api.get("/org/api_keys/unknown?include_deleted=1").await;
    assert_error(&flag, 400, "bad_request", "include_deleted must be");
    assert_eq!(api.list("limit=1&unknown=1&unknown=2").await.status, 200);
    assert_eq!(api.list("limit=100").await.status, 200);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let (server, api) = server().await;
    let jane = Creator::new("user_2", "jane@corp.example").name("Jane Döe");
    let deploy = server.add_key(NewKey::named("Deploy éclair").created_by(jane));
    server.add_key(NewKey::named("deploy").project("proj_a"));
    server.add_key(NewKey::named("100% + more").project("proj_b"));
    let gone = server.add_key(NewKey::named("deploy"));
    assert!(server.delete(&gone.id));
    let expired = server.add_key(NewKey::named("expired").days(1));
    server.advance(Duration::days(2));

    let names = async |query: &str| api.list(&format!("sort_direction=asc&{query}")).await.names();
    let all = ["bootstrap", "Deploy éclair", "deploy", "100% + more", "expired"];
    assert_eq!(names("").await, all, "expired keys are listed, deleted ones are not");
    assert_eq!(names("query=").await, all);
    assert_eq!(names("name=DEPLOY").await, ["deploy"], "exact, whatever the case");
    assert_eq!(names("name=deploy&status=all").await, ["deploy", "deploy"]);
    assert_eq!(names("name=deploy&include_deleted=true").await, ["deploy", "deploy"]);
    assert_eq!(names("name=").await, Vec::<String>::new());
    assert_eq!(names("name=100%25+%2B%20more").await, ["100% + more"]);
    assert_eq!(names("status=deleted").await, ["deploy"]);
    assert_eq!(names("status=deleted&include_deleted=false").await, ["deploy"]);
    assert_eq!(names("query=EPLO").await, ["Deploy éclair", "deploy"]);
    assert_eq!(names("query=%C3%89CLAIR").await, ["Deploy éclair"]);
    assert_eq!(names("query=jane@CORP").await, ["Deploy éclair"]);
    assert_eq!(names("query=d%C3%B6e").await, ["Deploy éclair"]);
    assert_eq!(names("query=alph").await, ["deploy"], "the project's name");
    assert_eq!(names("query=roj_b").await, ["100% + more"], "the project's id");
    assert_eq!(names(&format!("query={}", deploy.id)).await, ["Deploy éclair"]);
    assert_eq!(names(&format!("query={}", &deploy.id[..12])).await, ["Deploy éclair"]);
    assert_eq!(names(&format!("query={}", &deploy.id[5..])).await, Vec::<String>::new());
    assert_eq!(names(&format!("query={}", expired.masked_key)).await, ["expired"]);
    assert_eq!(names(&format!("query={}", &expired.masked_key[..7])).await, ["expired"]);
    assert_eq!(names("query=deploy&name=deploy&limit=1").await, ["deploy"]);
}

#[tokio::test]
async fn keys_are_sorted_by_each_field_both_ways() {
    let (server, api) = server().await;
    server.add_key(NewKey::named("beta").created_at(noon() - Duration::days(2)).days(30));
    server.add_key(NewKey::named("Alpha").created_at(noon() - Duration::days(1)).days(1));
    server.add_key(NewKey::named("gamma").created_at(noon() - Duration::days(1)));
    for (query, expected) in [
        ("sort_by=created_at&sort_direction=asc", ["beta", "Alpha", "gamma", "bootstrap"]),
        ("sort_by=created_at", ["bootstrap", "gamma", "Alpha", "beta"]),
        ("sort_by=name&sort_direction=asc", ["Alpha", "beta", "bootstrap", "gamma"]),
        ("sort_by=name&sort_direction=desc", ["gamma", "bootstrap", "beta", "Alpha"]),
        ("sort_by=expires_at&sort_direction=asc", ["Alpha", "beta", "bootstrap", "gamma"]),
        ("sort_by=expires_at", ["gamma", "bootstrap", "beta", "Alpha"]),
    ] {
        assert_eq!(api.list(query).await.names(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_deleted_key_is_shown_only_on_request() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("/org/api_keys/{}", key.id);
    let deleted = api.delete(&key.id).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert!(deleted.header("x-request-id").starts_with("req_"));
    assert_error(&api.get(&path).await, 404, "not_found", "no such API key");
    let get = api.get(&format!("{path}?include_deleted=false")).await;
    assert_error(&get, 404, "not_found", "no such API key");
    let shown = api.get(&format!("{path}?include_deleted=true")).await;
    assert_eq!(shown.json()["deleted_at"], "2026-11-01T12:00:00Z");
}

// Changing.

#[tokio::test]
async fn a_name_can_be_changed() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("before"));
    let path = format!("/org/api_keys/{}", key.id);
    let answer = api.send("PATCH", &path, json!({ "name": "after" })).await;
    assert_eq!((answer.status, answer.text_of("name").as_str()), (200, "after"));
    assert_eq!(answer.json().get("key"), None);
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
    assert_error(&own, 400, "bad_request", "cannot delete itself");
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
    let answer = Api::finish(api.request("POST", &path)).await.unwrap();
    assert_eq!(answer.status, 201, "no body at all: {}", answer.text);
    let made = server.key(&answer.text_of("id")).unwrap();
    assert_eq!(made.plaintext(), answer.text_of("key"));
    assert_eq!(answer.json()["ip_allowlist"], json!(["10.0.0.0/8"]));
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
        (Some(30), json!({ "days_to_expire": 3 }), day(3), day(7)),
        (Some(2), json!({}), day(2), day(2)),
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
        let answer = api.post(&format!("/org/api_keys/{}/rotate", old.id), body.clone()).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.text);
        assert_eq!(server.key(&answer.text_of("id")).unwrap().expires_at, new_end, "{body}");
        assert_eq!(server.key(&old.id).unwrap().expires_at, old_end, "{body}");
        assert_eq!(server.authenticates(old.plaintext()), old_end != day(0), "{body}");
    }
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
async fn what_cannot_be_rotated_is_refused() {
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
    let answer = own.post(&path, json!({ "expire_in_days": 0 })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(own.list("").await.status, 401, "it expired at once");
    assert_eq!(api.with_key(&answer.text_of("key")).list("").await.status, 200);
}

// HTTP.

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let (_server, api) = server().await;
    for path in
        ["/", "/org", "/org/api_keys/", "/org/api_keys//rotate", "/org/api_keys/k/x", "/%FF"]
    {
        assert_error(&api.get(path).await, 404, "not_found", "nothing at this path");
    }
    for (method, path, allow) in [
        ("PUT", "/org/api_keys", "GET, POST"),
        ("DELETE", "/org/api_keys", "GET, POST"),
        ("POST", "/org/api_keys/k", "GET, PATCH, DELETE"),
        ("GET", "/org/api_keys/k/rotate", "POST"),
        ("OPTIONS", "/org/api_keys", "GET, POST"),
    ] {
        let answer = api.send(method, path, Value::Null).await;
        assert_error(&answer, 405, "method_not_allowed", "this path takes");
        assert_eq!(answer.header("allow"), allow);
    }
    let id = "a%2Fb%20c";
    assert_error(
        &api.get(&format!("/org/api_keys/{id}")).await,
        404,
        "not_found",
        "no such API key",
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let (server, api) = server().await;
    let send = |content_type: &'static str, body: String| {
        let request = api.request("POST", "/org/api_keys").header("content-type", content_type);
        Api::finish(request.body(body))
    };
    let good = json!({ "name": "k" }).to_string();
    let broken = send("application/json", "{\"name\":\n sk_oops}".into()).await.unwrap();
    assert_error(&broken, 400, "bad_request", "not JSON (line 2, column 2)");
    assert!(!broken.text.contains("sk_"), "{}", broken.text);
    let text = send("text/plain", good.clone()).await.unwrap();
    assert_error(&text, 400, "bad_request", "application/json");
    let nothing = Api::finish(api.request("POST", "/org/api_keys")).await.unwrap();
    assert_error(&nothing, 400, "bad_request", "application/json");
    let huge = send("application/json", " ".repeat(1024 * 1024 + 1)).await.unwrap();
    assert_error(&huge, 413, "payload_too_large", "1 MiB");
    assert_eq!(server.keys().len(), 1);
    let padded = format!("{good}{}", " ".repeat(1024 * 1024 - good.len()));
    assert_eq!(send("application/json; charset=utf-8", padded).await.unwrap().status, 201);
}

#[tokio::test]
async fn request_ids_count_up() {
    let (_server, api) = server().await;
    assert_eq!(api.list("").await.header("x-request-id"), "req_000001");
    assert_eq!(api.get("/nowhere").await.header("x-request-id"), "req_000002");
}

// The server as a tool for tests.

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
