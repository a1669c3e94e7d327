//! Reads the fields of request bodies; all that is wrong is collected, so that one response says it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::testing::response::{Problem, Rejection};
use crate::testing::state::{Policy, timestamp};

/// A field that may be left out and may be null, which need not mean the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field<T> {
    Omitted,
    Null,
    Value(T),
}

impl<T> Field<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Field::Value(value) => Some(value),
            Field::Omitted | Field::Null => None,
        }
    }
}

/// The fields of one body, and what was found wrong with them. Unknown fields are ignored.
pub(super) struct Fields {
    fields: Map<String, Value>,
    problems: Vec<Problem>,
}

impl Fields {
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        Self { fields, problems: Vec::new() }
    }

    pub(super) fn wrong(&mut self, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem { code, message: message.into() });
    }

    /// Passes `value` on if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Rejection> {
        match self.problems.is_empty() {
            true => Ok(value),
            false => Err(Rejection::invalid(self.problems)),
        }
    }

    pub(super) fn name(&mut self) -> String {
        match self.fields.get("name") {
            Some(Value::String(name)) if (1..=255).contains(&name.chars().count()) => {
                return name.clone();
            }
            Some(Value::String(_)) => {
                self.wrong("invalid_name", "name must have 1 to 255 characters");
            }
            Some(_) => self.wrong("invalid_name", "name must be a string"),
            None => self.wrong("missing_name", "name is missing"),
        }
        String::new()
    }

    /// A whole number of days in `min..=3650`.
    pub(super) fn days(&mut self, name: &str, min: i64) -> Field<i64> {
        match self.get(name).map(whole) {
            Field::Value(Some(days)) if (min..=3650).contains(&days) => Field::Value(days),
            Field::Value(_) => {
                let message = format!("{name} must be a whole number from {min} to 3650, or null");
                self.wrong("invalid_expiry", message);
                Field::Omitted
            }
            Field::Null => Field::Null,
            Field::Omitted => Field::Omitted,
        }
    }

    /// An exact expiry: to come, and not beyond `latest`.
    pub(super) fn expires_at(
        &mut self,
        now: DateTime<Utc>,
        latest: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let value = self.fields.get("expires_at").filter(|value| !value.is_null())?;
        let parsed = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let Some(end) = parsed.map(|time| time.to_utc()) else {
            self.wrong("invalid_expiry", "expires_at must be an RFC 3339 time");
            return None;
        };
        if end <= now {
            let message = format!("expires_at must be in the future; it is {}", timestamp(now));
            self.wrong("invalid_expiry", message);
        }
        if let Some(latest) = latest.filter(|latest| end > *latest) {
            let message = format!(
                "expires_at must not be later than the calling key's own expiry, {}",
                timestamp(latest)
            );
            self.wrong("invalid_expiry", message);
        }
        Some(end)
    }

    pub(super) fn project_id(&mut self) -> Field<String> {
        match self.get("project_id") {
            Field::Value(Value::String(id)) if !id.is_empty() => return Field::Value(id),
            Field::Value(_) => {
                self.wrong("invalid_project", "project_id must be a string with content, or null");
            }
            Field::Null => return Field::Null,
            Field::Omitted => {}
        }
        Field::Omitted
    }

    pub(super) fn policy(&mut self) -> Option<Policy> {
        let policy = self.fields.get("policy")?;
        Policy::parse(policy).map_err(|message| self.wrong("invalid_policy", message)).ok()
    }

    fn get(&self, name: &str) -> Field<Value> {
        match self.fields.get(name) {
            None => Field::Omitted,
            Some(Value::Null) => Field::Null,
            Some(value) => Field::Value(value.clone()),
        }
    }
}

impl Field<Value> {
    fn map<T>(self, f: impl FnOnce(Value) -> T) -> Field<T> {
        match self {
            Field::Value(value) => Field::Value(f(value)),
            Field::Null => Field::Null,
            Field::Omitted => Field::Omitted,
        }
    }
}

/// A whole number, which JSON may also write as `30.0`.
fn whole(value: Value) -> Option<i64> {
    let float = || value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15).map(|n| n as i64);
    value.as_i64().or_else(float)
}
