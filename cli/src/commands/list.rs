//! `list`: lists the keys of all pages.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use onkernel::Client;
use onkernel::resources::api_keys;
use onkernel::types::{ApiKey, ApiKeysStatus};

use crate::args::{Global, List};
use crate::client;
use crate::failure::Failure;
use crate::output::listing::Listing;
use crate::output::text::plural;
use crate::output::{Format, Output, columns, keys};

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
    let mut names = keys::USUAL.to_vec();
    if args.include_deleted
        || args.status.as_ref().is_some_and(|status| *status != ApiKeysStatus::Active)
    {
        names.push("deleted");
    }
    let names = if output.format() == Format::Csv { columns::OF_KEYS } else { &names };
    let mut listing = Listing::new(output, &args.columns, names, now);
    // A key created meanwhile moves others to the next page, which lists them again.
    let mut seen = HashSet::new();
    let mut keys = call(args, &client)
        .items()
        .ahead(ahead)
        .try_filter(|key| std::future::ready(seen.insert(key.id.clone())))
        .take(max);
    let mut count = Count::default();
    while let Some(key) = keys.try_next().await? {
        count.add(&key, now);
        listing.add(key)?;
    }
    listing.end()?;
    output.note(&count.to_string());
    Ok(())
}

fn call(args: List, client: &Client) -> api_keys::List {
    let List {
        query,
        name,
        sort_by,
        sort_direction,
        status,
        include_deleted,
        limit,
        offset,
        max,
        columns: _,
    } = args;
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

/// What was listed.
#[derive(Default)]
struct Count {
    all: u64,
    expired: u64,
    deleted: u64,
}

impl Count {
    fn add(&mut self, key: &ApiKey, now: DateTime<Utc>) {
        let deleted = key.deleted_at.is_some();
        self.all += 1;
        self.deleted += u64::from(deleted);
        self.expired += u64::from(!deleted && key.expires_at.is_some_and(|end| end <= now));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all == 0 {
            return f.write_str("No keys.");
        }
        f.write_str(&plural(self.all, "key"))?;
        for (count, what) in [(self.expired, "expired"), (self.deleted, "deleted")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
