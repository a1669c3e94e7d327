//! Keys as people read them: a table, or one in detail.

use chrono::{DateTime, Utc};
use onkernel::types::{ApiKey, CreatedApiKey};

use super::columns::{self, Row};
use super::style::{Style, Tint};
use super::table::Table;
use super::text::{plural, safe};
use super::time::{exact, expiry, relative};

/// A table with one key a row.
pub(crate) fn table(keys: &[ApiKey], now: DateTime<Utc>) -> Table {
    let mut names = USUAL.to_vec();
    if keys.iter().any(|key| key.deleted_at.is_some()) {
        names.push("deleted");
    }
    columns::table(&columns::chosen(&[], &names), keys.iter().map(Row::from), now, false)
}

/// The columns that are shown unless a person chooses others.
pub(crate) const USUAL: [&str; 6] = ["id", "name", "key", "scope", "created", "expires"];

/// One key in detail, a line for each field.
pub(crate) fn details(key: &ApiKey, now: DateTime<Utc>, style: Style) -> String {
    lines(fields(key, now, style), style)
}

/// As wide as the titles of a key's fields become.
const USUAL_TITLE: usize = 8;

/// Fields with their titles, a line for each.
pub(crate) fn lines(fields: Vec<(&str, String)>, style: Style) -> String {
    let width = fields.iter().map(|(title, _)| title.len()).fold(USUAL_TITLE, usize::max);
    let lines = fields.into_iter().map(|(title, value)| {
        format!("{} {value}", style.paint(Tint::Faint, &format!("{title:<width$}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The fields of a key as people read them.
pub(crate) fn fields(
    key: &ApiKey,
    now: DateTime<Utc>,
    style: Style,
) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("Name", style.paint(Tint::Strong, &safe(&key.name))),
        ("Id", safe(&key.id)),
        ("Key", safe(&key.masked_key)),
        ("Scope", scope(key)),
        ("Created", format!("{} by {}", at(key.created_at, now), creator(key))),
        ("Expires", end(key, now)),
    ];
    if let Some(time) = key.deleted_at {
        fields.push(("Deleted", style.paint(Tint::Bad, &at(time, now))));
    }
    if let Some(policy) = &key.policy {
        let allowed = plural(policy.statements.len() as u64, "statement");
        fields.push(("Policy", format!("{allowed}; everything else is denied")));
        fields.extend(policy.statements.iter().map(|statement| {
            ("", format!("{} on {}", safe(&statement.action), safe(&statement.resource)))
        }));
    }
    fields
}

fn scope(key: &ApiKey) -> String {
    match (&key.project_id, &key.project_name) {
        (None, _) => "org-wide".to_owned(),
        (Some(id), Some(name)) => format!("project {} ({})", safe(name), safe(id)),
        (Some(id), None) => format!("project {}", safe(id)),
    }
}

fn creator(key: &ApiKey) -> String {
    let by = &key.created_by;
    match &by.name {
        Some(name) => format!("{} <{}>", safe(name), safe(&by.email)),
        None => safe(&by.email),
    }
}

fn end(key: &ApiKey, now: DateTime<Utc>) -> String {
    let words = expiry(key.expires_at, now);
    key.expires_at.map_or(words.clone(), |time| format!("{words} ({})", exact(time)))
}

fn at(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ({})", relative(time, now), exact(time))
}

/// A created key as it is listed.
pub(crate) fn without_plaintext(created: &CreatedApiKey) -> Option<ApiKey> {
    onkernel::secret::redacted(created).and_then(serde_json::from_value).ok()
}
