//! Pages and items, fetched when they are asked for or a few pages ahead.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::ahead::Ahead;
use super::page::{Page, fetch};
use super::place::{Following, Paging, Place, Said};
use super::walk::Walk;
use crate::error::Result;
use crate::request::Call;
use crate::response::Response;
use crate::response::download::Download;
use crate::send::Sender;

/// How many pages items are ahead at most, unless told otherwise.
const USUAL: usize = 8;

/// Pages, each fetched when it is asked for.
type Asked<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// All pages of a list, from the one that was asked for on.
///
/// A stream: `next` is there without any further crate, and the methods of `futures`' and
/// `tokio-stream`'s `StreamExt` with one of these. The first page that fails ends it with its error.
/// Nothing is fetched before it is asked for.
#[must_use = "nothing is fetched before it is asked for"]
pub struct Pages<T> {
    source: Source<T>,
    ahead: usize,
}

enum Source<T> {
    New(Box<Walk<T>>),
    Asked(Asked<T>),
    Ahead(Ahead<T>),
    Ended,
}

/// The items of all pages of a list, from the page that was asked for on.
///
/// A stream, as [`Pages`]. While the items of one page are taken, the next pages are fetched, more of
/// them the further it gets: [`ahead`](Self::ahead) sets how many at most.
#[must_use = "nothing is fetched before it is asked for"]
pub struct Items<T> {
    pages: Pages<Page<T>>,
    page: std::vec::IntoIter<T>,
}

impl<T> Pages<T> {
    /// Fetches pages before they are asked for, once the first is: as many as were taken before, and
    /// at most so many (100). Default: none.
    ///
    /// Where pages begin at offsets they are fetched at the same time from the fourth on, each where it
    /// will begin if the list goes on evenly; a few requests may so reach beyond its end. Where each
    /// page names the next by a token, they are fetched one after another.
    pub fn ahead(mut self, pages: usize) -> Self {
        self.ahead = pages;
        self
    }
}

impl<T> Items<T> {
    /// Fetches pages before their items are asked for, once the first is: as many as were taken
    /// before, and at most so many (100), at the same time where [pages](Pages::ahead) allow that. With
    /// 0 a page is not fetched before its first item is asked for. Default: 8.
    pub fn ahead(mut self, pages: usize) -> Self {
        self.pages = self.pages.ahead(pages);
        self
    }
}

impl<T: Send + 'static> Stream for Pages<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let Self { source, ahead } = &mut *self;
        *source = match std::mem::replace(source, Source::Ended) {
            // Where there is no runtime, the HTTP client is about to say so.
            Source::New(walk) if *ahead > 0 && Handle::try_current().is_ok() => {
                Source::Ahead(Ahead::start(*walk, *ahead))
            }
            Source::New(walk) => Source::Asked(Box::pin(stream::unfold(walk, step))),
            source => source,
        };
        let next = std::task::ready!(match source {
            Source::Asked(pages) => pages.poll_next_unpin(context),
            Source::Ahead(pages) => pages.poll_next(context),
            Source::New(_) | Source::Ended => Poll::Ready(None),
        });
        if !matches!(next, Some(Ok(_))) {
            *source = Source::Ended;
        }
        Poll::Ready(next)
    }
}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let Self { pages, page } = &mut *self;
        loop {
            if let Some(item) = page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            // An empty page that promises more is read past.
            match std::task::ready!(pages.poll_next_unpin(context)) {
                Some(Ok(next)) => *page = next.items.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.page.len(), None)
    }
}

// An item may be anything: none is pinned.
impl<T> Unpin for Pages<T> {}
impl<T> Unpin for Items<T> {}

macro_rules! taken {
    ($($name:ident)*) => {$(
        impl<T: Send + 'static> $name<T> {
            /// The next one; nothing after the last, or after an error.
            ///
            /// # Errors
            /// The page could not be had.
            pub async fn next(&mut self) -> Option<Result<T>> {
                StreamExt::next(self).await
            }

            /// All of them, in memory at once.
            ///
            /// # Errors
            /// The first page that could not be had.
            pub async fn all(self) -> Result<Vec<T>> {
                self.try_collect().await
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
taken!(Pages Items);

/// The items of a list.
pub(crate) fn items<T>(sender: Sender, call: Call, paging: &'static Paging) -> Items<T>
where
    T: DeserializeOwned + Send + 'static,
{
    Items { pages: pages(sender, call, paging).ahead(USUAL), page: Vec::new().into_iter() }
}

/// The pages of a list.
pub(crate) fn pages<T>(sender: Sender, call: Call, paging: &'static Paging) -> Pages<Page<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    walk(Place::new(sender, call, paging), |place: Place| async move {
        let page: Page<T> = fetch(place, Response::into_value).await?;
        let following = page.following();
        Ok((page, following))
    })
}

/// The pages of an operation whose page is bytes.
#[allow(dead_code)] // the bundled document has none
pub(crate) fn downloads(sender: Sender, call: Call, paging: &'static Paging) -> Pages<Download> {
    walk(Place::new(sender, call, paging), |place: Place| async move {
        let page = place.way.sender.clone().download(place.call.clone()).await?;
        let said = Said {
            status: page.status(),
            headers: page.headers(),
            request_id: &|| page.request_id(),
            items: None,
        };
        let following = place.following(&said);
        Ok((page, following))
    })
}

/// The pages of an operation whose page is one value.
#[allow(dead_code)] // the bundled document has none
pub(crate) fn values<T>(sender: Sender, call: Call, paging: &'static Paging) -> Pages<T>
where
    T: DeserializeOwned + Send + 'static,
{
    walk(Place::new(sender, call, paging), |place: Place| async move {
        let page = place.way.sender.clone().json_raw::<T>(place.call.clone()).await?;
        let said = Said {
            status: page.status(),
            headers: page.headers(),
            request_id: &|| page.request_id(),
            items: None,
        };
        let following = place.following(&said);
        Ok((page.into_value(), following))
    })
}

fn walk<P, F, Fut>(first: Place, fetch: F) -> Pages<P>
where
    P: Send + 'static,
    F: Fn(Place) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(P, Following)>> + Send + 'static,
{
    Pages { source: Source::New(Box::new(Walk::new(first, fetch))), ahead: 0 }
}

/// One page after another.
async fn step<P: Send + 'static>(mut walk: Box<Walk<P>>) -> Option<(Result<P>, Box<Walk<P>>)> {
    walk.begin();
    walk.arrive().await.map(|page| (page, walk))
}
