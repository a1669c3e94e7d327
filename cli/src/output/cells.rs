//! What columns show of a key.

use chrono::{DateTime, Utc};
use onkernel::types::ApiKey;

use super::style::Tint;
use super::table::Cell;
use super::time::expiry;

/// Where a key is valid, for a column.
pub(crate) fn scope_cell(key: &ApiKey) -> Cell {
    match (&key.project_id, &key.project_name) {
        (None, _) => Cell::new("org-wide"),
        (Some(_), Some(name)) => Cell::new(name),
        (Some(id), None) => Cell::new(id),
    }
}

/// When a key ends, for a column.
pub(crate) fn expiry_cell(key: &ApiKey, now: DateTime<Utc>) -> Cell {
    let tint = match key.expires_at {
        Some(end) if end <= now => Tint::Bad,
        Some(_) => Tint::Plain,
        None => Tint::Faint,
    };
    Cell::tinted(tint, expiry(key.expires_at, now))
}
