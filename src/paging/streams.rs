//! Pages and items, one page in memory at a time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::page::{Page, fetch};
use super::place::{Following, Paging, Place, Said};
use crate::error::Result;
use crate::request::Call;
use crate::response::Response;
use crate::response::download::Download;
use crate::send::Sender;

macro_rules! streams {
    ($(#[$doc:meta] $name:ident;)*) => {$(
        #[$doc]
        ///
        /// A stream: `next` is there without any further crate, and the methods of `futures`' and
        /// `tokio-stream`'s `StreamExt` with one of these. The first page that fails ends it with
        /// its error. Nothing is fetched before it is asked for.
        #[must_use = "nothing is fetched before it is asked for"]
        pub struct $name<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

        impl<T> $name<T> {
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

        impl<T> Stream for $name<T> {
            type Item = Result<T>;

            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.get_mut().0.poll_next_unpin(cx)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
streams! {
    /// The items of all pages of a list, from the page that was asked for on.
    Items;
    /// All pages, from the one that was asked for on.
    Pages;
}

/// The items of a list. An empty page that promises more is read past.
pub(crate) fn items<T>(sender: Sender, call: Call, paging: &'static Paging) -> Items<T>
where
    T: DeserializeOwned + Send + 'static,
{
    let items = |page: Page<T>| stream::iter(page.items.into_iter().map(Ok));
    Items(Box::pin(pages(sender, call, paging).map_ok(items).try_flatten()))
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
        let page = place.sender.clone().download(place.call.clone()).await?;
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
        let page = place.sender.clone().json_raw::<T>(place.call.clone()).await?;
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
    Fut: Future<Output = Result<(P, Following)>> + Send,
{
    let step = move |(following, fetch): (Following, F)| async move {
        let place = match following {
            Following::Nothing => return None,
            Following::Page(place) => *place,
            Following::Unknown(misled) => {
                return Some((Err(misled.error()), (Following::Nothing, fetch)));
            }
        };
        Some(match fetch(place).await {
            Ok((page, following)) => (Ok(page), (following, fetch)),
            Err(error) => (Err(error), (Following::Nothing, fetch)),
        })
    };
    // Fused, for `unfold` panics when it is asked again after its end.
    Pages(Box::pin(stream::unfold((Following::Page(Box::new(first)), fetch), step).fuse()))
}
