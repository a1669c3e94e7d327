//! Every key, listed until two passes agree: pages shift while keys come and go.
//!
//! A pass can miss a key that moves from one page to its neighbour between the requests for the two. So
//! the second pass asks for a page only when the first has had that page and the one behind it: wherever
//! the first may have missed a key, the second looks later, as it would if it began when the first has
//! ended. That is why both may be under way at the same time.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, PoisonError};

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, Json};
use crate::error::{Error, ErrorKind, Result};
use crate::model::validate::{Checks, Rule};
use crate::operations;
use crate::paging::{Page, Pages};
use crate::request::Call;
use crate::resources::api_keys::List;
use crate::types::ApiKey;

/// How often the keys are listed twice before that is given up.
const ATTEMPTS: usize = 3;
/// How many pages of each pass are under way at most.
const AT_ONCE: usize = 8;
/// How many keys a page holds: the most that the operation allows.
const PAGE: i64 = 100;
const EFFECT: &str = "list the keys";

/// Keys by their ids.
type Pass = BTreeMap<String, ApiKey>;

/// The first page of all keys.
pub(crate) struct FirstPage {
    pub(crate) keys: Vec<Listed>,
    /// Whether there is no other. Then no key can be missing, since none can have moved to another page.
    pub(crate) is_all: bool,
}

/// A key, and all that the server says of it.
#[derive(Deserialize)]
#[serde(try_from = "Json")]
pub(crate) struct Listed {
    pub(crate) key: ApiKey,
    pub(crate) json: Json,
}

impl TryFrom<Json> for Listed {
    type Error = serde_json::Error;

    fn try_from(json: Json) -> serde_json::Result<Self> {
        Ok(Self { key: serde_json::from_value(Value::Object(json.clone()))?, json })
    }
}

impl Api {
    /// The keys of the first page, and whether they are all.
    pub(crate) async fn first_page(&self) -> Result<FirstPage> {
        let page = self
            .again(EFFECT, || async {
                let mut call = Call::new(&operations::API_KEYS_LIST, Checks::default());
                call.query("limit", Some(&PAGE), &Rule::NONE);
                self.client().sender.clone().json_raw::<Vec<Listed>>(call).await
            })
            .await?;
        self.hear_time(page.headers());
        let is_all = page.headers().get("x-has-more").is_some_and(|more| more == "false");
        Ok(FirstPage { keys: page.into_value(), is_all })
    }

    /// Every key, in the order of the ids.
    pub(crate) async fn all(&self) -> Result<Vec<ApiKey>> {
        match self.seen().await? {
            (keys, true) => Ok(keys),
            (_, false) => Err(Error::new(
                ErrorKind::Paging,
                "the keys change faster than they can be listed; try again later",
            )),
        }
    }

    /// The same, and where the keys change faster than they can be listed, all that were there at some
    /// time meanwhile: for those who know what others have done with them. Few can be missing, each of
    /// which every pass has missed.
    pub(crate) async fn all_seen(&self) -> Result<Vec<ApiKey>> {
        Ok(self.seen().await?.0)
    }

    /// All that were seen, and whether they are all.
    async fn seen(&self) -> Result<(Vec<ApiKey>, bool)> {
        let mut seen = Pass::new();
        for _ in 0..ATTEMPTS {
            let (first, second) = self.twice().await?;
            if first.keys().eq(second.keys()) {
                return Ok((second.into_values().collect(), true));
            }
            seen.extend(first);
            seen.extend(second);
        }
        Ok((seen.into_values().collect(), false))
    }

    async fn twice(&self) -> Result<(Pass, Pass)> {
        let by_id = |key: ApiKey| (key.id.clone(), key);
        let mut first = Pass::new();
        // Where the page begins that came last, and where it ends.
        let (mut last, mut end) = (None, 0);
        let pages = self.clone().pages().map_ok(Some).chain(stream::iter([Ok(None)]));
        let second: Vec<_> = pages
            .map_ok(|page| {
                let (before, is_last) = (last.replace(end), page.is_none());
                let page = page.unwrap_or_default();
                end += page.len();
                first.extend(page.into_iter().map(by_id));
                before.map(|begins| self.clone().once_more(begins, is_last))
            })
            .try_filter_map(|ask| ready(Ok(ask)))
            .try_buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok((first, second.into_iter().flatten().map(by_id).collect()))
    }

    /// The pages of the first pass. Of a thousand requests some fail, so it goes on where one did.
    fn pages(self) -> impl Stream<Item = Result<Vec<ApiKey>>> {
        stream::try_unfold((self, None, 0), |(api, pages, end)| async move {
            let under_way = Mutex::new(pages);
            let (pages, page) = api
                .again(EFFECT, || async {
                    let pages = under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let mut pages: Pages<Page<ApiKey>> =
                        pages.unwrap_or_else(|| api.from(end).pages().ahead(AT_ONCE));
                    let page = pages.next().await.transpose()?;
                    Ok((pages, page))
                })
                .await?;
            Ok(page.map(|page| {
                let end = end + page.len();
                (page.items, (api, Some(pages), end))
            }))
        })
    }

    /// What begins there: a page, or, where the first pass had ended, all that there is by now.
    async fn once_more(self, begins: usize, is_last: bool) -> Result<Vec<ApiKey>> {
        self.again(EFFECT, || async {
            match is_last {
                false => Ok(self.from(begins).send().await?.items),
                true => self.from(begins).items().ahead(0).all().await,
            }
        })
        .await
    }

    fn from(&self, begins: usize) -> List {
        self.client().api_keys().list().limit(PAGE).offset(begins as u64)
    }
}
