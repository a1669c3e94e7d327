//! Pages that follow each other by offset or by token: one in memory at a time.

use std::fmt::Display;
use std::future::Future;

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::HeaderMap;

use super::Response;
use super::download::Download;
use crate::error::{Error, ErrorKind, Result, Scrubber};

/// The headers that lead from page to page.
#[derive(Debug)]
pub(crate) struct Headers {
    /// `true` while there is more to come.
    pub(crate) has_more: &'static str,
    /// Where the next page begins.
    pub(crate) next: &'static str,
}

/// Where a page begins.
pub(crate) trait Cursor: Clone + Display {
    /// What it is called.
    const NAME: &'static str;
    /// What a header says; nothing if it says no place.
    fn parse(text: &str) -> Option<Self>;
    /// Whether this lies beyond where the page before began. A server that is stuck would be
    /// asked for ever.
    fn follows(&self, before: Option<&Self>) -> bool;
}

impl Cursor for i64 {
    const NAME: &'static str = "offset";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn follows(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| self > before)
    }
}

impl Cursor for String {
    const NAME: &'static str = "token";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn follows(&self, before: Option<&Self>) -> bool {
        before != Some(self)
    }
}

/// A response that is a page.
pub(crate) trait Page {
    fn headers(&self) -> &HeaderMap;
    /// The error of this response when its headers lead nowhere.
    fn misleads(&self, problem: String) -> Error;
}

impl<T> Page for Response<T> {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn misleads(&self, problem: String) -> Error {
        Error::new(ErrorKind::Paging, problem)
            .of(self.target())
            .with_response(self.status(), self.request_id())
    }
}

impl Page for Download {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn misleads(&self, problem: String) -> Error {
        self.error(ErrorKind::Paging, problem)
    }
}

/// Every item from a place on, and the error that ends them if there is one.
///
/// An empty page that promises more is read past. A page without headers is the last, unless it is
/// full: it holds as many items as the `size` that was asked for.
pub(crate) fn items<T, C, F, Fut>(
    headers: &'static Headers,
    start: Option<C>,
    size: Option<u64>,
    fetch: F,
) -> impl Stream<Item = Result<T>> + Send + Unpin + 'static
where
    T: Send + 'static,
    C: Cursor + Send + 'static,
    F: Fn(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Response<Vec<T>>>> + Send,
{
    let items = |page: Response<Vec<T>>| stream::iter(page.into_value().into_iter().map(Ok));
    let fetch = move |start| {
        let page = fetch(start);
        async move { told(headers, page.await?, size) }
    };
    pages(headers, start, fetch).map_ok(items).try_flatten()
}

/// A page, unless nobody can tell whether it is the last: what follows would be left out unseen.
fn told<T>(names: &Headers, page: Response<Vec<T>>, size: Option<u64>) -> Result<Response<Vec<T>>> {
    let items = page.len();
    let full = size.is_some_and(|size| size > 0 && u64::try_from(items).is_ok_and(|n| n >= size));
    if full && header(page.headers(), names.has_more).is_none() {
        let problem = format!(
            "the page is full ({items} items), and the header `{}` that says whether there is more is missing",
            names.has_more
        );
        return Err(page.misleads(problem));
    }
    Ok(page)
}

/// Every page from a place on, and the error that ends them if there is one.
pub(crate) fn pages<P, C, F, Fut>(
    headers: &'static Headers,
    start: Option<C>,
    fetch: F,
) -> impl Stream<Item = Result<P>> + Send + Unpin + 'static
where
    P: Page + Send + 'static,
    C: Cursor + Send + 'static,
    F: Fn(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P>> + Send,
{
    let pages = stream::unfold((Some(start), fetch), move |(place, fetch)| async move {
        let place = place?;
        let page = match fetch(place.clone()).await {
            Ok(page) => next(headers, &page, place.as_ref()).map(|next| (next, page)),
            Err(error) => Err(error),
        };
        Some(match page {
            Ok((next, page)) => (Ok(page), (next.map(Some), fetch)),
            Err(error) => (Err(error), (None, fetch)),
        })
    });
    // Fused, for `unfold` panics when it is asked again after its end.
    Box::pin(pages.fuse())
}

/// Where the page after this one begins, if there is one.
fn next<C: Cursor>(names: &Headers, page: &impl Page, place: Option<&C>) -> Result<Option<C>> {
    let malformed = |name: &str, text: &str| {
        let text = Scrubber::default().line(text, 32);
        page.misleads(format!("the header `{name}` is {text:?}, which leads to no page"))
    };
    match header(page.headers(), names.has_more) {
        None => return Ok(None),
        Some(more) if more.eq_ignore_ascii_case("false") => return Ok(None),
        Some(more) if more.eq_ignore_ascii_case("true") => {}
        Some(other) => return Err(malformed(names.has_more, &other)),
    }
    let Some(text) = header(page.headers(), names.next) else {
        return Err(
            page.misleads(format!("more is promised, but the header `{}` is missing", names.next))
        );
    };
    match C::parse(&text) {
        Some(next) if next.follows(place) => Ok(Some(next)),
        Some(next) => {
            let shown = |place: &C| Scrubber::default().line(&place.to_string(), 32);
            Err(page.misleads(format!(
                "more is promised, but the next {} ({}) does not go beyond this one ({})",
                C::NAME,
                shown(&next),
                place.map(shown).unwrap_or_default()
            )))
        }
        None => Err(malformed(names.next, &text)),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}
