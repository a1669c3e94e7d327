//! What a rotation is going to do, decided before anything is touched, from the old key's own JSON
//! and the caller's wishes.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fingerprint::Fingerprint;
use super::marker::Marker;

/// The server's clock and ours, and the moments within one of its transactions, differ by less.
pub(crate) const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// What the API allows.
const LONGEST_DAYS: i64 = 3650;

/// How long the replacement is to live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// As long as the old key was made to live. Refused where that cannot be told or kept.
    #[default]
    AsOld,
    /// So many days from its creation, 1 to 3650.
    Days(i64),
    /// Until this moment, which must be in the future and, when the key that is rotated makes its
    /// own replacement, no later than that key's end.
    Until(DateTime<Utc>),
    /// For ever.
    Never,
}

/// What becomes of the old key when the new one is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retirement {
    /// It is deleted, after the overlap.
    Delete,
    /// It stays as it is.
    Keep,
    /// The server's own rotation makes the new key and ends the old one after so many days, 1 to
    /// 3650. This cannot be undone: the old key's end has moved whatever comes of the rotation.
    Grace {
        /// The days for which the old key goes on working.
        days: i64,
    },
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete => f.write_str("delete"),
            Self::Keep => f.write_str("keep"),
            Self::Grace { days } => write!(f, "expire after {days} days"),
        }
    }
}

/// The lifetime to ask for: nothing is left to be told later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    Never,
    Days(i64),
    /// This long from the moment of asking.
    For {
        milliseconds: i64,
    },
    Until(DateTime<Utc>),
    /// The server's own rotation keeps the lifetime when it is left out.
    AsServerKnows,
}

/// What resuming needs to know of a rotation: the first line of its journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) rotation: String,
    pub(crate) old_id: String,
    /// The real name, which the new key gets in the end.
    pub(crate) name: String,
    pub(crate) project_id: Option<String>,
    /// The old key's end as it was.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) ask: Ask,
    /// The longest that the new key may live, in milliseconds.
    pub(crate) longest_ms: Option<i64>,
    pub(crate) retirement: Retirement,
    /// What the store calls itself.
    pub(crate) store: String,
    pub(crate) store_is_new: bool,
    /// Which key the store held.
    pub(crate) old: Option<Fingerprint>,
    /// The key that is replaced makes its own replacement.
    pub(crate) own: bool,
    pub(crate) allowed: Vec<String>,
    /// The caller's own note: hooks as a command line gave them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) note: Value,
}

/// What the caller wants.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    pub(crate) lifetime: Lifetime,
    pub(crate) retirement: Retirement,
    pub(crate) own: bool,
    pub(crate) now: DateTime<Utc>,
}

/// The parts of an old key that a plan is made from.
#[derive(Clone, Debug)]
pub(crate) struct OldKey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) masked: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) project_id: Option<String>,
    pub(crate) policy: Option<Value>,
}

impl OldKey {
    /// Reads a key's JSON; the error names the field that is not as documented.
    pub(crate) fn read(json: &Map<String, Value>) -> Result<Self, String> {
        let text = |field: &str| {
            let value = json.get(field).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| format!("the server's answer has no text in `{field}`"))
        };
        let optional = |field: &str| match json.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("the server's answer has no text in `{field}`")),
        };
        let time = |field: &str, text: &str| {
            DateTime::parse_from_rfc3339(text)
                .map(|time| time.with_timezone(&Utc))
                .map_err(|_| format!("the server's answer has no time in `{field}`"))
        };
        if optional("deleted_at")?.is_some() {
            return Err("the key has been deleted".to_owned());
        }
        Ok(Self {
            id: text("id")?,
            name: text("name")?,
            masked: text("masked_key")?,
            created_at: time("created_at", &text("created_at")?)?,
            expires_at: optional("expires_at")?.map(|t| time("expires_at", &t)).transpose()?,
            project_id: optional("project_id")?,
            policy: json.get("policy").filter(|policy| !policy.is_null()).cloned(),
        })
    }
}

