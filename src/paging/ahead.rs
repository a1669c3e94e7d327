//! Pages fetched before they are asked for, by a task of their own: a caller that takes its time over
//! a page lets no request time out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::error::{Error, ErrorKind, Result};

/// Pages, each fetched when it is asked for.
pub(super) type Fetching<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// The most pages that are fetched ahead.
const MOST: usize = 100;

/// The pages that a task has fetched. It ends with this value.
pub(super) struct Ahead<T> {
    /// Nothing stands for the end.
    pages: mpsc::Receiver<Option<Result<T>>>,
    _task: JoinSet<()>,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to fetch, so many pages more than were taken.
    pub(super) fn start(mut from: Fetching<T>, count: usize) -> Self {
        let (sender, pages) = mpsc::channel(count.clamp(1, MOST));
        let fetch = async move {
            // Not before there is room for it.
            while let Ok(room) = sender.reserve().await {
                let page = from.next().await;
                let is_end = page.is_none();
                room.send(page);
                if is_end {
                    break;
                }
            }
        };
        let mut task = JoinSet::new();
        task.spawn(fetch.in_current_span());
        Self { pages, _task: task }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        Poll::Ready(ready!(self.pages.poll_recv(context)).unwrap_or_else(|| {
            let problem = "the runtime in which pages were fetched ahead is gone";
            Some(Err(Error::new(ErrorKind::Paging, problem)))
        }))
    }
}
