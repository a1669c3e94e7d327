//! Vault: every write follows the version that was read, or is none.

use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{Store, VaultAuth};
use serde_json::json;

use crate::fakes::vault::{Fault, TOKEN, Vault};
use crate::support::{FOREIGN, NEW, OLD, OTHER, held, says, swap};

#[tokio::test]
async fn a_field_is_replaced_and_the_others_stay() {
    let before = json!({ "other": OTHER, "key": OLD, "n": 1.5 });
    let vault = Vault::holding(Some(before.clone())).await;
    let store = vault.store();
    store.check().await.unwrap();
    assert_eq!(held(&store).await.as_deref(), Some(OLD));
    assert!(swap(&store, OLD, NEW).await.unwrap());
    assert_eq!(held(&store).await.as_deref(), Some(NEW));
    assert_eq!(vault.current().unwrap(), json!({ "other": OTHER, "key": NEW, "n": 1.5 }));
    assert!(swap(&store, NEW, OLD).await.unwrap());
    assert_eq!(vault.current().unwrap(), before);
    assert_eq!(store.describe(), "vault:team/kv/ci#key");
    assert_eq!(store.identity(), format!("vault:{}/org/ci/team/kv/ci#key", vault.http.url));
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_made_and_emptied() {
    let vault = Vault::holding(None).await;
    let store = vault.store();
    store.check().await.unwrap();
    assert_eq!(held(&store).await, None);
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(vault.current().unwrap(), json!({ "key": NEW }));
    store.clear().await.unwrap();
    assert_eq!(vault.current().unwrap(), json!({}));
    // A deleted version counts.
    vault.state().versions.push(None);
    assert_eq!(held(&store).await, None);
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(vault.state().versions.len(), 4);
}

#[tokio::test]
async fn what_somebody_else_wrote_is_never_overwritten() {
    let vault = Vault::holding(Some(json!({ "key": FOREIGN }))).await;
    assert!(!swap(&vault.store(), OLD, NEW).await.unwrap());
    let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
    vault.fail("POST", Fault::Foreign(FOREIGN.into()));
    assert!(!swap(&vault.store(), OLD, NEW).await.unwrap());
    assert_eq!(vault.current().unwrap(), json!({ "key": FOREIGN }));
    // Also where the response to the first attempt was lost before it was done.
    let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
    vault.fail("POST", Fault::DropBefore);
    vault.fail("POST", Fault::Foreign(FOREIGN.into()));
    assert!(!swap(&vault.store(), OLD, NEW).await.unwrap());
    assert_eq!(vault.current().unwrap(), json!({ "key": FOREIGN }));
    // A write that says nothing goes by what was read last.
    let vault = Vault::holding(None).await;
    let store = vault.store();
    held(&store).await;
    vault.state().foreign(FOREIGN);
    says(store.write(&Secret::from(NEW)).await, &["vault:team/kv/ci#key: somebody else"]);
    says(store.clear().await, &["somebody else"]);
    assert_eq!(vault.current().unwrap(), json!({ "key": FOREIGN }));
}

#[tokio::test]
async fn a_lost_response_is_found_out_about() {
    for method in ["GET", "POST"] {
        for fault in [Fault::DropBefore, Fault::DropAfter, Fault::FailAfter, Fault::Throttle] {
            let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
            vault.fail(method, fault.clone());
            vault.fail(method, fault.clone());
            let swapped = swap(&vault.store(), OLD, NEW).await;
            if let (Fault::Throttle, "POST") = (&fault, method) {
                assert!(!says(swapped, &["rate"]).outcome_unknown());
                continue;
            }
            assert!(swapped.unwrap(), "{method} {fault:?}");
            assert_eq!(vault.state().versions.len(), 2, "once: {method} {fault:?}");
            assert_eq!(vault.current().unwrap(), json!({ "key": NEW }));
        }
    }
    let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
    (0..99).for_each(|_| vault.fail("POST", Fault::DropBefore));
    let store = vault.store().timeout(Duration::from_secs(2));
    assert!(says(swap(&store, OLD, NEW).await, &["lost"]).outcome_unknown());
    // What is written in the place of itself leaves no room for a late write.
    vault.state().faults.clear();
    assert!(swap(&vault.store(), OLD, OLD).await.unwrap());
    assert_eq!(vault.state().versions.len(), 2);
}

#[tokio::test]
async fn a_standby_that_lags_is_waited_for() {
    let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
    let store = vault.store();
    assert!(swap(&store, OLD, NEW).await.unwrap());
    vault.state().lag = 3;
    assert_eq!(held(&store).await.as_deref(), Some(NEW), "the index is sent");
}

#[tokio::test]
async fn a_role_is_exchanged_for_a_token_and_again_when_that_expires() {
    let folder = tempfile::tempdir().unwrap();
    let (jwt, token) = (folder.path().join("jwt"), folder.path().join("token"));
    std::fs::write(&jwt, "eyJ.hunter2hunter2\n").unwrap();
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let approle = |secret: &str| VaultAuth::AppRole {
        mount: "approle".into(),
        role_id: "role".into(),
        secret_id: Secret::from(secret),
    };
    let kubernetes =
        VaultAuth::Kubernetes { mount: "k8s".into(), role: "ci".into(), token_file: Some(jwt) };
    for auth in [approle(OTHER), kubernetes, VaultAuth::TokenFile(token.clone())] {
        let vault = Vault::holding(Some(json!({ "key": OLD }))).await;
        let store = vault.store().auth(auth);
        assert_eq!(held(&store).await.as_deref(), Some(OLD));
        vault.state().token = "hvs.another".into();
        std::fs::write(&token, "hvs.another").unwrap();
        assert!(swap(&store, OLD, NEW).await.unwrap());
        std::fs::write(&token, TOKEN).unwrap();
    }
    let vault = Vault::holding(None).await;
    says(vault.store().auth(approle("wrong-secret")).read().await, &["auth/approle", "role"]);
}

#[tokio::test]
async fn an_error_says_what_to_do_and_holds_no_secret() {
    let start = || Vault::holding(Some(json!({ "key": OLD, "other": OTHER })));
    for (method, fault, said) in [
        ("GET", Fault::Reject(403), "denies to read `team/kv/data/ci`"),
        ("POST", Fault::Reject(403), "denies to write `team/kv/data/ci`"),
        ("POST", Fault::Reject(400), "rejects to write"),
        ("POST", Fault::Reject(413), "rejects to write"),
        ("GET", Fault::Reject(307), "standby"),
    ] {
        let vault = start().await;
        vault.fail(method, fault.clone());
        let error = says(swap(&vault.store(), OLD, NEW).await, &[said, "vault:team/kv/ci#key: "]);
        assert!(!error.outcome_unknown(), "{error}");
        assert_eq!(vault.state().versions.len(), 1);
    }
    let vault = start().await;
    vault.state().capabilities = vec!["read"];
    says(vault.store().check().await, &["lacks `update` on `team/kv/data/ci`"]);
    vault.state().capabilities = vec!["root"];
    vault.store().check().await.unwrap();
    vault.state().kv = "1";
    says(vault.store().check().await, &["no KV engine of version 2", "`team/kv/`"]);
    says(vault.store().namespace("nope").read().await, &["namespace"]);
    let bad = VaultAuth::Token(Secret::from("hvs.bad"));
    says(vault.store().auth(bad).read().await, &["denies", "expired"]);
    says(vault.store().address("http://vault.example:8200").read().await, &["https"]);
    let nowhere = vault.store().address("http://127.0.0.1:9").timeout(Duration::from_secs(1));
    says(nowhere.read().await, &["cannot be reached"]);
    let vault = Vault::holding(Some(json!({ "key": 1 }))).await;
    says(vault.store().check().await, &["not a string"]);
    assert!(!format!("{:?}", vault.store()).contains(TOKEN));
}
