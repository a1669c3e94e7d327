//! The stores that this program reaches by itself, as far as it was built with them.

use std::sync::Arc;

use onkernel::rotation::Store;

type Opened = Result<Arc<dyn Store>, String>;

/// How those that are there are named, what they are, one of each, and what they were tried with.
pub(super) fn all() -> Vec<(&'static str, &'static str, Arc<dyn Store>, &'static str)> {
    [
        ("aws:NAME#FIELD", "A secret of AWS, or a field", aws("ci", None), "moto 5.2"),
        ("vault:PATH#FIELD", "Vault or OpenBao", vault("kv/ci", "key"), "OpenBao 2.7"),
        (
            "k8s:NAMESPACE/NAME#KEY",
            "A Secret of Kubernetes",
            kubernetes("agents", "kernel", "key"),
            "kubectl 1.32, a stand-in for the API server",
        ),
    ]
    .into_iter()
    .filter_map(|(name, title, store, tried)| Some((name, title, store.ok()?, tried)))
    .collect()
}

#[cfg(feature = "store-aws")]
pub(super) fn aws(name: &str, field: Option<&str>) -> Opened {
    let store = onkernel::rotation::AwsStore::new(name);
    Ok(Arc::new(match field {
        Some(field) => store.field(field),
        None => store,
    }))
}

#[cfg(feature = "store-vault")]
pub(super) fn vault(path: &str, field: &str) -> Opened {
    Ok(Arc::new(onkernel::rotation::VaultStore::new(path, field)))
}

#[cfg(feature = "store-kubernetes")]
pub(super) fn kubernetes(namespace: &str, name: &str, key: &str) -> Opened {
    Ok(Arc::new(onkernel::rotation::KubernetesStore::new(namespace, name, key)))
}

#[cfg(not(feature = "store-aws"))]
pub(super) fn aws(_: &str, _: Option<&str>) -> Opened {
    Err(missing("store-aws"))
}

#[cfg(not(feature = "store-vault"))]
pub(super) fn vault(_: &str, _: &str) -> Opened {
    Err(missing("store-vault"))
}

#[cfg(not(feature = "store-kubernetes"))]
pub(super) fn kubernetes(_: &str, _: &str, _: &str) -> Opened {
    Err(missing("store-kubernetes"))
}

#[cfg(not(all(feature = "store-aws", feature = "store-kubernetes", feature = "store-vault")))]
fn missing(feature: &str) -> String {
    format!("this kernel-keys was built without that store: install it with `--features {feature}`")
}
