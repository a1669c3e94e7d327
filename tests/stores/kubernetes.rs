//! Kubernetes: a Secret is replaced only in the version that was read, from within a cluster and through
//! the real `kubectl`.

use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{KubernetesStore, Store};
use serde_json::json;

use crate::fakes::kubernetes::{Fault, Kubernetes, TOKEN};
use crate::support::{FOREIGN, NEW, OLD, OTHER, has_kubectl, held, says, swap};

/// Both ways to the same cluster, as far as they are there.
fn ways(cluster: &Kubernetes) -> Vec<KubernetesStore> {
    let mut ways = vec![cluster.store()];
    match has_kubectl() {
        true => ways.push(cluster.by_kubectl()),
        false => println!("skipped: kubectl is not installed"),
    }
    ways
}

#[tokio::test]
async fn a_key_is_replaced_and_all_the_rest_stays() {
    let cluster = Kubernetes::holding(&format!("{OLD}\n")).await;
    for store in ways(&cluster) {
        store.check().await.unwrap();
        assert_eq!(held(&store).await.as_deref(), Some(OLD));
        let mut before = cluster.state().secret.clone();
        assert!(swap(&store, OLD, NEW).await.unwrap());
        assert_eq!(held(&store).await.as_deref(), Some(NEW));
        assert_eq!(cluster.current().unwrap(), format!("{NEW}\n"), "it had a line end");
        assert!(swap(&store, NEW, OLD).await.unwrap());
        let mut after = cluster.state().secret.clone();
        for secret in [&mut before, &mut after] {
            secret["metadata"]["resourceVersion"] = json!(null);
        }
        assert_eq!(before, after);
        assert_eq!(store.describe(), "k8s:agents/kernel#key");
        assert_eq!(store.identity(), format!("k8s:agents/kernel#key in {}", cluster.http.url));
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_is_added_and_taken_away() {
    let cluster = Kubernetes::holding("").await;
    cluster.state().secret.as_object_mut().unwrap().remove("data");
    for store in ways(&cluster) {
        assert_eq!(held(&store).await, None);
        store.write(&Secret::from(NEW)).await.unwrap();
        assert_eq!(cluster.current().as_deref(), Some(NEW));
        store.clear().await.unwrap();
        assert_eq!(cluster.state().secret["data"], json!({}));
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_never_overwritten() {
    let cluster = Kubernetes::holding(OLD).await;
    for store in ways(&cluster) {
        cluster.state().foreign(FOREIGN);
        assert!(!swap(&store, OLD, NEW).await.unwrap());
        cluster.state().foreign(OLD);
        cluster.fail("PUT", Fault::Foreign(FOREIGN.into()));
        assert!(!swap(&store, OLD, NEW).await.unwrap());
        assert_eq!(cluster.current().as_deref(), Some(FOREIGN));
        // What somebody changed beside it is kept, too.
        cluster.state().foreign(OLD);
        cluster.fail("PUT", Fault::Label);
        assert!(swap(&store, OLD, NEW).await.unwrap());
        assert_eq!(cluster.state().secret["metadata"]["labels"]["a"], "c");
        // A write that says nothing goes by what was read last.
        held(&store).await;
        cluster.state().foreign(FOREIGN);
        says(store.write(&Secret::from(NEW)).await, &["k8s:agents/kernel#key: somebody else"]);
        held(&store).await;
        cluster.fail("PUT", Fault::Foreign(OLD.into()));
        says(store.clear().await, &["somebody else"]);
        assert_eq!(cluster.current().as_deref(), Some(OLD));
    }
}

#[tokio::test]
async fn a_lost_response_is_found_out_about() {
    for method in ["GET", "PUT"] {
        for fault in [Fault::DropBefore, Fault::DropAfter, Fault::FailAfter] {
            let cluster = Kubernetes::holding(OLD).await;
            for store in ways(&cluster) {
                cluster.state().foreign(OLD);
                cluster.fail(method, fault.clone());
                cluster.fail(method, fault.clone());
                assert!(swap(&store, OLD, NEW).await.unwrap(), "{method} {fault:?}");
                assert_eq!(cluster.current().as_deref(), Some(NEW), "{method} {fault:?}");
                cluster.state().faults.clear();
            }
        }
    }
    let cluster = Kubernetes::holding(OLD).await;
    (0..99).for_each(|_| cluster.fail("PUT", Fault::DropBefore));
    let store = cluster.store().timeout(Duration::from_secs(2));
    assert!(says(swap(&store, OLD, NEW).await, &["lost"]).outcome_unknown());
    // What is written in the place of itself leaves no room for a late write.
    cluster.state().faults.clear();
    let before = cluster.state().secret["metadata"]["resourceVersion"].clone();
    assert!(swap(&cluster.store(), OLD, OLD).await.unwrap());
    assert_ne!(cluster.state().secret["metadata"]["resourceVersion"], before);
    assert_eq!(cluster.current().as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_check_finds_what_stands_in_the_way() {
    let cluster = Kubernetes::holding(OLD).await;
    for store in ways(&cluster) {
        let owner =
            json!([{ "kind": "ExternalSecret", "name": "kernel", "apiVersion": "v1", "uid": "u" }]);
        cluster.state().secret["metadata"]["ownerReferences"] = owner;
        says(store.check().await, &["belongs to the ExternalSecret kernel"]);
        cluster.state().secret["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        cluster.state().secret["immutable"] = json!(true);
        says(store.check().await, &["immutable"]);
        cluster.state().secret.as_object_mut().unwrap().remove("immutable");
        store.check().await.unwrap();
    }
    let other = KubernetesStore::new("agents", "other", "key").api(
        &cluster.http.url,
        cluster.path("token"),
        None,
    );
    says(other.check().await, &["no such Secret", "kubectl create secret generic other"]);
}

#[tokio::test]
async fn an_error_says_what_to_do_and_holds_no_secret() {
    let cluster = Kubernetes::holding(OLD).await;
    for store in ways(&cluster) {
        for (method, fault, said) in [
            ("GET", Fault::Reject(403, "Forbidden"), "forbids to get it"),
            ("PUT", Fault::Reject(403, "Forbidden"), "allow the verb `update` on secrets"),
            ("PUT", Fault::Reject(422, "Invalid"), "rejects to update it (Invalid)"),
        ] {
            cluster.fail(method, fault.clone());
            let error = says(swap(&store, OLD, NEW).await, &[said, "k8s:agents/kernel#key: "]);
            assert!(!error.outcome_unknown(), "{error}");
            assert_eq!(cluster.current().as_deref(), Some(OLD));
        }
        assert!(!format!("{store:?}").contains(TOKEN));
    }
    std::fs::write(cluster.path("token"), "another").unwrap();
    cluster.state().unauthorized = true;
    if has_kubectl() {
        says(cluster.by_kubectl().read().await, &["rejects the credentials"]);
    }
    says(cluster.store().read().await, &["rejects the credentials"]);
    let none = cluster.store().kubectl("/no/such/kubectl");
    says(none.read().await, &["install kubectl"]);
    let nowhere = cluster
        .store()
        .api("http://127.0.0.1:9", cluster.path("token"), None)
        .timeout(Duration::from_secs(1));
    says(nowhere.read().await, &["cannot be reached"]);
}

#[tokio::test]
async fn kubectl_gets_the_secret_on_standard_input_only() {
    if !has_kubectl() {
        println!("skipped: kubectl is not installed");
        return;
    }
    let cluster = Kubernetes::holding(OLD).await;
    assert!(swap(&cluster.by_kubectl(), OLD, NEW).await.unwrap());
    for name in ["arguments", "environment"] {
        let seen = std::fs::read_to_string(cluster.path(name)).unwrap();
        for secret in [OLD, NEW, OTHER] {
            use base64::Engine as _;
            let encoded = base64::prelude::BASE64_STANDARD.encode(secret);
            assert!(!seen.contains(secret) && !seen.contains(&encoded), "{name}: {seen}");
        }
        assert!(!seen.contains("KERNEL_API_KEY="));
    }
}