/// The lifetime to ask for, and the longest that the answer may live.
pub(crate) fn lifetime(
    old: &OldKey,
    siblings: &[DateTime<Utc>],
    wishes: &Wishes,
) -> Result<(Ask, Option<TimeDelta>), String> {
    let server_side = matches!(wishes.retirement, Retirement::Grace { .. });
    match wishes.lifetime {
        Lifetime::Never => Ok((Ask::Never, None)),
        Lifetime::Days(days) if (1..=LONGEST_DAYS).contains(&days) => Ok((Ask::Days(days), None)),
        Lifetime::Days(days) => {
            Err(format!("a key can live for 1 to {LONGEST_DAYS} days, not for {days}"))
        }
        Lifetime::Until(_) if server_side => Err(
            "the server's own rotation cannot end a key at an exact time: ask for a lifetime in days, or for the old key to be deleted or kept".to_owned(),
        ),
        Lifetime::Until(end) if end <= wishes.now => {
            Err("the time at which the new key is to end has passed".to_owned())
        }
        Lifetime::Until(end) if wishes.own && old.expires_at.is_some_and(|old| end > old) => Err(
            "a key cannot make one that outlives it to an exact time: ask for a lifetime in days, or rotate it with another key".to_owned(),
        ),
        Lifetime::Until(end) => Ok((Ask::Until(end), None)),
        Lifetime::AsOld => as_old(old, siblings, wishes, server_side),
    }
}

/// Whether the old key's end may have been moved by a grace period: the keys of its name tell.
pub(crate) fn may_be_shortened(old: &OldKey, wishes: &Wishes) -> bool {
    let lived = old.expires_at.map(|end| end - old.created_at);
    wishes.lifetime == Lifetime::AsOld
        && lived.is_some_and(|lived| days_to_ask_for(lived).is_none())
}

fn as_old(
    old: &OldKey,
    siblings: &[DateTime<Utc>],
    wishes: &Wishes,
    server_side: bool,
) -> Result<(Ask, Option<TimeDelta>), String> {
    const SAY: &str = "say how long the new key is to live (in days, until a time, or for ever)";
    let Some(end) = old.expires_at else { return Ok((Ask::Never, None)) };
    if end <= wishes.now {
        return Err(format!("the old key has expired: {SAY}"));
    }
    let lived = end - old.created_at;
    if lived <= TimeDelta::zero() {
        return Err(format!("the old key's lifetime makes no sense: {SAY}"));
    }
    if let Some(days) = days_to_ask_for(lived) {
        let ask = if server_side { Ask::AsServerKnows } else { Ask::Days(days) };
        return Ok((ask, Some(lived)));
    }
    // A grace period counts whole days from the creation of the key that took over.
    let shortened = siblings.iter().any(|made| {
        *made > old.created_at && whole_days(end - *made).is_some_and(|days| days >= 0)
    });
    if shortened {
        return Err(format!(
            "the old key's end seems to have been moved by a grace period, since a key of the same name was made whole days before it: {SAY}"
        ));
    }
    if server_side {
        return Ok((Ask::AsServerKnows, Some(lived)));
    }
    if wishes.own {
        return Err(format!(
            "the old key's lifetime is not one of whole days, and a key cannot make one that outlives it to an exact time: {SAY}, or rotate it with another key"
        ));
    }
    Ok((Ask::For { milliseconds: lived.num_milliseconds() }, Some(lived)))
}

fn days_to_ask_for(lived: TimeDelta) -> Option<i64> {
    whole_days(lived).filter(|days| (1..=LONGEST_DAYS).contains(days))
}

fn whole_days(time: TimeDelta) -> Option<i64> {
    let days = (time + TimeDelta::hours(12)).num_days();
    let rest = time - TimeDelta::try_days(days)?;
    (rest.abs() <= TOLERANCE).then_some(days)
}

