//! The old key, as the server describes it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::rotation::evidence::marker::Marker;

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
            value.ok_or_else(|| format!("the server's response has no text in `{field}`"))
        };
        let optional = |field: &str| match json.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("the server's response has no text in `{field}`")),
        };
        let time = |field: &str, text: &str| {
            DateTime::parse_from_rfc3339(text)
                .map(|time| time.with_timezone(&Utc))
                .map_err(|_| format!("the server's response has no time in `{field}`"))
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

/// The real name of a key, or why it has none.
pub(crate) fn real_name(old: &OldKey) -> Result<String, String> {
    match Marker::parse(&old.name) {
        None => Ok(old.name.clone()),
        Some(marker) => Err(format!(
            "the key bears the marker of a rotation that is not finished ({marker}): resume that rotation, by the store alone if its journal is lost, or give the key its name back"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
