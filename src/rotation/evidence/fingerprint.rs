//! Which key a plaintext is, without keeping the plaintext.

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// A salted SHA-256 of a plaintext. The masked form does not tell keys apart; this does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    salt: String,
    sha256: String,
}

impl Fingerprint {
    pub(crate) fn new(secret: &Secret) -> Self {
        // The salt keeps equal keys in different journals from looking equal; it is no secret.
        let salt = format!("{:032x}", fastrand::u128(..));
        let sha256 = digest(&salt, secret);
        Self { salt, sha256 }
    }

    pub(crate) fn is_of(&self, secret: &Secret) -> bool {
        digest(&self.salt, secret) == self.sha256
    }
}

fn digest(salt: &str, secret: &Secret) -> String {
    let mut hash = Hash::new();
    hash.update(salt);
    hash.update(secret.expose());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_plaintext_fits() {
        let key = Secret::from("sk_live_0123456789");
        let print = Fingerprint::new(&key);
        assert!(print.is_of(&key));
        assert!(!print.is_of(&Secret::from("sk_live_0123456788")));
        assert_ne!(print, Fingerprint::new(&key));
        assert!(!serde_json::to_string(&print).unwrap().contains("sk_live"));
    }
}
