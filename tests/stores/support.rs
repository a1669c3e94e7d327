//! What the tests of all stores share.

use onkernel::Secret;
use onkernel::rotation::{Store, StoreError};

pub(crate) const OLD: &str = "sk_old_0123456789abcdef";
pub(crate) const NEW: &str = "sk_new_fedcba9876543210";
pub(crate) const FOREIGN: &str = "sk_foreign_00112233445566";
/// Another field of the same secret, which is nobody's business.
pub(crate) const OTHER: &str = "hunter2hunter2";

pub(crate) async fn held(store: &impl Store) -> Option<String> {
    store.read().await.unwrap().map(|held| held.expose().to_owned())
}

/// Replaces one key by the other.
pub(crate) async fn swap(store: &impl Store, from: &str, to: &str) -> Result<bool, StoreError> {
    let (from, to) = (Secret::from(from), Secret::from(to));
    store.compare_and_swap(&from, &to).unwrap().await
}

/// An error that holds all of this, and no secret.
#[track_caller]
pub(crate) fn says<T: std::fmt::Debug>(
    result: Result<T, StoreError>,
    wanted: &[&str],
) -> StoreError {
    let error = result.unwrap_err();
    let text = format!("{error} {error:?}");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
    for secret in [OLD, NEW, FOREIGN, OTHER, "wJalrXUtnFEMI"] {
        assert!(!text.contains(secret) && !text.contains(&secret[7..]), "{text}");
    }
    error
}

/// Whether the real program is there.
pub(crate) fn has_kubectl() -> bool {
    std::process::Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .is_ok_and(|output| output.status.success())
}
