//! AWS Secrets Manager: a secret, or one field of a JSON secret.
//!
//! A new value is put beside the current one, read back, and only then made the current one, in one
//! step that names the version it replaces. That step is what compares and swaps.

mod api;
mod credentials;
mod place;
mod versions;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_core::future::BoxFuture;
use hmac_sha256::Hash;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use self::api::{Api, CURRENT, CallError, Description, PENDING};
use self::credentials::Fixed;
use super::remote::{Patience, Remote, file, variable};
use super::swap::{self, LastRead, Versioned, Written};
use super::{Store, StoreError, TakesEffect, json};
use crate::Secret;

pub(in crate::rotation) use self::versions::{Put, Version, Versions};

/// How the ids of our versions begin: what is left under the label of pending versions by a process
/// that was killed is told by it from the work of others.
const OURS: &str = "6f6e6b2d-";

/// A secret of AWS Secrets Manager, or one field of a secret that is a JSON object.
///
/// A write puts a new version under `AWSPENDING`, reads it back by its id, and moves `AWSCURRENT` to
/// it from the version that was read before: where somebody else has moved that label meanwhile, AWS
/// rejects it. It is made again over that version if the field is still the same, and else nothing is
/// changed. The other fields stay as they are, byte for byte. The secret
/// must exist; it may be without a value.
///
/// Credentials are found as AWS's programs find them: in the environment, in the profile that
/// `AWS_PROFILE` names (also through SSO, or a program), by web identity, and from the metadata of ECS
/// and EC2. `AWS_REGION`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE` count, too. The caller needs
/// `secretsmanager:DescribeSecret`, `GetSecretValue`, `PutSecretValue` and `UpdateSecretVersionStage` on
/// the secret, and the use of its KMS key.
///
/// ```
/// use onkernel::rotation::{AwsStore, Store};
///
/// let store = AwsStore::new("kernel/ci").field("api_key").region("eu-central-1");
/// assert_eq!(store.describe(), "aws:kernel/ci#api_key");
/// assert!(store.readable() && store.shared());
/// ```
pub struct AwsStore {
    name: String,
    field: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    credentials: Option<Fixed>,
    timeout: Duration,
    propagation: Duration,
    api: OnceCell<Api>,
    arn: OnceLock<String>,
    read: LastRead,
}

impl fmt::Debug for AwsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AwsStore").field(&self.describe()).finish()
    }
}

/// What is the current version, if there is one, and its text.
pub(super) struct Seen {
    id: Option<String>,
    text: Zeroizing<String>,
    created: Option<DateTime<Utc>>,
}

/// What came of making a version the current one.
enum Promoted {
    Done,
    /// Another one came before it, and it cannot become the current one any more.
    Overtaken,
    /// The same, or this other one came after it: its response was lost.
    PerhapsOvertaken(Seen),
}

