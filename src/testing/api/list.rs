//! Listing keys: filters, order, pages.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::context::Context;
use super::parameters::Parameters;
use crate::testing::request::Request;
use crate::testing::response::{Rejection, Response};
use crate::testing::state::{KeyRecord, State};

pub(super) fn list(
    state: &State,
    request: &Request,
    context: &Context,
) -> Result<Response, Rejection> {
    let names = [
        "limit",
        "offset",
        "query",
        "name",
        "sort_by",
        "sort_direction",
        "status",
        "include_deleted",
    ];
    let mut parameters = Parameters::read(request, &names)?;
    let limit = parameters.number("limit", 20, 1, 100)?;
    let offset = parameters.number("offset", 0, 0, i64::MAX)?;
    let query = parameters.take("query").unwrap_or_default();
    let lower = query.to_lowercase();
    let name = parameters.take("name");
    let sort_by = parameters.one_of("sort_by", &["created_at", "name", "expires_at"])?;
    let direction = parameters.one_of("sort_direction", &["desc", "asc"])?;
    let status = parameters.one_of("status", &["active", "deleted", "all"])?;
    let status = if parameters.flag("include_deleted")? { "all" } else { status };

    let wanted = |key: &KeyRecord| {
        context.sees(key)
            && (status == "all" || (status == "deleted") == key.deleted_at.is_some())
            && name.as_ref().is_none_or(|name| same_text(name, &key.name))
            && mentions(key, &query, &lower)
    };
    let mut found: Vec<&KeyRecord> = state.keys().iter().filter(|key| wanted(key)).collect();
    // Stable, so that equal keys keep the order of their creation until it is turned around.
    found.sort_by(|a, b| order(sort_by, a, b));
    if direction == "desc" {
        found.reverse();
    }

    let total = found.len();
    let start = offset.min(total);
    let end = start.saturating_add(limit).min(total);
    let page: Vec<Value> = found[start..end].iter().map(|key| key.to_json()).collect();
    Ok(Response::new(200, Value::Array(page))
        .with_header("x-has-more", end < total)
        .with_header("x-next-offset", if end < total { end } else { 0 }))
}

/// A key that never expires comes after all that do.
fn order(sort_by: &str, a: &KeyRecord, b: &KeyRecord) -> Ordering {
    match sort_by {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "expires_at" => {
            let end = |key: &KeyRecord| key.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
            end(a).cmp(&end(b))
        }
        _ => a.created_at.cmp(&b.created_at),
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Names, creator and project hold the text, also in small letters; ids and masked forms begin with it.
fn mentions(key: &KeyRecord, query: &str, lower: &str) -> bool {
    let texts = [
        Some(&key.name),
        Some(&key.created_by.email),
        key.created_by.name.as_ref(),
        key.project_name.as_ref(),
        key.project_id.as_ref(),
    ];
    texts.into_iter().flatten().any(|text| holds(text, lower))
        || key.id.starts_with(query)
        || key.masked_key.starts_with(query)
}

/// Whether a text holds another, which is in small letters. Every key's are looked at for each request,
/// most of them ASCII, of which none is copied.
fn holds(text: &str, lower: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(lower);
    }
    let mut parts = text.as_bytes().windows(lower.len().max(1));
    lower.is_empty() || parts.any(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}
