//! The stores that this program reaches by itself, as far as it was built with them.

use std::sync::Arc;

use onkernel::rotation::Store;

type Opened = Result<Arc<dyn Store>, String>;

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