/// The real name of a key, or why it has none.
pub(crate) fn real_name(old: &OldKey) -> Result<String, String> {
    match Marker::parse(&old.name) {
        None => Ok(old.name.clone()),
        Some(marker) => Err(format!(
            "the key bears the marker of a rotation that is not finished ({marker}): resume that rotation, or give the key its name back"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn old(expires_at: Option<&str>) -> OldKey {
        OldKey {
            id: "c1".into(),
            name: "ci".into(),
            masked: "sk_1234...abcd".into(),
            created_at: at("2026-01-01T10:00:00.123Z"),
            expires_at: expires_at.map(at),
            project_id: None,
            policy: None,
        }
    }

    fn wishes(lifetime: Lifetime) -> Wishes {
        Wishes {
            lifetime,
            retirement: Retirement::Delete,
            own: false,
            now: at("2026-01-10T00:00:00Z"),
        }
    }

    fn asked(expires_at: Option<&str>) -> Result<Ask, String> {
        lifetime(&old(expires_at), &[], &wishes(Lifetime::AsOld)).map(|(ask, _)| ask)
    }

    #[test]
    fn the_lifetime_is_the_old_one() {
        assert_eq!(asked(None), Ok(Ask::Never));
        assert_eq!(asked(Some("2026-01-31T10:00:00.123Z")), Ok(Ask::Days(30)));
        assert_eq!(asked(Some("2026-01-31T10:00:01Z")), Ok(Ask::Days(30)));
        assert_eq!(
            asked(Some("2026-01-11T10:30:00.123Z")),
            Ok(Ask::For { milliseconds: (10 * 24 * 60 + 30) * 60_000 })
        );
    }

    #[test]
    fn an_expired_key_needs_the_lifetime_spelled_out() {
        assert!(asked(Some("2026-01-09T10:00:00Z")).unwrap_err().contains("say how long"));
        let spelled = lifetime(&old(Some("2026-01-09T10:00:00Z")), &[], &wishes(Lifetime::Days(9)));
        assert_eq!(spelled, Ok((Ask::Days(9), None)));
    }

    #[test]
    fn an_end_moved_by_a_grace_period_needs_the_lifetime_spelled_out() {
        let old = old(Some("2026-01-16T08:00:00Z"));
        let sibling = at("2026-01-09T08:00:00Z");
        let error = lifetime(&old, &[sibling], &wishes(Lifetime::AsOld)).unwrap_err();
        assert!(error.contains("grace period"), "{error}");
        assert!(lifetime(&old, &[], &wishes(Lifetime::AsOld)).is_ok());
    }

    #[test]
    fn a_key_cannot_make_one_that_outlives_it() {
        let own = |lifetime: Lifetime| Wishes { own: true, ..wishes(lifetime) };
        let odd = old(Some("2026-01-11T10:30:00.123Z"));
        assert!(lifetime(&odd, &[], &own(Lifetime::AsOld)).is_err());
        assert!(lifetime(&odd, &[], &own(Lifetime::Until(at("2026-02-01T00:00:00Z")))).is_err());
        assert!(lifetime(&odd, &[], &own(Lifetime::Until(at("2026-01-11T00:00:00Z")))).is_ok());
        assert!(lifetime(&odd, &[], &own(Lifetime::Days(30))).is_ok());
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        for refused in
            [Lifetime::Days(0), Lifetime::Days(3651), Lifetime::Until(at("2026-01-01T00:00:00Z"))]
        {
            assert!(lifetime(&old(None), &[], &wishes(refused)).is_err(), "{refused:?}");
        }
        let grace = Wishes {
            retirement: Retirement::Grace { days: 7 },
            ..wishes(Lifetime::Until(at("2027-01-01T00:00:00Z")))
        };
        assert!(lifetime(&old(None), &[], &grace).is_err());
    }

    #[test]
    fn keys_are_read_with_care() {
        let json = serde_json::json!({
            "id": "c1", "name": "ci", "masked_key": "sk_1234...abcd",
            "created_at": "2026-01-01T10:00:00Z", "policy": null,
        });
        let mut json = json.as_object().unwrap().clone();
        assert!(
            OldKey::read(&json).is_ok_and(|key| key.policy.is_none() && key.expires_at.is_none())
        );
        json.insert("expires_at".into(), "soon".into());
        assert!(OldKey::read(&json).unwrap_err().contains("expires_at"));
        json.remove("expires_at");
        json.insert("deleted_at".into(), "2026-01-01T10:00:00Z".into());
        assert!(OldKey::read(&json).unwrap_err().contains("deleted"));
    }
}
