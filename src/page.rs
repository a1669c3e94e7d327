//! Paging by offset: every item of every page, with one page in memory.

use std::collections::VecDeque;
use std::future::Future;

use futures_core::Stream;
use futures_util::stream;
use reqwest::header::HeaderMap;

use crate::error::{Error, ErrorKind, Result};
use crate::response::ResponseValue;
use crate::scrub::Scrubber;

/// The headers that lead from page to page.
#[derive(Debug)]
pub(crate) struct OffsetHeaders {
    /// `true` while there is more to come.
    pub(crate) has_more: &'static str,
    /// The offset of the next page.
    pub(crate) next_offset: &'static str,
}

/// Where a stream of pages stands.
struct Pages<T, F> {
    items: VecDeque<T>,
    /// The offset of the next page, while there is one.
    next: Option<i64>,
    fetch: F,
}

/// Every item from an offset on, and the error that ends them if there is one.
///
/// An empty page that promises more is read past; a page without headers is the last.
pub(crate) fn by_offset<T, F, Fut>(
    headers: &'static OffsetHeaders,
    start: i64,
    fetch: F,
) -> impl Stream<Item = Result<T>> + Send + Unpin + 'static
where
    T: Send + 'static,
    F: Fn(i64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<ResponseValue<Vec<T>>>> + Send,
{
    let pages = Pages { items: VecDeque::new(), next: Some(start), fetch };
    Box::pin(stream::unfold(pages, move |mut pages| async move {
        loop {
            if let Some(item) = pages.items.pop_front() {
                return Some((Ok(item), pages));
            }
            let offset = pages.next.take()?;
            let page = match (pages.fetch)(offset).await {
                Ok(page) => next_offset(headers, &page, offset).map(|next| (next, page)),
                Err(error) => Err(error),
            };
            match page {
                Ok((next, page)) => {
                    pages.next = next;
                    pages.items = page.into_inner().into();
                }
                Err(error) => return Some((Err(error), pages)),
            }
        }
    }))
}

/// The offset of the page after this one, if there is one.
fn next_offset<T>(
    names: &OffsetHeaders,
    page: &ResponseValue<T>,
    offset: i64,
) -> Result<Option<i64>> {
    let wrong = |problem: String| {
        Error::new(ErrorKind::Paging, problem)
            .of(page.target())
            .answered(page.status(), page.request_id())
    };
    let malformed = |name: &str, text: &str| {
        let text = Scrubber::default().line(text, 32);
        wrong(format!("the header `{name}` is {text:?}, which leads to no page"))
    };
    match header(page.headers(), names.has_more) {
        None => return Ok(None),
        Some(more) if more.eq_ignore_ascii_case("false") => return Ok(None),
        Some(more) if more.eq_ignore_ascii_case("true") => {}
        Some(other) => return Err(malformed(names.has_more, &other)),
    }
    let Some(text) = header(page.headers(), names.next_offset) else {
        return Err(wrong(format!(
            "more is promised, but the header `{}` is missing",
            names.next_offset
        )));
    };
    match text.parse::<i64>() {
        Ok(next) if next > offset => Ok(Some(next)),
        Ok(next) => Err(wrong(format!(
            "more is promised, but the next offset ({next}) does not go beyond this one ({offset})"
        ))),
        Err(_) => Err(malformed(names.next_offset, &text)),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}
