//! One page of a list, and the call for the next.

use std::convert::identity;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::place::{Following, Misled, Paging, Place, Said};
use crate::error::Result;
use crate::request::Call;
use crate::response::Response;
use crate::send::{Sender, read_json};

/// One page of a list. Derefs to a slice of its items.
///
/// ```no_run
/// # async fn example(kernel: onkernel::Client) -> onkernel::Result<()> {
/// let page = kernel.api_keys().list().limit(50).send().await?;
/// for key in &page {
///     println!("{}", key.name);
/// }
/// if let Some(next) = page.next() {
///     let second = next.send().await?;
///     println!("{} more", second.items.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on the page. It may be empty though more follows.
    pub items: Vec<T>,
    following: Following,
}

impl<T> Page<T> {
    /// The call for the next page; nothing if this is the last.
    ///
    /// Where the server promises more and does not say where, the call fails with what is wrong.
    pub fn next(&self) -> Option<NextPage<T>> {
        Some(NextPage { place: self.following.place()?, items: PhantomData })
    }

    pub(super) fn following(&self) -> Following {
        self.following.clone()
    }
}

impl<T> Deref for Page<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("items", &self.items)
            .field("is_last", &matches!(self.following, Following::Nothing))
            .finish_non_exhaustive()
    }
}

/// The call for the page after another: see [`Page::next`].
#[must_use = "nothing is sent before `send`"]
pub struct NextPage<T> {
    place: std::result::Result<Place, Misled>,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> NextPage<T> {
    /// Fetches the page.
    ///
    /// # Errors
    /// As for the first page; [`ErrorKind::Paging`](crate::ErrorKind::Paging) if the page before
    /// does not say where this one begins, or names a place where one has begun already.
    pub async fn send(self) -> Result<Page<T>> {
        Ok(self.send_raw().await?.into_value())
    }

    /// Fetches the page, with status and headers.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_raw(self) -> Result<Response<Page<T>>> {
        fetch(self.place.map_err(Misled::error)?, identity).await
    }
}

impl<T> fmt::Debug for NextPage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextPage").finish_non_exhaustive()
    }
}

/// Fetches the page that a call asks for.
pub(crate) fn first<T: DeserializeOwned>(
    sender: Sender,
    call: Call,
    paging: &'static Paging,
) -> impl Future<Output = Result<Page<T>>> {
    fetch(Place::new(sender, call, paging), Response::into_value)
}

/// As [`first`], with what came with the page.
pub(crate) fn first_raw<T: DeserializeOwned>(
    sender: Sender,
    call: Call,
    paging: &'static Paging,
) -> impl Future<Output = Result<Response<Page<T>>>> {
    fetch(Place::new(sender, call, paging), identity)
}

pub(super) fn fetch<T: DeserializeOwned, O>(
    place: Place,
    done: impl FnOnce(Response<Page<T>>) -> O,
) -> impl Future<Output = Result<O>> {
    let Place { call, way } = place;
    way.sender.clone().buffered(call, read_json::<Vec<T>>, move |response, call| {
        let following = Place { call, way }.following(&Said {
            status: response.status(),
            headers: response.headers(),
            request_id: &|| response.request_id(),
            items: Some(response.len()),
        });
        done(response.map(|items| Page { items, following }))
    })
}
