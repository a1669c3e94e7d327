//! Kubernetes: one key of a Secret.
//!
//! The Secret is read as a whole, one value in it is changed, and it is replaced by that, with the
//! `resourceVersion` that was read: the cluster rejects it where anybody has changed it meanwhile.

mod call;
mod cluster;
mod kubectl;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_core::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use self::call::{CallError, Name, Put, Text};
use self::cluster::{Account, Cluster};
use self::kubectl::Kubectl;
use super::remote::Patience;
use super::swap::{self, LastRead, Versioned, Written};
use super::{Store, StoreError, json};
use crate::Secret;

/// The annotation that tells a Secret that was written anew from the same one before.
const FENCE: &str = "kernel-keys/written";

/// One key of a Secret of Kubernetes.
///
/// Within a cluster it is reached as the service account of the pod, which needs the verbs `get` and
/// `update` on this Secret; elsewhere through the user's `kubectl`, which gets the Secret on standard
/// input. A write names the `resourceVersion` that was read: where anybody has changed the Secret
/// meanwhile, the cluster rejects it. It is made again over that if the key is still the same, and else
/// nothing is changed. The other keys, labels and annotations stay. The Secret must exist; the key in it
/// need not.
///
/// ```
/// use onkernel::rotation::{KubernetesStore, Store};
///
/// let store = KubernetesStore::new("agents", "kernel", "api-key").context("production");
/// assert_eq!(store.describe(), "k8s:agents/kernel#api-key");
/// assert!(store.readable() && store.shared());
/// ```
pub struct KubernetesStore {
    name: Name,
    key: String,
    way: Chosen,
    context: Option<String>,
    timeout: Duration,
    cluster: OnceCell<(Way, String)>,
    read: LastRead,
}

/// How the cluster is to be reached.
enum Chosen {
    /// As the service account of this pod, or else by `kubectl`.
    Here,
    Account(Account),
    Kubectl(OsString),
}

enum Way {
    Cluster(Cluster),
    Kubectl(Kubectl),
}

/// What is read of a Secret beside its values.
#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    immutable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[expect(dead_code, reason = "a Secret without one would be replaced whatever it is by then")]
    resource_version: String,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
}

pub(super) struct Seen {
    text: Text,
    object: Object,
}

impl fmt::Debug for KubernetesStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KubernetesStore").field(&self.describe()).finish()
    }
}

impl KubernetesStore {
    /// This key of the Secret of this name in this namespace.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        Self {
            name: Name { namespace: namespace.into(), secret: name.into() },
            key: key.into(),
            way: Chosen::Here,
            context: None,
            timeout: Duration::from_secs(30),
            cluster: OnceCell::new(),
            read: LastRead::default(),
        }
    }

    /// Through this program, also within a cluster; `kubectl` unless its path is given.
    #[must_use]
    pub fn kubectl(mut self, program: impl Into<OsString>) -> Self {
        self.way = Chosen::Kubectl(program.into());
        self
    }

    /// The context of `kubectl`, instead of the current one.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// The API at this address, with the token in a file, which is read anew for every request, and
    /// trusting the certificate authorities in another, if one is given.
    #[must_use]
    pub fn api(
        mut self,
        address: impl Into<String>,
        token_file: impl Into<PathBuf>,
        authorities: Option<PathBuf>,
    ) -> Self {
        let (address, token_file) = (address.into(), token_file.into());
        self.way = Chosen::Account(Account { address, token_file, authorities });
        self
    }

    /// How long each call may take, all its attempts together (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn failed(&self, problem: impl fmt::Display) -> StoreError {
        StoreError::failed(format!("{}: {problem}", self.describe()))
    }

    async fn way(&self) -> Result<&Way, StoreError> {
        Ok(&self.cluster.get_or_try_init(|| self.connect()).await?.0)
    }

    async fn connect(&self) -> Result<(Way, String), StoreError> {
        let program = match &self.way {
            Chosen::Account(account) => return self.within(account.clone()).await,
            Chosen::Kubectl(program) => program.clone(),
            Chosen::Here => match Account::of_this_pod().filter(|_| self.context.is_none()) {
                Some(account) => return self.within(account).await,
                None => "kubectl".into(),
            },
        };
        let kubectl = Kubectl { program, context: self.context.clone(), timeout: self.timeout };
        let cluster = kubectl.cluster().await.map_err(|error| self.failed(error))?;
        Ok((Way::Kubectl(kubectl), cluster))
    }

    async fn within(&self, account: Account) -> Result<(Way, String), StoreError> {
        let cluster = account.connect(self.timeout).await.map_err(|error| self.failed(error))?;
        let identity = cluster.identity().to_owned();
        Ok((Way::Cluster(cluster), identity))
    }

    async fn put(&self, secret: &Text, dry_run: bool) -> Result<Put, CallError> {
        let way = self.way().await.map_err(|error| CallError::Failed(error.to_string()))?;
        match way {
            Way::Cluster(cluster) => cluster.put(&self.name, secret, dry_run).await,
            Way::Kubectl(kubectl) => kubectl.put(&self.name, secret, dry_run).await,
        }
    }

    /// The value as it is there, with its line end.
    fn value(&self, seen: &Seen) -> Result<Option<Zeroizing<String>>, StoreError> {
        let damaged = |why: &str| self.failed(format!("its value {why}: put the key there first"));
        let encoded =
            json::string(&seen.text, &["data", &self.key]).map_err(|why| self.failed(why))?;
        let Some(encoded) = encoded else { return Ok(None) };
        let bytes = BASE64_STANDARD.decode(&*encoded).map_err(|_| damaged("is not Base64"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            damaged("is not text")
        })?;
        Ok(Some(Zeroizing::new(text)).filter(|text| !text.is_empty()))
    }

    /// The Secret with another key, or without one.
    fn with_key(&self, seen: &Seen, key: Option<&Secret>) -> Result<Text, StoreError> {
        let unfit = |why: String| self.failed(why);
        let mut text = seen.text.clone();
        if let Some(key) = key {
            let value = self.value(seen)?.unwrap_or_default();
            let end = &value[value.trim_end_matches(['\r', '\n']).len()..];
            let value = Zeroizing::new([key.expose(), end].concat());
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*value));
            text = with_object(&text, &[], "data").map_err(unfit)?;
            text = json::set(&text, &["data"], &self.key, &encoded).map_err(unfit)?;
        } else if json::find(&text, &["data"]).map_err(unfit)?.is_some() {
            text = json::remove(&text, &["data"], &self.key).map_err(unfit)?;
        }
        // A key in the place of itself is a change all the same: whatever was sent before with this
        // version cannot follow it.
        if self.key(seen)?.as_ref() == key {
            text = with_object(&text, &["metadata"], "annotations").map_err(unfit)?;
            let once = format!("{:016x}", fastrand::u64(..));
            text = json::set(&text, &["metadata", "annotations"], FENCE, &once).map_err(unfit)?;
        }
        Ok(text)
    }

    fn unknown(&self, problem: &str) -> StoreError {
        StoreError::unknown(format!("{}: {problem}", self.describe()))
    }

    async fn look(&self) -> Result<(), StoreError> {
        let seen = self.see().await?;
        self.key(&seen)?;
        if seen.object.immutable {
            return Err(
                self.failed("the Secret is immutable: make another one, without `immutable`")
            );
        }
        if let Some(owner) = seen.object.metadata.owner_references.first() {
            let Owner { kind, name } = owner;
            return Err(self.failed(format!(
                "the Secret belongs to the {kind} {name}, which would put the old key back: rotate the store that this takes it from"
            )));
        }
        // All that the cluster would say of a write, without one.
        match self.put(&seen.text, true).await {
            Ok(Put::Done | Put::Conflict) => Ok(()),
            Err(error) => Err(self.failed(error.why())),
        }
    }
}