impl AwsStore {
    /// The secret of this name or ARN, which as a whole is the key.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            field: None,
            region: None,
            endpoint: None,
            credentials: None,
            timeout: Duration::from_secs(30),
            propagation: Duration::from_secs(30),
            api: OnceCell::new(),
            arn: OnceLock::new(),
            read: LastRead::default(),
        }
    }

    /// The key is this field of the secret, which is a JSON object.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The region of the secret, instead of the one in its ARN, in `AWS_REGION` or in the profile.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Another address of the service, such as that of a VPC endpoint.
    #[must_use]
    pub fn endpoint(mut self, address: impl Into<String>) -> Self {
        self.endpoint = Some(address.into());
        self
    }

    /// These credentials, instead of those that are found.
    #[must_use]
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: Secret,
        session_token: Option<Secret>,
    ) -> Self {
        let id = access_key_id.into();
        self.credentials = Some(Fixed { id, secret: secret_access_key, session: session_token });
        self
    }

    /// How long each call may take, all its attempts together (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long it may go on showing the version before (30 s).
    #[must_use]
    pub fn propagating(mut self, time: Duration) -> Self {
        self.propagation = time;
        self
    }

    async fn api(&self) -> Result<&Api, StoreError> {
        self.api.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Api, StoreError> {
        let Some(region) = place::region(self.region.as_deref(), &self.name) else {
            return Err(self.failed("set AWS_REGION to the region of the secret"));
        };
        let authorities = match variable(&["AWS_CA_BUNDLE"]) {
            Some(path) => Some(file(path.as_ref()).await?),
            None => None,
        };
        let authorities = authorities.as_ref().map(|pem| pem.as_bytes());
        let endpoint = place::endpoint(self.endpoint.as_deref(), &region);
        let remote = Remote::new(&endpoint, false, authorities, self.timeout)
            .map_err(|why| self.failed(format!("the address of AWS cannot be used: {why}")))?;
        let signer = credentials::signer(&region, self.credentials.as_ref(), remote.http.clone());
        let (secret, patience) = (self.name.clone(), self.timeout);
        Ok(Api { remote, signer, region, secret, patience })
    }

    fn failed(&self, problem: impl fmt::Display) -> StoreError {
        StoreError::failed(format!("{}: {problem}", self.describe()))
    }

    /// What a failed call means that changes nothing which readers get.
    fn explained(&self, api: &Api, action: &str, error: &CallError) -> StoreError {
        self.failed(error.explain(action, &api.region))
    }

    /// The current version.
    async fn current(&self, api: &Api) -> Result<Seen, StoreError> {
        let error = match api.get(None, Some(CURRENT)).await {
            Ok(version) => {
                let _ = self.arn.set(version.arn);
                let text = version.text.ok_or_else(|| {
                    self.failed("the secret is binary: put the key into it as a string first")
                })?;
                return Ok(Seen { id: Some(version.id), text, created: version.created });
            }
            Err(error) => error,
        };
        if error.is_missing() {
            // Either there is no secret, or it has no value yet.
            let described = api.describe().await;
            let described = described.map_err(|e| self.explained(api, "DescribeSecret", &e))?;
            let has_one = |stages: &Vec<String>| stages.iter().any(|stage| stage == CURRENT);
            let _ = self.arn.set(described.arn);
            if !described.version_ids_to_stages.values().any(has_one) {
                return Ok(Seen { id: None, text: Zeroizing::default(), created: None });
            }
        }
        Err(self.explained(api, "GetSecretValue", &error))
    }

    fn not_json(&self, why: &str) -> StoreError {
        self.failed(format!(
            "the secret is no JSON object with such a field: {why}; leave out #FIELD where the whole secret is the key"
        ))
    }

    /// The text of a version with another key, or without one.
    fn with_key(&self, text: &str, key: Option<&Secret>) -> Result<Zeroizing<String>, StoreError> {
        let before = if text.is_empty() { "{}" } else { text };
        match (&self.field, key) {
            (Some(field), Some(key)) => json::set(before, &[], field, key.expose()),
            (Some(field), None) => json::remove(before, &[], field),
            (None, Some(key)) => {
                let end = text.trim_end_matches(['\r', '\n']).len();
                Ok(Zeroizing::new([key.expose(), &text[end..]].concat()))
            }
            (None, None) => return Err(self.failed("a whole secret cannot be emptied")),
        }
        .map_err(|why| self.not_json(&why))
    }

    /// The id of the version that replaces this one by that key: the same for the same write, so
    /// that it can be sent again, and another one for any other.
    fn id_for(&self, seen: &Seen, key: Option<&Secret>) -> String {
        let mut hash = Hash::new();
        let field = self.field.as_deref().unwrap_or_default();
        let key = key.map_or("", Secret::expose);
        // The key is random, so that its digest gives nothing away.
        for part in [seen.id.as_deref().unwrap_or_default(), field, key] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let hex: String = hash.finalize()[..12].iter().map(|b| format!("{b:02x}")).collect();
        // As a UUID of version 8, the one for such makes.
        format!("{OURS}{}-8{}-8{}-{}", &hex[..4], &hex[4..7], &hex[7..10], &hex[10..22])
    }

    async fn write_version(
        &self,
        api: &Api,
        seen: &Seen,
        id: &str,
        key: Option<&Secret>,
    ) -> Result<Written, StoreError> {
        let text = self.with_key(&seen.text, key)?;
        let stages = api.put(id, &text).await.map_err(|error| {
            let action = "PutSecretValue";
            match error.is_lost() && seen.id.is_none() {
                // AWS makes the first version the current one at once.
                true => self.unknown(error.explain(action, &api.region)),
                false => self.explained(api, action, &error),
            }
        })?;
        if seen.id.is_none() && stages.iter().any(|stage| stage == CURRENT) {
            return Ok(Written::Done);
        }
        self.read_back(api, id, &text).await?;
        let by = match self.promote(api, id, seen.id.as_deref()).await? {
            Promoted::Done => return Ok(Written::Done),
            Promoted::Overtaken => return Ok(Written::Overtaken),
            Promoted::PerhapsOvertaken(by) => by,
        };
        // Whoever came after ours kept its key, and whoever came instead of it the one before.
        match self.key(&by) {
            Ok(held) if held.as_ref() == key => Ok(Written::Done),
            Ok(held) if held == self.key(seen)? => Ok(Written::Overtaken),
            _ => Err(self.unknown("the response was lost, and somebody else has written it since")),
        }
    }

    /// Sees that a version is there, whole, before anybody gets it.
    async fn read_back(&self, api: &Api, id: &str, text: &str) -> Result<(), StoreError> {
        let mut patience = Patience::new(self.timeout);
        loop {
            match api.get(Some(id), None).await {
                Ok(version) if version.text.as_ref().is_some_and(|it| it.as_str() == text) => {
                    return Ok(());
                }
                Ok(_) => return Err(self.failed("the new version holds something else")),
                // Reads lag behind writes.
                Err(error) if error.is_missing() && patience.again(None).await => {}
                Err(error) => return Err(self.explained(api, "GetSecretValue", &error)),
            }
        }
    }

    /// Makes a version the current one, instead of this one and no other.
    async fn promote(
        &self,
        api: &Api,
        id: &str,
        from: Option<&str>,
    ) -> Result<Promoted, StoreError> {
        let mut patience = Patience::new(self.timeout);
        let mut lost = false;
        loop {
            let Err(error) = api.label(CURRENT, Some(id), from).await else {
                return Ok(Promoted::Done);
            };
            lost |= error.is_lost();
            let refused = error.is("InvalidParameterException");
            let why = error.explain("UpdateSecretVersionStage", &api.region);
            if error.passes() || refused {
                match self.current(api).await {
                    Ok(seen) if seen.id.as_deref() == Some(id) => return Ok(Promoted::Done),
                    Ok(seen) if seen.id.as_deref() != from => match (lost, refused) {
                        (false, _) => return Ok(Promoted::Overtaken),
                        // Nor can the one that was lost move it any more.
                        (true, true) => return Ok(Promoted::PerhapsOvertaken(seen)),
                        (true, false) => {}
                    },
                    Ok(_) | Err(_) => {}
                }
                if patience.again(error.wait()).await {
                    continue;
                }
            }
            return Err(if lost { self.unknown(why) } else { self.failed(why) });
        }
    }

    fn unknown(&self, problem: impl fmt::Display) -> StoreError {
        StoreError::unknown(format!("{}: {problem}", self.describe()))
    }

    /// What AWS says of the secret, which is one that can be rotated.
    async fn described(&self, api: &Api) -> Result<Description, StoreError> {
        let described = api.describe().await;
        let described = described.map_err(|e| self.explained(api, "DescribeSecret", &e))?;
        if described.deleted_date.is_some() {
            return Err(self.failed(
                "the secret is scheduled for deletion: restore it first with `aws secretsmanager restore-secret`",
            ));
        }
        if let Some(primary) = described.primary_region.as_ref().filter(|it| **it != api.region) {
            return Err(self.failed(format!(
                "the secret in {} is a replica: rotate the one in {primary}",
                api.region
            )));
        }
        Ok(described)
    }

    async fn look(&self) -> Result<(), StoreError> {
        let api = self.api().await?;
        let described = self.described(api).await?;
        for (id, stages) in &described.version_ids_to_stages {
            let bears = |wanted: &str| stages.iter().any(|stage| stage == wanted);
            match bears(PENDING) && !bears(CURRENT) {
                // What a process that was killed has left, or one that writes just now, which can do
                // without it.
                true if id.starts_with(OURS) => match api.label(PENDING, None, Some(id)).await {
                    Ok(()) => {}
                    // It has moved meanwhile.
                    Err(error) if error.is("InvalidParameterException") => {}
                    Err(error) => {
                        return Err(self.explained(api, "UpdateSecretVersionStage", &error));
                    }
                },
                true => {
                    return Err(self.failed(format!(
                        "the version {id} bears {PENDING}, so another rotation is under way or was left behind: let it end, or take the label away with `aws secretsmanager update-secret-version-stage --version-stage {PENDING} --remove-from-version-id {id}`"
                    )));
                }
                false => {}
            }
        }
        let seen = self.see().await?;
        self.key(&seen).map(drop)
    }
}

