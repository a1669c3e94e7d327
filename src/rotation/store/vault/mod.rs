//! Vault and OpenBao: one field of a secret of a KV engine, version 2.
//!
//! Every write names the version that it follows (`cas`), so that it is done once and over nothing
//! else, however often it is sent.

mod api;
mod auth;

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::OnceCell;

use self::api::{Api, CallError, Seen};
use super::remote::{Patience, Remote, file, variable};
use super::swap::{self, LastRead, Versioned, Written};
use super::{Store, StoreError, TakesEffect, json};
use crate::Secret;

pub use self::auth::VaultAuth;

/// A field of a secret of Vault's or OpenBao's KV engine, version 2.
///
/// A write names the version that was read: Vault rejects it where somebody else has written another
/// meanwhile. It is made again over that one if the field is still the same, and else nothing is changed.
/// The other fields stay. Where the server says by `X-Vault-Index`
/// where its cluster has come to, reads wait for that.
///
/// Address, namespace, token and certificate authorities come from `VAULT_ADDR`, `VAULT_NAMESPACE`,
/// `VAULT_CACERT` (or `BAO_…`) and [`VaultAuth::from_env`] unless they are given. The token needs `read`,
/// and `update` or, for a secret that is not there, `create` on `MOUNT/data/PATH`.
///
/// ```
/// use onkernel::rotation::{Store, VaultStore};
///
/// let store = VaultStore::new("secret/ci", "api_key").address("https://vault.example:8200");
/// assert_eq!(store.describe(), "vault:secret/ci#api_key");
/// assert!(store.readable() && store.shared());
/// ```
pub struct VaultStore {
    path: String,
    field: String,
    mount: Option<String>,
    address: Option<String>,
    namespace: Option<String>,
    auth: Option<VaultAuth>,
    plain_http: bool,
    timeout: Duration,
    propagation: Duration,
    place: OnceCell<Place>,
    read: LastRead,
}

/// The server, and the path of the secret in its API.
struct Place {
    api: Api,
    path: String,
}

impl fmt::Debug for VaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VaultStore").field(&self.describe()).finish()
    }
}

