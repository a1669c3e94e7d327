//! The same stores against servers of others, which `tests/real/stores/run` starts: OpenBao, and moto in
//! the place of AWS.

use std::sync::Arc;
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{AwsStore, Store, VaultAuth, VaultStore};
use serde_json::{Value, json};

use crate::rotation::{Place, life, together};
use crate::support::{FOREIGN, NEW, OLD, OTHER, held, says, swap};

/// Where such a server is; a line says that it is not there.
fn named(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        println!("skipped: {variable} names no server");
    }
    value
}

async fn bao(method: reqwest::Method, url: String, body: Value) -> Value {
    let request = crate::http::http().request(method, url).header("x-vault-token", "root");
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success() || status.as_u16() == 404, "{status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

#[tokio::test]
async fn openbao() {
    let Some(url) = named("ONKERNEL_REAL_BAO") else { return };
    let post =
        |path: &str, body: Value| bao(reqwest::Method::POST, format!("{url}/v1/{path}"), body);
    let root = || VaultAuth::Token(Secret::from("root"));
    let store =
        |name: &str| VaultStore::new(format!("team/kv/{name}"), "key").address(&url).auth(root());
    // A mount of two parts, and one of version 1.
    post("sys/mounts/team/kv", json!({ "type": "kv", "options": { "version": "2" } })).await;
    post("sys/mounts/old", json!({ "type": "kv", "options": { "version": "1" } })).await;
    let old = VaultStore::new("old/ci", "key").address(&url).auth(root());
    says(old.check().await, &["no KV engine of version 2"]);

    let new = store("new");
    new.check().await.unwrap();
    assert_eq!(held(&new).await, None);
    new.write(&Secret::from(NEW)).await.unwrap();
    new.clear().await.unwrap();
    assert_eq!(held(&new).await, None);

    post("team/kv/data/ci", json!({ "data": { "key": OLD, "other": OTHER } })).await;
    let ci = store("ci");
    ci.check().await.unwrap();
    assert_eq!(held(&ci).await.as_deref(), Some(OLD));
    assert!(swap(&ci, OLD, NEW).await.unwrap());
    assert_eq!(held(&ci).await.as_deref(), Some(NEW));
    let there = bao(reqwest::Method::GET, format!("{url}/v1/team/kv/data/ci"), json!({})).await;
    assert_eq!(there["data"]["data"], json!({ "key": NEW, "other": OTHER }));
    post("team/kv/data/ci", json!({ "data": { "key": FOREIGN } })).await;
    assert!(!swap(&ci, NEW, OLD).await.unwrap());
    says(ci.write(&Secret::from(NEW)).await, &["somebody else"]);
    // Of two at once one wins.
    let (a, b) = (store("ci"), store("ci"));
    let (first, second) = tokio::join!(swap(&a, FOREIGN, OLD), swap(&b, FOREIGN, NEW));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first ^ second, "{first} {second}");
    // A deleted version.
    bao(reqwest::Method::DELETE, format!("{url}/v1/team/kv/data/ci"), json!({})).await;
    assert_eq!(held(&ci).await, None);
    ci.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(held(&ci).await.as_deref(), Some(NEW));

    // A policy that may only read, and a role that may write.
    let policy = |rules: &str| json!({ "policy": format!("path \"team/kv/data/*\" {{ capabilities = [{rules}] }}") });
    post("sys/policies/acl/reader", policy("\"read\"")).await;
    post("sys/policies/acl/writer", policy("\"read\", \"create\", \"update\"")).await;
    post("sys/auth/approle", json!({ "type": "approle" })).await;
    for (role, policies) in [("reader", "reader"), ("writer", "writer")] {
        post(&format!("auth/approle/role/{role}"), json!({ "token_policies": policies })).await;
        let id = bao(
            reqwest::Method::GET,
            format!("{url}/v1/auth/approle/role/{role}/role-id"),
            json!({}),
        );
        let secret = post(&format!("auth/approle/role/{role}/secret-id"), json!({}));
        let auth = VaultAuth::AppRole {
            mount: "approle".into(),
            role_id: id.await["data"]["role_id"].as_str().unwrap().into(),
            secret_id: Secret::from(secret.await["data"]["secret_id"].as_str().unwrap()),
        };
        let store = store("ci").auth(auth);
        match role {
            "reader" => {
                says(store.check().await, &["lacks `update` on `team/kv/data/ci`"]);
                let error = says(swap(&store, NEW, OLD).await, &["denies to write"]);
                assert!(!error.outcome_unknown());
            }
            _ => {
                store.check().await.unwrap();
                assert!(swap(&store, NEW, OLD).await.unwrap());
            }
        }
    }
    let bad = store("ci").auth(VaultAuth::Token(Secret::from("bad")));
    says(bad.read().await, &["denies", "expired"]);

    let put = |key: String| -> onkernel::rotation::BoxFuture<'static, ()> {
        let url = format!("{url}/v1/team/kv/data/life");
        Box::pin(async move {
            bao(reqwest::Method::POST, url, json!({ "data": { "key": key } })).await;
        })
    };
    let open = || Arc::new(store("life").propagating(Duration::ZERO)) as Arc<dyn Store>;
    life(&Place { open: &open, put: &put }).await;
    let field = |name: &str| VaultStore::new("team/kv/together", name).address(&url).auth(root());
    together(&|name| Arc::new(field(name).propagating(Duration::ZERO))).await;
}