/// The text in which there is an object of this name at this path.
fn with_object(text: &Text, path: &[&str], name: &str) -> Result<Text, String> {
    let whole: Vec<&str> = path.iter().copied().chain([name]).collect();
    match json::find(text, &whole)? {
        Some(at) if &text[at.clone()] == "null" => {
            Ok(Zeroizing::new([&text[..at.start], "{}", &text[at.end..]].concat()))
        }
        Some(_) => Ok(text.clone()),
        None => json::set_raw(text, path, name, "{}"),
    }
}

impl Versioned for KubernetesStore {
    type Seen = Seen;

    async fn see(&self) -> Result<Seen, StoreError> {
        let way = self.way().await?;
        let mut patience = Patience::new(self.timeout);
        let text = loop {
            let got = match way {
                Way::Cluster(cluster) => cluster.get(&self.name).await,
                Way::Kubectl(kubectl) => kubectl.get(&self.name).await,
            };
            match got {
                Ok(text) => break text,
                Err(CallError::Failed(why)) => return Err(self.failed(why)),
                Err(_) if patience.again(None).await => {}
                Err(error) => return Err(self.failed(error.why())),
            }
        };
        let object = serde_json::from_str(&text)
            .map_err(|_| self.failed("what the cluster sends is no Secret"))?;
        Ok(Seen { text, object })
    }

    fn key(&self, seen: &Seen) -> Result<Option<Secret>, StoreError> {
        let value = self.value(seen)?;
        let key = value.as_ref().map(|value| value.trim_end_matches(['\r', '\n']));
        Ok(key.filter(|key| !key.is_empty()).map(Secret::from))
    }

    async fn write_over(&self, seen: &Seen, key: Option<&Secret>) -> Result<Written, StoreError> {
        let text = self.with_key(seen, key)?;
        let mut patience = Patience::new(self.timeout);
        let mut lost: Option<String> = None;
        loop {
            let error = match (self.put(&text, false).await, &lost) {
                (Ok(Put::Done), _) => return Ok(Written::Done),
                (Ok(Put::Conflict), None) => return Ok(Written::Overtaken),
                // By this write, or by somebody else's, and then this one cannot follow.
                (Ok(Put::Conflict), Some(why)) => {
                    let now = self.see().await.and_then(|now| self.key(&now));
                    let now = now.map_err(|_| self.unknown(why))?;
                    let ours = now.as_ref() == key;
                    return Ok(if ours { Written::Done } else { Written::Overtaken });
                }
                (Err(error), _) => error,
            };
            if let CallError::Lost(why) = &error {
                lost = Some(why.clone());
            }
            if matches!(error, CallError::Failed(_)) || !patience.again(None).await {
                return Err(match &lost {
                    Some(why) => self.unknown(why),
                    None => self.failed(error.why()),
                });
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

impl Store for KubernetesStore {
    fn describe(&self) -> String {
        format!("k8s:{}/{}#{}", self.name.namespace, self.name.secret, self.key)
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

    /// The cluster's address, once it is known, and within a cluster what tells it from others at the
    /// same address; the namespace and the name.
    fn identity(&self) -> String {
        let described = self.describe();
        match self.cluster.get() {
            Some((_, cluster)) => format!("{described} in {cluster}"),
            None => described,
        }
    }

    /// A read always shows the last write. The workload's files follow later: see
    /// `docs/stores/kubernetes.md`.
    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    fn shared(&self) -> bool {
        true
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.look())
    }
}
