//! Who a store is for Vault: a token, or what is exchanged for one.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::Secret;
use crate::rotation::store::StoreError;
use crate::rotation::store::json::quoted;
use crate::rotation::store::remote::{file, variable};

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How a [`VaultStore`](crate::rotation::VaultStore) authenticates.
///
/// ```
/// use onkernel::Secret;
/// use onkernel::rotation::VaultAuth;
///
/// let auth = VaultAuth::AppRole {
///     mount: "approle".into(),
///     role_id: "6f2c…".into(),
///     secret_id: Secret::from("1b7a…"),
/// };
/// assert!(!format!("{auth:?}").contains("1b7a"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum VaultAuth {
    /// A token.
    Token(Secret),
    /// A file that holds a token, such as that of an agent. It is read again when the token is
    /// rejected.
    TokenFile(PathBuf),
    /// An AppRole.
    AppRole {
        /// Where the method is mounted, usually `approle`.
        mount: String,
        /// The role's id.
        role_id: String,
        /// The secret id.
        secret_id: Secret,
    },
    /// The service account of a pod.
    Kubernetes {
        /// Where the method is mounted, usually `kubernetes`.
        mount: String,
        /// The role in Vault.
        role: String,
        /// The file that holds the service account's token; by default that of every pod.
        token_file: Option<PathBuf>,
    },
}

impl VaultAuth {
    /// What the environment says: `VAULT_TOKEN` or `BAO_TOKEN`; `VAULT_ROLE_ID` with
    /// `VAULT_SECRET_ID`; `VAULT_KUBERNETES_ROLE`; or the file that `vault login` and `bao login` write.
    /// `VAULT_AUTH_MOUNT` says where the method is mounted, if elsewhere than usual.
    ///
    /// # Errors
    /// None of these.
    pub fn from_env() -> Result<Self, StoreError> {
        let mount = |usual: &str| variable(&["VAULT_AUTH_MOUNT"]).unwrap_or_else(|| usual.into());
        if let Some(token) = variable(&["VAULT_TOKEN", "BAO_TOKEN"]) {
            return Ok(Self::Token(Secret::from(token)));
        }
        let role = (variable(&["VAULT_ROLE_ID"]), variable(&["VAULT_SECRET_ID"]));
        if let (Some(role_id), Some(secret_id)) = role {
            let secret_id = Secret::from(secret_id);
            return Ok(Self::AppRole { mount: mount("approle"), role_id, secret_id });
        }
        if let Some(role) = variable(&["VAULT_KUBERNETES_ROLE"]) {
            return Ok(Self::Kubernetes { mount: mount("kubernetes"), role, token_file: None });
        }
        let path =
            variable(&["HOME", "USERPROFILE"]).map(|home| PathBuf::from(home).join(".vault-token"));
        match path.filter(|path| path.is_file()) {
            Some(path) => Ok(Self::TokenFile(path)),
            None => Err(StoreError::failed(
                "Vault needs a token: log in with `vault login` or `bao login`, or set VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE",
            )),
        }
    }

    /// Whether another token can be had where one is rejected.
    pub(super) fn renews(&self) -> bool {
        !matches!(self, Self::Token(_))
    }

    /// The token itself, where it is at hand.
    pub(super) async fn token(&self) -> Result<Option<Secret>, StoreError> {
        match self {
            Self::Token(token) => Ok(Some(token.clone())),
            Self::TokenFile(path) => Ok(Some(Secret::from(file(path).await?.trim()))),
            Self::AppRole { .. } | Self::Kubernetes { .. } => Ok(None),
        }
    }

    /// Where to log in, and with which body.
    pub(super) async fn login(&self) -> Result<(&str, Zeroizing<String>), StoreError> {
        let (mount, (name, value), (secret_name, secret)) = match self {
            Self::AppRole { mount, role_id, secret_id } => (
                mount,
                ("role_id", role_id),
                ("secret_id", Zeroizing::new(secret_id.expose().to_owned())),
            ),
            Self::Kubernetes { mount, role, token_file } => {
                let path = token_file.clone().unwrap_or_else(|| SERVICE_ACCOUNT.into());
                (mount, ("role", role), ("jwt", file(&path).await?))
            }
            Self::Token(_) | Self::TokenFile(_) => {
                return Err(StoreError::failed("a token is not exchanged for another"));
            }
        };
        let (value, secret) = (quoted(value), quoted(secret.trim()));
        let length = name.len() + value.len() + secret_name.len() + secret.len() + 16;
        let mut body = Zeroizing::new(String::with_capacity(length));
        for part in ["{\"", name, "\":", &value, ",\"", secret_name, "\":", &secret, "}"] {
            body.push_str(part);
        }
        Ok((mount, body))
    }
}