impl Versioned for AwsStore {
    type Seen = Seen;

    async fn see(&self) -> Result<Seen, StoreError> {
        self.current(self.api().await?).await
    }

    fn key(&self, seen: &Seen) -> Result<Option<Secret>, StoreError> {
        let text = match &self.field {
            _ if seen.text.is_empty() => None,
            None => Some(Zeroizing::new(seen.text.trim_end_matches(['\r', '\n']).to_owned())),
            Some(field) => json::string(&seen.text, &[field]).map_err(|why| self.not_json(&why))?,
        };
        let text = text.filter(|text| !text.is_empty());
        Ok(text.map(|text| Secret::from(text.as_str())))
    }

    async fn write_over(&self, seen: &Seen, key: Option<&Secret>) -> Result<Written, StoreError> {
        let api = self.api().await?;
        let id = self.id_for(seen, key);
        let written = self.write_version(api, seen, &id, key).await;
        if !written.as_ref().is_err_and(StoreError::outcome_unknown) {
            // Left behind, the label would block the rotations of AWS. What fails here is done by
            // the next `check`.
            let _ = api.label(PENDING, None, Some(&id)).await;
        }
        written
    }

    fn last_read(&self) -> &LastRead {
        &self.read
    }

    fn patience(&self) -> Duration {
        self.timeout
    }
}

impl Store for AwsStore {
    fn describe(&self) -> String {
        match &self.field {
            Some(field) => format!("aws:{}#{field}", self.name),
            None => format!("aws:{}", self.name),
        }
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

    /// The ARN, once AWS has said it: the same name may stand for another secret, by another
    /// account's credentials.
    fn identity(&self) -> String {
        match (self.arn.get(), &self.field) {
            (Some(arn), Some(field)) => format!("aws:{arn}#{field}"),
            (Some(arn), None) => format!("aws:{arn}"),
            (None, _) => self.describe(),
        }
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

    /// Takes away the label of pending versions, where a killed process has left it.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.look())
    }
}
