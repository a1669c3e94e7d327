//! Every way out of the client, provoked against the embedded server and by hand-made responses, and
//! searched for the plaintexts: each key that the server ever made, and the one that it was told to
//! send.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use onkernel::prelude::*;
use onkernel::testing::{Fault, Faults, NewKey, Server};
use onkernel::types::{self, ApiKeyPolicy, ApiKeyPolicyStatement, CreatedApiKey};
use onkernel::{CallOptions, Credentials, Error, Method, Secret};
use serde_json::{Value, json};

use crate::recorder::Recorder;

/// A plaintext that no server has made.
const SENT: &str = "sk_sent_Zq3Wv8Xk5Jy7Hb2Nm4Rt";

fn client(server: &Server) -> Client {
    Client::builder()
        .api_key(server.bootstrap_key())
        .base_url(server.url())
        .timeout(Duration::from_secs(20))
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .retries(1)
        .build()
        .unwrap()
}

async fn create(client: &Client) -> CreatedApiKey {
    client.api_keys().create("ci").send().await.unwrap()
}

#[tokio::test]
async fn what_holds_a_key_or_has_seen_one_does_not_print_it() {
    let server = Server::start().await.unwrap();
    let heard = Recorder::default();
    let key = server.bootstrap_key();
    let fetch = || async { Ok::<_, std::io::Error>(Secret::from(SENT)) };
    let builder = Client::builder()
        .api_key(key)
        .base_url(server.url())
        .project("proj_1")
        .user_agent("mine")
        .default_header("x-own", SENT)
        .credentials(Credentials::fixed(key));
    heard.see(&(&builder, Credentials::fixed(SENT), Credentials::from_fn(fetch)));
    let own = builder.clone().build().unwrap();
    own.swap_api_key(SENT).unwrap();
    heard.see(&(&own, own.with(CallOptions::new().retries(3)), CallOptions::new()));
    let fetching = builder.credentials(Credentials::from_fn(fetch)).build().unwrap();
    heard.outcome(&fetching.api_keys().list().send().await);
    heard.see(&fetching);
    heard.outcome(&own.swap_api_key(format!("{SENT} and more")));
    heard.outcome(&Client::builder().api_key(format!("{SENT}\n\n{SENT}")).build());
    heard.outcome(&Client::builder().base_url(format!("http://{SENT}@127.0.0.1")).build());

    // Each operation's builder, before and after it is set.
    let client = client(&server);
    let policy = ApiKeyPolicy::new([ApiKeyPolicyStatement::new("*", "*")]);
    heard.see(&(client.api_keys().list(), client.api_keys().list().name("ci").limit(3)));
    heard.see(&(client.api_keys(), client.api_keys().create("ci").days_to_expire(3)));
    heard.see(&client.api_keys().create("ci").policy(policy));
    heard.see(&(client.api_keys().get("x"), client.api_keys().get("x").include_deleted(true)));
    heard.see(&client.api_keys().update("x", "y"));
    heard.see(&(client.api_keys().rotate("x"), client.api_keys().rotate("x").days_to_expire(3)));
    heard.see(&client.api_keys().delete("x"));
    let raw = || client.request(Method::POST, "/org/api_keys");
    heard.see(&raw());
    heard.see(&raw().query("k", SENT).header("x-k", SENT).json(&json!({ "name": SENT })));

    // What comes back, in each form.
    let response = client.api_keys().create("ci").send_raw().await.unwrap();
    assert_eq!(server.key(&response.id).unwrap().plaintext(), response.key.expose());
    heard.see(&response);
    heard.see(&response.clone().map(|created| vec![created.key]));
    let created = response.into_value();
    heard.see(&(&created, &created.key, Some(created.key.clone())));
    let torn = serde_json::from_value::<CreatedApiKey>(json!({ "key": SENT, "name": "ci" }));
    heard.note(&torn.unwrap_err().to_string());
    heard.note(&format!("{} {:>60} {}", created.key, created.key, Secret::from(SENT)));
    heard.outcome(&client.api_keys().rotate(&created.id).send().await);
    let response = raw().json(&json!({ "name": "raw" })).send().await.unwrap();
    assert!(response.json::<Value>().unwrap()["key"].is_string(), "a plaintext came");
    heard.see(&response);
    heard.error(&response.json::<Vec<String>>().unwrap_err());
    heard.see(&response.into_value());

    // The server's own side.
    let new = NewKey::named("given").plaintext(SENT);
    heard.see(&(&new, server.add_key(new.clone()), server.key_by_plaintext(SENT)));
    let faults = Faults::new();
    faults.add(Fault::replace(200, [("x-key", SENT)], SENT));
    faults.add(Fault::status_with(500, json!({ SENT: SENT })));
    faults.add(Fault::merge_json(json!({ "key": SENT })));
    faults.add(Fault::redirect(format!("https://example.com/{SENT}")));
    heard.see(&(&faults, Fault::set_header("x-key", SENT), Fault::redirect(SENT)));
    heard.see(&Server::builder().bootstrap_key(SENT));
    let _ = client.api_keys().get(SENT).send().await;
    heard.see(&(&server, server.keys(), server.log(), server.faults()));
    heard.holds_none_of(&server, SENT);
}

