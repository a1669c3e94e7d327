//! Every key, listed until two passes agree: pages shift while keys come and go.
//!
//! A pass can miss a key that moves from one page to its neighbour between the requests for the two. So
//! the second pass asks for a page only when the first has had that page and the one behind it: wherever
//! the first may have missed a key, the second looks later, as it would if it began when the first has
//! ended. That is why both may be under way at the same time.

use std::collections::BTreeMap;
use std::future::ready;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::api::Api;
use crate::error::{Error, ErrorKind, Result};
use crate::types::ApiKey;
use crate::{CallOptions, Client};

/// How often the keys are listed twice before that is given up.
const ATTEMPTS: usize = 3;
/// How many pages of each pass are under way at most.
const AT_ONCE: usize = 8;
/// How often a page is asked for again. Of a thousand requests some fail, and the listing must not begin
/// anew for each of them.
const RETRIES: u32 = 3;

/// Keys by their ids.
type Pass = BTreeMap<String, ApiKey>;

impl Api {
    /// Every key, in the order of the ids.
    pub(crate) async fn all(&self) -> Result<Vec<ApiKey>> {
        let client = self.client().with(CallOptions::new().retries(RETRIES));
        for _ in 0..ATTEMPTS {
            let (first, second) = self.again("list the keys", || twice(&client)).await?;
            if first.keys().eq(second.keys()) {
                return Ok(second.into_values().collect());
            }
        }
        Err(Error::new(
            ErrorKind::Paging,
            "the keys change faster than they can be listed; try again later",
        ))
    }
}

async fn twice(client: &Client) -> Result<(Pass, Pass)> {
    let by_id = |key: ApiKey| (key.id.clone(), key);
    let mut first = Pass::new();
    // Where the page begins that came last, and where it ends.
    let (mut last, mut end) = (None, 0);
    let pages = client.api_keys().list().limit(100).pages().ahead(AT_ONCE);
    let pages = pages.map_ok(Some).chain(stream::iter([Ok(None)]));
    let second: Vec<_> = pages
        .map_ok(|page| {
            let (before, is_last) = (last.replace(end), page.is_none());
            let page = page.map(|page| page.items).unwrap_or_default();
            end += page.len();
            first.extend(page.into_iter().map(by_id));
            before.map(|begins| once_more(client.clone(), begins, is_last))
        })
        .try_filter_map(|ask| ready(Ok(ask)))
        .try_buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok((first, second.into_iter().flatten().map(by_id).collect()))
}

/// What begins there: a page, or, where the first pass had ended, all that there is by now.
async fn once_more(client: Client, begins: usize, is_last: bool) -> Result<Vec<ApiKey>> {
    let list = client.api_keys().list().limit(100).offset(begins as u64);
    match is_last {
        false => Ok(list.send().await?.items),
        true => list.items().ahead(0).all().await,
    }
}