#[tokio::test]
async fn moto() {
    let Some(url) = named("ONKERNEL_REAL_MOTO") else { return };
    let call = |action: &'static str, body: Value| {
        let request = crate::http::http()
            .post(&url)
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0")
            .body(body.to_string());
        async move {
            let response = request.send().await.unwrap();
            let status = response.status();
            let text = response.text().await.unwrap();
            assert!(status.is_success(), "{text}");
            serde_json::from_str::<Value>(&text).unwrap()
        }
    };
    let store = |name: &str| {
        AwsStore::new(name).region("eu-west-1").endpoint(&url).credentials(
            "a",
            Secret::from("b"),
            None,
        )
    };
    let text = |key: &str| format!("{{ \"other\": \"{OTHER}\", \"key\": \"{key}\" }}");
    says(store("none").check().await, &["no such secret"]);
    call("CreateSecret", json!({ "Name": "empty" })).await;
    let empty = store("empty");
    empty.check().await.unwrap();
    assert_eq!(held(&empty).await, None);
    empty.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(held(&empty).await.as_deref(), Some(NEW));

    call("CreateSecret", json!({ "Name": "ci", "SecretString": text(OLD) })).await;
    let ci = store("ci").field("key");
    ci.check().await.unwrap();
    assert!(swap(&ci, OLD, NEW).await.unwrap());
    assert_eq!(held(&ci).await.as_deref(), Some(NEW));
    let current = json!({ "SecretId": "ci", "VersionStage": "AWSCURRENT" });
    assert_eq!(call("GetSecretValue", current.clone()).await["SecretString"], text(NEW));
    let described = call("DescribeSecret", json!({ "SecretId": "ci" })).await;
    let stages = described["VersionIdsToStages"].to_string();
    assert_eq!(stages.matches("AWSCURRENT").count(), 1, "{stages}");
    assert!(!stages.contains("AWSPENDING"), "{stages}");
    assert!(ci.identity().starts_with("aws:arn:aws:secretsmanager:eu-west-1:"));
    // Not by PutSecretValue alone, after which moto has two current versions.
    store("ci").field("key").write(&Secret::from(FOREIGN)).await.unwrap();
    assert!(!swap(&ci, NEW, OLD).await.unwrap());
    assert_eq!(call("GetSecretValue", current).await["SecretString"], text(FOREIGN));
    call("DeleteSecret", json!({ "SecretId": "ci" })).await;
    says(store("ci").check().await, &["ci"]);

    call("CreateSecret", json!({ "Name": "life", "SecretString": "x" })).await;
    let put = |key: String| -> onkernel::rotation::BoxFuture<'static, ()> {
        let life = store("life");
        Box::pin(async move { life.write(&Secret::from(key)).await.unwrap() })
    };
    let open = || Arc::new(store("life").propagating(Duration::ZERO)) as Arc<dyn Store>;
    life(&Place { open: &open, put: &put }).await;
    call("CreateSecret", json!({ "Name": "together", "SecretString": "{}" })).await;
    let field = |name: &str| store("together").field(name).propagating(Duration::ZERO);
    together(&|name| Arc::new(field(name))).await;
}