#[tokio::test]
async fn serialising_shows_no_plaintext_outside_of_a_request() {
    let server = Server::start().await.unwrap();
    let heard = Recorder::default();
    let client = client(&server);
    let created = create(&client).await;
    let errors = [
        serde_json::to_string(&created).map(drop),
        serde_json::to_string(&(1, vec![&created])).map(drop),
        serde_json::to_value(&created).map(drop),
        serde_json::to_vec(&created.key).map(drop),
    ];
    for error in errors {
        heard.note(&format!("{error:?} {}", error.as_ref().unwrap_err()));
    }
    let text = onkernel::secret::redacted(&created).unwrap().to_string();
    assert!(text.contains(r#""key":"[redacted]""#), "{text}");
    heard.note(&text);
    let request = types::CreateApiKeyRequest::new("ci").days_to_expire(3);
    assert_eq!(serde_json::to_value(&request).unwrap(), json!({"name": "ci", "days_to_expire": 3}));
    // While a request is being written, only what is in it is.
    client.request(Method::POST, "/x").json(&created.key).send().await.unwrap_err();
    assert!(serde_json::to_string(&created.key).is_err());
    heard.holds_none_of(&server, SENT);
}

/// Every call that there is; what came of each.
async fn calls(client: &Client, heard: &Recorder) -> Vec<Error> {
    let mut errors = Vec::new();
    macro_rules! call {
        ($call:expr) => {
            let result = $call.send().await;
            heard.outcome(&result);
            errors.extend(result.err());
        };
    }
    call!(client.api_keys().create("ci"));
    call!(client.api_keys().list().name(SENT));
    call!(client.api_keys().get("key_1"));
    call!(client.api_keys().update("key_1", "new"));
    call!(client.api_keys().rotate("key_1"));
    call!(client.api_keys().delete("key_1"));
    let body = json!({ "name": "raw", "password": SENT });
    call!(client.request(Method::POST, "/org/api_keys").json(&body).header("x-k", SENT));
    call!(client.request(Method::GET, "/org/api_keys").query("k", SENT));
    errors
}

/// Makes every call under each of these faults, traced, and searches what was said.
async fn sweep(faults: impl IntoIterator<Item = Fault>, options: CallOptions) {
    let server = Server::start().await.unwrap();
    let client = client(&server).with(options);
    for fault in faults {
        let name = format!("{fault:?}");
        server.faults().clear();
        server.faults().add(fault);
        let heard = Recorder::default();
        let guard = heard.trace("trace");
        let errors = calls(&client, &heard).await;
        drop(guard);
        assert!(!errors.is_empty(), "{name}");
        heard.holds_none_of(&server, SENT);
        let text = heard.text();
        for part in ["TRACE", "hyper", "operation=\"api_keys.create\"", "finished"] {
            assert!(text.contains(part), "{part} after {name}: the trace was on");
        }
    }
}

#[tokio::test]
async fn no_bad_connection_brings_a_plaintext_to_light() {
    let location = format!("https://{SENT}.example/{SENT}?{SENT}");
    let faults = [
        Fault::drop_connection().after(),
        Fault::reset().after(),
        Fault::refuse(),
        Fault::redirect(location).after(),
        Fault::html_bad_gateway().after(),
    ];
    sweep(faults, CallOptions::new()).await;
    let slow = [
        Fault::delay(Duration::from_secs(9)).after(),
        Fault::slow_body(40, Duration::from_millis(9)),
    ];
    sweep(slow, CallOptions::new().timeout(Duration::from_millis(10)).retries(0)).await;
}

#[tokio::test]
async fn no_bad_response_brings_a_plaintext_to_light() {
    let page = format!("<html><title>{SENT}</title>{SENT}</html>");
    let head = [("x-request-id", SENT), ("content-type", SENT), ("x-next-offset", SENT)];
    let faults = [
        Fault::truncated_body(),
        Fault::wrong_length(),
        Fault::garbage_json(),
        Fault::wrong_content_type(),
        Fault::oversized_body(5000),
        Fault::endless_body().after(),
        Fault::merge_json(json!({ "created_at": SENT, "name": [SENT] })),
        Fault::set_header("x-request-id", SENT),
        Fault::replace(200, head, SENT),
        Fault::replace(201, head, &page),
        Fault::replace(502, head, &page),
    ];
    sweep(faults, CallOptions::new().max_response_bytes(4000)).await;
}

#[tokio::test]
async fn no_error_status_brings_a_plaintext_to_light() {
    let echo = json!({ "code": SENT, "message": SENT, "details": [{ "message": SENT }],
                       "inner_error": { "code": SENT } });
    let faults = [400, 401, 403, 404, 409, 429, 500];
    let faults = faults.map(|code| Fault::status_with(code, echo.clone()).after());
    sweep(faults, CallOptions::new()).await;
}

#[tokio::test]
async fn a_201_that_is_not_as_documented_gives_the_key_to_the_caller_and_to_nobody_else() {
    let whole = json!({
        "id": "key_1", "name": "ci", "created_at": "2026-01-01T00:00:00Z", "expires_at": null,
        "created_by": { "id": "u", "email": "a@b.example", "name": null }, "deleted_at": null,
        "project_id": null, "project_name": null, "masked_key": "sk_sent...m4Rt", "key": SENT,
    });
    let text = whole.to_string();
    let body = |body: String| Fault::replace(201, [("content-type", "application/json")], body);
    let with = |name: &str, value: Value| {
        let mut changed = whole.clone();
        changed[name] = value;
        body(changed.to_string())
    };
    let mut lacking = whole.clone();
    lacking.as_object_mut().unwrap().remove("created_at");
    let twice = |field: &str| format!("{},{field}}}", &text[..text.len() - 1]);
    for (name, fault, saved) in [
        ("a missing field", body(lacking.to_string()), true),
        ("a wrong type", with("name", json!([SENT])), true),
        ("a wrong type within", with("created_by", json!(SENT)), true),
        ("a time that is none", with("created_at", json!(SENT)), true),
        ("a field twice", body(twice(r#""name":"again""#)), true),
        ("rubbish behind it", body(format!("{text}{SENT}")), true),
        ("another response behind it", body(format!("{text}\n{text}")), true),
        ("two keys", body(twice(&format!(r#""key":"{SENT}9""#))), false),
        ("a key of another type", with("key", json!({ SENT: SENT })), false),
        ("cut short", body(text[..text.len() - 9].to_owned()), false),
        ("a page", body(format!("<html>{SENT}</html>")), false),
        ("the plaintext alone", body(SENT.to_owned()), false),
        ("the plaintext as a string", body(json!(SENT).to_string()), false),
        ("nothing", body(String::new()), false),
    ] {
        let server = Server::start().await.unwrap();
        server.faults().add(fault);
        let heard = Recorder::default();
        let guard = heard.trace("trace");
        let client = client(&server);
        let created = client.api_keys().create("ci").send().await.unwrap_err();
        let rotated = client.api_keys().rotate("key_0").send().await.unwrap_err();
        drop(guard);
        for error in [created, rotated] {
            heard.error(&error);
            assert!(error.is_decode() && error.outcome_unknown(), "{name}: {error}");
            assert_eq!(error.body_excerpt(), None, "{name}");
            assert_eq!(error.attempts(), 1, "{name}");
            let found = error.created().map(|(id, key)| (id, key.expose()));
            assert_eq!(found, saved.then_some(("key_1", SENT)), "{name}");
        }
        heard.holds_none_of(&server, SENT);
    }
}

#[tokio::test]
async fn a_key_that_the_server_made_is_saved_from_its_spoilt_response() {
    for fault in [Fault::wrong_length(), Fault::merge_json(json!({ "created_by": 7 }))] {
        let server = Server::start().await.unwrap();
        server.faults().add(fault);
        let error = client(&server).api_keys().create("ci").send().await.unwrap_err();
        let made = &server.keys()[1];
        let (id, key) = error.created().unwrap();
        assert_eq!((id, key.expose()), (made.id.as_str(), made.plaintext()));
        assert!(server.authenticates(key.expose()));
    }
}

#[tokio::test]
async fn a_panic_says_no_plaintext() {
    fn said(panic: Box<dyn Any + Send>) -> String {
        *panic.downcast::<String>().unwrap()
    }

    let server = Server::start().await.unwrap();
    let heard = Recorder::default();
    let client = client(&server);
    let created = create(&client).await;
    server.faults().add(Fault::merge_json(json!({ "created_at": SENT })));
    let failed = || client.api_keys().create("ci").send();
    let (first, second) = (failed().await, failed().await);
    assert!(first.as_ref().unwrap_err().created().is_some());
    let other = Secret::from(SENT);
    let builder = client.api_keys().create("ci");
    let panics: [Box<dyn FnOnce()>; 5] = [
        Box::new(|| drop(first.unwrap())),
        Box::new(|| drop(second.expect("a key"))),
        Box::new(|| assert_eq!(created.key, other)),
        Box::new(|| panic!("{client:?} {builder:?} {other} {created:?}")),
        Box::new(|| panic!("{server:#?} {:?}", server.keys())),
    ];
    let said: Vec<String> = panics
        .into_iter()
        .map(|panics| said(catch_unwind(AssertUnwindSafe(panics)).unwrap_err()))
        .collect();
    assert!(said[0].contains("not as documented"), "{said:?}");
    heard.note(&said.join("\n"));
    heard.holds_none_of(&server, SENT);
}
