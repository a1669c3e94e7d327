//! The versions of a secret, as AWS's rotation goes from one to the next: each by its id, which is the
//! token of the rotation that made it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::api::{self, CURRENT, PENDING, TAKEN};
use super::{AwsStore, Promoted, Seen};
use crate::Secret;
use crate::rotation::store::StoreError;
use crate::rotation::store::swap::Versioned;

/// The label of the version that was current before.
const PREVIOUS: &str = "AWSPREVIOUS";

/// What is known of the versions that bear a label.
pub(in crate::rotation) struct Versions {
    /// The secret.
    pub(in crate::rotation) arn: String,
    /// When a rotation ended last.
    pub(in crate::rotation) rotated: Option<DateTime<Utc>>,
    /// Whether AWS rotates it.
    pub(in crate::rotation) rotation_enabled: bool,
    labels: BTreeMap<String, Vec<String>>,
}

/// One version that has a value.
pub(in crate::rotation) struct Version {
    pub(in crate::rotation) id: String,
    pub(in crate::rotation) key: Option<Secret>,
    pub(in crate::rotation) created: Option<DateTime<Utc>>,
    text: Zeroizing<String>,
}

/// What came of adding a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rotation) enum Put {
    /// It is there, and was read back.
    Done,
    /// There is one of that id with another value, which stays.
    Taken,
}

impl Versions {
    fn bears(&self, id: &str, label: &str) -> bool {
        self.labels.get(id).is_some_and(|labels| labels.iter().any(|it| it == label))
    }

    pub(in crate::rotation) fn is_known(&self, id: &str) -> bool {
        self.labels.contains_key(id)
    }

    pub(in crate::rotation) fn is_current(&self, id: &str) -> bool {
        self.bears(id, CURRENT)
    }

    pub(in crate::rotation) fn is_pending(&self, id: &str) -> bool {
        self.bears(id, PENDING)
    }

    /// The version that was current before, where that is all it is.
    pub(in crate::rotation) fn only_previous(&self) -> Option<&str> {
        let is_it = |labels: &Vec<String>| matches!(&labels[..], [label] if label == PREVIOUS);
        self.labels.iter().find(|(_, labels)| is_it(labels)).map(|(id, _)| id.as_str())
    }

    /// Every version that bears a label.
    pub(in crate::rotation) fn ids(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().map(String::as_str)
    }
}

impl AwsStore {
    /// The versions that bear a label.
    pub(in crate::rotation) async fn versions(&self) -> Result<Versions, StoreError> {
        let api = self.api().await?;
        let described = self.described(api).await?;
        Ok(Versions {
            arn: described.arn,
            rotated: described.last_rotated_date.and_then(api::moment),
            rotation_enabled: described.rotation_enabled == Some(true),
            labels: described.version_ids_to_stages,
        })
    }

    /// The version that readers get; `None` where the secret has no value yet.
    pub(in crate::rotation) async fn current_version(&self) -> Result<Option<Version>, StoreError> {
        let seen = self.see().await?;
        let (key, created) = (self.key(&seen)?, seen.created);
        Ok(seen.id.map(|id| Version { id, key, created, text: seen.text }))
    }

    /// The version of this id; `None` where it has no value, or none that shows yet. What is not made as
    /// the current one is holds no key.
    pub(in crate::rotation) async fn version(
        &self,
        id: &str,
    ) -> Result<Option<Version>, StoreError> {
        let api = self.api().await?;
        match api.get(Some(id), None).await {
            Ok(version) => {
                let (id, created) = (version.id, version.created);
                let seen = Seen { id: None, text: version.text.unwrap_or_default(), created };
                let key = self.key(&seen).unwrap_or_default();
                Ok(Some(Version { id, key, created, text: seen.text }))
            }
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(self.explained(api, "GetSecretValue", &error)),
        }
    }

    /// Adds the version of this id, under the label of pending ones: what readers get, with another key.
    pub(in crate::rotation) async fn put_pending(
        &self,
        id: &str,
        current: &Version,
        key: &Secret,
    ) -> Result<Put, StoreError> {
        let api = self.api().await?;
        let text = self.with_key(&current.text, Some(key))?;
        match api.put(id, &text).await {
            Ok(_) => {}
            Err(error) if error.is(TAKEN) => return Ok(Put::Taken),
            Err(error) => {
                let why = error.explain("PutSecretValue", &api.region);
                return Err(if error.is_lost() { self.unknown(why) } else { self.failed(why) });
            }
        }
        match self.read_back(api, id, &text).await {
            Ok(()) => Ok(Put::Done),
            // It is there, whether it shows or not.
            Err(error) => Err(StoreError::unknown(error.to_string())),
        }
    }

    /// Makes a version what readers get, instead of this one and no other; `false` where somebody else
    /// came before.
    pub(in crate::rotation) async fn make_current(
        &self,
        id: &str,
        instead_of: &str,
    ) -> Result<bool, StoreError> {
        match self.promote(self.api().await?, id, Some(instead_of)).await? {
            Promoted::Done => Ok(true),
            Promoted::Overtaken => Ok(false),
            Promoted::PerhapsOvertaken(_) => Err(self.unknown(
                "the response was lost, and the current version is neither the one before nor the new one",
            )),
        }
    }

    /// Takes the label of pending versions away from this one.
    pub(in crate::rotation) async fn not_pending(&self, id: &str) -> Result<(), StoreError> {
        let api = self.api().await?;
        let unlabelled = api.label(PENDING, None, Some(id)).await;
        unlabelled.map_err(|error| self.explained(api, "UpdateSecretVersionStage", &error))
    }
}