impl VaultStore {
    /// This field of the secret at this path, which begins with the mount: `secret/ci`.
    pub fn new(path: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            path: path.into().trim_matches('/').to_owned(),
            field: field.into(),
            mount: None,
            address: None,
            namespace: None,
            auth: None,
            plain_http: false,
            timeout: Duration::from_secs(30),
            propagation: Duration::from_secs(5),
            place: OnceCell::new(),
            read: LastRead::default(),
        }
    }

    /// How much of the path is the mount. Otherwise Vault is asked, and it is the first part where it
    /// does not tell.
    #[must_use]
    pub fn mount(mut self, mount: impl Into<String>) -> Self {
        self.mount = Some(mount.into().trim_matches('/').to_owned());
        self
    }

    /// The server's address, instead of `VAULT_ADDR` or `BAO_ADDR`.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The namespace, instead of `VAULT_NAMESPACE` or `BAO_NAMESPACE`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How to authenticate, instead of [`VaultAuth::from_env`].
    #[must_use]
    pub fn auth(mut self, auth: VaultAuth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Whether the address may be plain `http://` on another machine, where the secret can be read
    /// on the way.
    #[must_use]
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.plain_http = allow;
        self
    }

    /// How long each call may take, all its attempts together (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a standby may go on showing the version before (5 s).
    #[must_use]
    pub fn propagating(mut self, time: Duration) -> Self {
        self.propagation = time;
        self
    }

    fn address_of(&self) -> Option<String> {
        self.address.clone().or_else(|| variable(&["VAULT_ADDR", "BAO_ADDR"]))
    }

    fn namespace_of(&self) -> Option<String> {
        let given = self.namespace.clone();
        let named = given.or_else(|| variable(&["VAULT_NAMESPACE", "BAO_NAMESPACE"]));
        named.map(|it| it.trim_matches('/').to_owned()).filter(|it| !it.is_empty())
    }

    fn failed(&self, problem: impl fmt::Display) -> StoreError {
        StoreError::failed(format!("{}: {problem}", self.describe()))
    }

    /// A failure by which nothing was written.
    fn unread(&self, error: &CallError) -> StoreError {
        self.failed(error.why())
    }

    async fn place(&self) -> Result<&Place, StoreError> {
        self.place.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Place, StoreError> {
        let address = self.address_of();
        let address =
            address.ok_or_else(|| self.failed("set VAULT_ADDR to the address of the server"))?;
        let authorities = match variable(&["VAULT_CACERT", "BAO_CACERT"]) {
            Some(path) => Some(file(path.as_ref()).await?),
            None => None,
        };
        let authorities = authorities.as_ref().map(|pem| pem.as_bytes());
        let remote = Remote::new(&address, self.plain_http, authorities, self.timeout)
            .map_err(|why| self.failed(format!("the address cannot be used: {why}")))?;
        let auth = match &self.auth {
            Some(auth) => auth.clone(),
            None => VaultAuth::from_env().map_err(|error| self.failed(error))?,
        };
        let api = Api {
            remote,
            namespace: self.namespace_of(),
            auth,
            patience: self.timeout,
            token: tokio::sync::Mutex::default(),
            index: Mutex::default(),
        };
        let path = self.path_in(&api).await?;
        Ok(Place { api, path })
    }

    /// The path of the secret in the API: `MOUNT/data/REST`.
    async fn path_in(&self, api: &Api) -> Result<String, StoreError> {
        let mount = match &self.mount {
            Some(mount) => mount.clone(),
            None => match api.mount(&self.path).await.map_err(|error| self.unread(&error))? {
                Some(mount) => {
                    let version = mount.options.as_ref().and_then(|it| it.get("version"));
                    if mount.kind != "kv" || version.is_none_or(|version| version != "2") {
                        return Err(self.failed(format!(
                            "`{}` is no KV engine of version 2, which alone can compare and swap: upgrade it with `vault kv enable-versioning`, or choose another",
                            mount.path
                        )));
                    }
                    mount.path.trim_matches('/').to_owned()
                }
                None => self.path.split('/').next().unwrap_or_default().to_owned(),
            },
        };
        let rest = self.path.strip_prefix(&mount).and_then(|rest| rest.strip_prefix('/'));
        match rest.filter(|rest| !rest.is_empty() && !mount.is_empty()) {
            Some(rest) => Ok(format!("{mount}/data/{rest}")),
            None => Err(self.failed("the path must be MOUNT/NAME, such as secret/ci")),
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let Place { api, path } = self.place().await?;
        let seen = self.see().await?;
        self.key(&seen)?;
        let needed = if seen.version == 0 { "create" } else { "update" };
        let may = api.may(path).await.map_err(|error| self.unread(&error))?;
        match may {
            Some(may) if !may.iter().any(|it| it == needed || it == "root") => {
                Err(self.failed(format!("the token's policy lacks `{needed}` on `{path}`: add it")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Versioned for VaultStore {
    type Seen = Seen;

    async fn see(&self) -> Result<Seen, StoreError> {
        let Place { api, path } = self.place().await?;
        api.get(path, None).await.map_err(|error| self.unread(&error))
    }

    fn key(&self, seen: &Seen) -> Result<Option<Secret>, StoreError> {
        let Some(data) = &seen.data else { return Ok(None) };
        let text = json::string(data, &[&self.field]).map_err(|why| self.failed(why))?;
        Ok(text.filter(|text| !text.is_empty()).map(|text| Secret::from(text.as_str())))
    }

    async fn write_over(&self, seen: &Seen, key: Option<&Secret>) -> Result<Written, StoreError> {
        let Place { api, path } = self.place().await?;
        let before = seen.data.as_ref().map_or("{}", |data| data.as_str());
        let data = match key {
            Some(key) => json::set(before, &[], &self.field, key.expose()),
            None => json::remove(before, &[], &self.field),
        };
        let data = data.map_err(|why| self.failed(why))?;
        let mut patience = Patience::new(self.timeout);
        let mut lost = None;
        loop {
            let error = match api.put(path, seen.version, &data).await {
                Ok(true) => return Ok(Written::Done),
                Ok(false) if lost.is_none() => return Ok(Written::Overtaken),
                // The version is there: either ours, or somebody else's, and then ours cannot follow.
                Ok(false) => match api.get(path, Some(seen.version + 1)).await {
                    Ok(next) if next.version == seen.version + 1 => {
                        let ours = next.data.is_some() && self.key(&next)?.as_ref() == key;
                        return Ok(if ours { Written::Done } else { Written::Overtaken });
                    }
                    Ok(_) | Err(_) => None,
                },
                Err(error @ CallError::Lost(_)) => Some(error),
                Err(error) if lost.is_none() => return Err(self.unread(&error)),
                Err(_) => None,
            };
            lost = error.or(lost);
            if !patience.again(None).await {
                let why = lost.as_ref().map_or("the response was lost", CallError::why);
                let problem = format!("{}: {why}", self.describe());
                return Err(StoreError::unknown(problem));
            }
        }
    }

    fn last_read(&self) -> &LastRead {
        &self.read
    }

    fn patience(&self) -> Duration {
        self.timeout
    }
}

impl Store for VaultStore {
    fn describe(&self) -> String {
        format!("vault:{}#{}", self.path, self.field)
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(swap::read(self))
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(swap::write(self, Some(secret)))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(swap::write(self, None))
    }

    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        Some(Box::pin(swap::replace(self, Some(expected), Some(new))))
    }

    /// The server's address, the namespace, and the path with its mount.
    fn identity(&self) -> String {
        let address = self.address_of().unwrap_or_default();
        let address = address.trim_end_matches('/');
        let namespace = self.namespace_of().unwrap_or_default();
        format!("vault:{address}/{namespace}/{}#{}", self.path, self.field)
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn shared(&self) -> bool {
        true
    }

    fn takes_effect(&self) -> TakesEffect {
        TakesEffect::NextRead
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.look())
    }
}
