//! `list`: lists the keys of all pages.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use onkernel::Client;
use onkernel::resources::api_keys;
use onkernel::types::ApiKey;

use crate::args::{Global, List};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::keys;
use crate::output::text::plural;

/// The largest page that the operation allows: the fewest requests.
const PAGE: i64 = 100;
/// How many pages are fetched at the same time.
const AHEAD: usize = 8;

pub(super) async fn run(
    args: List,
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let client = client::build(global)?;
    let max = args.max.unwrap_or(usize::MAX);
    // With an end before the last page none is fetched that is not needed.
    let ahead = if args.max.is_some() { 0 } else { AHEAD };
    // A key created meanwhile moves others to the next page, which lists them again.
    let mut seen = HashSet::new();
    let found: Vec<ApiKey> = call(args, &client)
        .items()
        .ahead(ahead)
        .try_filter(|key| std::future::ready(seen.insert(key.id.clone())))
        .take(max)
        .try_collect()
        .await?;

    if output.is_json() {
        return Ok(output.print_json(&found)?);
    }
    if found.is_empty() {
        output.note("No keys.");
        return Ok(());
    }
    output.print(&keys::table(&found, now).render(output.width(), output.style()))?;
    output.note(&summary(&found, now));
    Ok(())
}

fn call(args: List, client: &Client) -> api_keys::List {
    let List { query, name, sort_by, sort_direction, status, include_deleted, limit, offset, max } =
        args;
    let fewer = max.and_then(|max| i64::try_from(max).ok()).map_or(PAGE, |max| max.clamp(1, PAGE));
    let call = client
        .api_keys()
        .list()
        .limit(limit.unwrap_or(fewer))
        .set_offset(offset)
        .set_query(query)
        .set_name(name)
        .set_sort_by(sort_by)
        .set_sort_direction(sort_direction)
        .set_status(status);
    // Deprecated, and still what this option means.
    #[allow(deprecated)]
    call.set_include_deleted(include_deleted.then_some(true))
}

fn summary(keys: &[ApiKey], now: DateTime<Utc>) -> String {
    let count = |which: &dyn Fn(&ApiKey) -> bool| keys.iter().filter(|key| which(key)).count();
    let deleted = count(&|key| key.deleted_at.is_some());
    let expired =
        count(&|key| key.deleted_at.is_none() && key.expires_at.is_some_and(|end| end <= now));
    let mut text = plural(keys.len() as u64, "key");
    for (count, what) in [(expired, "expired"), (deleted, "deleted")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}
