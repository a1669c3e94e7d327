//! One key as the server holds it, and the way to make one without a request.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::policy::Policy;

/// The organization that every server has, and to which belongs what names no other.
pub(in crate::testing) const MAIN_ORGANIZATION: &str = "org_main";

/// A key as the server holds it, deleted ones included.
///
/// `Debug` leaves the plaintext out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// The id, unique on this server.
    pub id: String,
    /// The name, which other keys may bear too.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who created it.
    pub created_by: Creator,
    /// When it stops to work; none for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The organization it belongs to.
    pub organization_id: String,
    /// The project it is confined to; none for an org-wide key.
    pub project_id: Option<String>,
    /// The project's name.
    pub project_name: Option<String>,
    /// The plaintext's beginning and end, as listings show it.
    pub masked_key: String,
    /// What it may do; none for an ordinary key.
    pub policy: Option<Policy>,
    /// Further attributes that responses show, set by [`Server::set_extra`](crate::testing::Server::set_extra).
    pub extra: Map<String, Value>,
    /// How long it was made to live; a grace period does not change it.
    pub(in crate::testing) lifetime: Option<TimeDelta>,
    pub(in crate::testing) plaintext: String,
}

impl KeyRecord {
    /// The secret itself, which the API shows only once.
    pub fn plaintext(&self) -> &str {
        &self.plaintext
    }

    /// Whether it authenticates at this time.
    pub fn works_at(&self, time: DateTime<Utc>) -> bool {
        self.deleted_at.is_none() && self.expires_at.is_none_or(|end| end > time)
    }

    /// The key as the API shows it.
    pub(in crate::testing) fn to_json(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.name,
            "created_at": timestamp(self.created_at),
            "created_by": {
                "id": self.created_by.id,
                "email": self.created_by.email,
                "name": self.created_by.name,
            },
            "expires_at": self.expires_at.map(timestamp),
            "deleted_at": self.deleted_at.map(timestamp),
            "project_id": self.project_id,
            "project_name": self.project_name,
            "masked_key": self.masked_key,
        });
        if let Some(policy) = &self.policy {
            shown["policy"] = json!(policy);
        }
        for (field, value) in &self.extra {
            shown[field] = value.clone();
        }
        shown
    }

    /// The key as the API shows it once, plaintext included.
    pub(in crate::testing) fn to_json_once(&self) -> Value {
        let mut shown = self.to_json();
        shown["key"] = json!(self.plaintext);
        shown
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("created_at", &self.created_at)
            .field("created_by", &self.created_by)
            .field("expires_at", &self.expires_at)
            .field("deleted_at", &self.deleted_at)
            .field("organization_id", &self.organization_id)
            .field("project_id", &self.project_id)
            .field("masked_key", &self.masked_key)
            .field("policy", &self.policy)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

pub(in crate::testing) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Beginning and end of a plaintext: `sk_1234...abcd`.
pub(in crate::testing) fn mask(plaintext: &str) -> String {
    let secret: Vec<char> = plaintext.strip_prefix("sk_").unwrap_or(plaintext).chars().collect();
    if secret.len() < 12 {
        // Showing eight of so few would give the key away.
        return "sk_...".to_owned();
    }
    let start: String = secret[..4].iter().collect();
    let end: String = secret[secret.len() - 4..].iter().collect();
    format!("sk_{start}...{end}")
}

/// The person a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Creator {
    /// The person's id.
    pub id: String,
    /// The person's address.
    pub email: String,
    /// The person's name, where there is one.
    pub name: Option<String>,
}

impl Creator {
    /// A person without a name.
    pub fn new(id: impl Into<String>, email: impl Into<String>) -> Self {
        Self { id: id.into(), email: email.into(), name: None }
    }

    /// Gives the person a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Default for Creator {
    fn default() -> Self {
        Self::new("user_owner", "owner@example.com").name("Owner")
    }
}

/// A key to be put on the server without a request, by [`Server::add_key`](crate::testing::Server::add_key).
///
/// Nothing is checked: tests may want what the API would reject.
#[derive(Clone)]
pub struct NewKey {
    pub(in crate::testing) name: String,
    pub(in crate::testing) created_at: Option<DateTime<Utc>>,
    pub(in crate::testing) created_by: Creator,
    pub(in crate::testing) days: Option<i64>,
    pub(in crate::testing) expires_at: Option<DateTime<Utc>>,
    pub(in crate::testing) organization_id: String,
    pub(in crate::testing) project_id: Option<String>,
    pub(in crate::testing) policy: Option<Policy>,
    pub(in crate::testing) plaintext: Option<String>,
    pub(in crate::testing) extra: Map<String, Value>,
}

impl NewKey {
    /// An org-wide key that never expires and may do everything.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            created_at: None,
            created_by: Creator::default(),
            days: None,
            expires_at: None,
            organization_id: MAIN_ORGANIZATION.to_owned(),
            project_id: None,
            policy: None,
            plaintext: None,
            extra: Map::new(),
        }
    }

    /// Puts it into another organization than the main one: see
    /// [`Builder::organization`](crate::testing::Builder::organization).
    #[must_use]
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization_id = id.into();
        self
    }

    /// Confines it to a project, which need not exist.
    #[must_use]
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project_id = Some(id.into());
        self
    }

    /// Ends it so many days after its creation.
    #[must_use]
    pub fn days(mut self, days: i64) -> Self {
        self.days = Some(days);
        self
    }

    /// Ends it at this time, which may be past; stronger than [`days`](Self::days).
    #[must_use]
    pub fn expires_at(mut self, time: DateTime<Utc>) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Has it created at this time instead of now.
    #[must_use]
    pub fn created_at(mut self, time: DateTime<Utc>) -> Self {
        self.created_at = Some(time);
        self
    }

    /// Has it created by this person.
    #[must_use]
    pub fn created_by(mut self, creator: Creator) -> Self {
        self.created_by = creator;
        self
    }

    /// Limits what it may do.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Gives it this plaintext instead of a generated one.
    #[must_use]
    pub fn plaintext(mut self, plaintext: impl Into<String>) -> Self {
        self.plaintext = Some(plaintext.into());
        self
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("name", &self.name)
            .field("organization_id", &self.organization_id)
            .field("project_id", &self.project_id)
            .field("days", &self.days)
            .field("expires_at", &self.expires_at)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
