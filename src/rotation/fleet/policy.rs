//! Which keys a policy picks.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join;

use crate::Error;
use crate::helpers::api_keys::fits_mask;
use crate::rotation::api::Api;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::settings::Common;
use crate::types::ApiKey;

/// Which keys are to be rotated. A key is picked when it is in scope and any of the reasons fits.
///
/// ```
/// use onkernel::chrono::TimeDelta;
/// use onkernel::rotation::Policy;
///
/// let policy = Policy::new()
///     .older_than(TimeDelta::days(60))
///     .expiring_within(TimeDelta::days(14))
///     .named("ci-*");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Policy {
    older_than: Option<TimeDelta>,
    expiring_within: Option<TimeDelta>,
    never_expiring: bool,
    named: Option<String>,
    project: Option<String>,
    own: bool,
}

impl Policy {
    /// Nothing is picked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reason: the key was made longer ago than this.
    pub fn older_than(mut self, age: TimeDelta) -> Self {
        self.older_than = Some(age);
        self
    }

    /// A reason: the key still works, and will not when this has passed.
    pub fn expiring_within(mut self, time: TimeDelta) -> Self {
        self.expiring_within = Some(time);
        self
    }

    /// A reason: the key never expires.
    pub fn never_expiring(mut self) -> Self {
        self.never_expiring = true;
        self
    }

    /// The scope: only keys of this name, in which `*` stands for any characters.
    pub fn named(mut self, pattern: impl Into<String>) -> Self {
        self.named = Some(pattern.into());
        self
    }

    /// The scope: only keys of this project.
    pub fn in_project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// The caller's own key too, which is left out otherwise.
    pub fn with_own_key(mut self) -> Self {
        self.own = true;
        self
    }

    pub(super) fn includes_own(&self) -> bool {
        self.own
    }

    /// Why a key is picked, if it is.
    fn picks(&self, key: &ApiKey, now: DateTime<Utc>) -> Option<String> {
        let named = self.named.as_ref().is_none_or(|pattern| covers(pattern, &key.name));
        let project = self.project.is_none() || key.project_id == self.project;
        // What bears a marker belongs to a rotation that is under way.
        if !named || !project || Marker::parse(&key.name).is_some() {
            return None;
        }
        let age = now - key.created_at;
        if self.older_than.is_some_and(|limit| age > limit) {
            return Some(format!("it is {} days old", age.num_days()));
        }
        match (key.expires_at, self.expiring_within) {
            (None, _) if self.never_expiring => return Some("it never expires".to_owned()),
            (Some(end), Some(within)) if end > now && end - now <= within => {
                return Some(format!("it expires in {} days", (end - now).num_days()));
            }
            _ => {}
        }
        let reasons =
            self.older_than.is_some() || self.expiring_within.is_some() || self.never_expiring;
        (!reasons && (self.named.is_some() || self.project.is_some()))
            .then(|| "it is in scope".to_owned())
    }
}

/// In words, all that it says.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if let Some(age) = self.older_than {
            words.push(format!("older than {}", in_days(age)));
        }
        if let Some(time) = self.expiring_within {
            words.push(format!("expiring within {}", in_days(time)));
        }
        if self.never_expiring {
            words.push("never expiring".to_owned());
        }
        let mut text = match words.is_empty() {
            true => "keys".to_owned(),
            false => format!("keys {}", words.join(" or ")),
        };
        if let Some(pattern) = &self.named {
            text.push_str(&format!(", named {pattern}"));
        }
        if let Some(project) = &self.project {
            text.push_str(&format!(", in project {project}"));
        }
        if self.own {
            text.push_str(", the caller's own too");
        }
        f.write_str(&text)
    }
}

fn in_days(time: TimeDelta) -> String {
    match time.num_seconds() % 86_400 {
        0 => format!("{} days", time.num_days()),
        _ => format!("{} seconds", time.num_seconds()),
    }
}

/// Whether a pattern with `*` covers the whole string.
fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

/// A key that a policy picks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audited {
    /// The key.
    pub key: ApiKey,
    /// Why it is picked.
    pub why: String,
    /// Whether it looks like the caller's own, which is not rotated unless the policy includes it.
    pub own: bool,
}

/// What a policy would pick.
pub(crate) async fn audit(common: &Common, policy: &Policy) -> Result<Vec<Audited>, Error> {
    select(common, policy, false).await
}

/// The same. Others may be `changing` the keys who write down what they do.
pub(super) async fn select(
    common: &Common,
    policy: &Policy,
    changing: bool,
) -> Result<Vec<Audited>, Error> {
    let api = Api::new(&common.client, common.effects());
    let own = common.client.api_key().await?;
    let keys = async { if changing { api.all_seen().await } else { api.all().await } };
    // The keys' ages are reckoned by the server's clock, which it tells with every response.
    let (_, keys) = try_join(api.lets_in(&own), keys).await?;
    let now = api.effects.server_now();
    Ok(keys
        .into_iter()
        .filter_map(|key| {
            let why = policy.picks(&key, now)?;
            let own = fits_mask(own.expose(), &key.masked_key);
            Some(Audited { key, why, own })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_names() {
        for (pattern, text, fits) in [
            ("ci-*", "ci-7", true),
            ("ci-*", "ci", false),
            ("*", "", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("*-x", "a-x-x", true),
            ("ab*ba", "aba", false),
            ("ci", "ci", true),
            ("ci", "cis", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(covers(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_policy_without_reasons_and_scope_picks_nothing() {
        let key: ApiKey = serde_json::from_value(serde_json::json!({
            "id": "c1", "name": "ci", "created_at": "2026-01-01T00:00:00Z",
            "created_by": {"id": "u", "email": "e", "name": null}, "expires_at": null,
            "deleted_at": null, "project_id": null, "project_name": null, "masked_key": "sk_1...2",
        }))
        .unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let picks = |policy: Policy| policy.picks(&key, now).is_some();
        assert!(!picks(Policy::new()));
        assert!(picks(Policy::new().named("c*")));
        assert!(picks(Policy::new().older_than(TimeDelta::days(58))));
        assert!(!picks(Policy::new().older_than(TimeDelta::days(60)).named("c*")));
        assert!(picks(Policy::new().never_expiring()));
        assert!(!picks(Policy::new().never_expiring().in_project("p")));
        assert!(!picks(Policy::new().expiring_within(TimeDelta::days(9))));
    }

    #[test]
    fn a_policy_says_what_it_picks() {
        let policy = Policy::new().older_than(TimeDelta::days(60)).never_expiring().named("ci-*");
        assert_eq!(policy.to_string(), "keys older than 60 days or never expiring, named ci-*");
        let policy = Policy::new().expiring_within(TimeDelta::hours(1)).in_project("p");
        assert_eq!(policy.to_string(), "keys expiring within 3600 seconds, in project p");
    }
}
