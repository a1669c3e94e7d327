//! Pages fetched before they are asked for, by a task of their own: a caller that takes its time over
//! a page lets no request time out.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::walk::Walk;
use crate::error::{Error, ErrorKind, Result};

/// The most pages that are fetched ahead.
const MOST: usize = 100;

/// The pages that a task has fetched. It ends with this value.
pub(super) struct Ahead<T> {
    /// Each with the room that it takes up. Nothing stands for the end.
    pages: mpsc::UnboundedReceiver<(Option<Result<T>>, OwnedSemaphorePermit)>,
    /// For pages that are under way or wait to be taken. It grows with those that were taken, so that
    /// whoever wants a few has few fetched.
    room: Arc<Semaphore>,
    size: usize,
    most: usize,
    taken: usize,
    _task: JoinSet<()>,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to fetch: as many pages more than were taken as have been, and at most so many.
    pub(super) fn start(walk: Walk<T>, most: usize) -> Self {
        let room = Arc::new(Semaphore::new(1));
        let (sender, pages) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(fetch(walk, Arc::clone(&room), sender).in_current_span());
        Self { pages, room, size: 1, most: most.clamp(1, MOST), taken: 0, _task: task }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let Some((page, room)) = ready!(self.pages.poll_recv(context)) else {
            let problem = "the runtime in which pages were fetched ahead is gone";
            return Poll::Ready(Some(Err(Error::new(ErrorKind::Paging, problem))));
        };
        self.taken += 1;
        if self.size < self.taken.min(self.most) {
            self.size += 1;
            self.room.add_permits(1);
        }
        drop(room);
        Poll::Ready(page)
    }
}

/// Whatever is under way has room to arrive in, so that nothing that has arrived waits here.
async fn fetch<T: Send + 'static>(
    mut walk: Walk<T>,
    room: Arc<Semaphore>,
    pages: mpsc::UnboundedSender<(Option<Result<T>>, OwnedSemaphorePermit)>,
) {
    let mut rooms = VecDeque::new();
    loop {
        let (begins, arrives) = (walk.may_begin(), walk.under_way() > 0);
        let free = Arc::clone(&room).acquire_owned();
        if !begins && !arrives {
            if let Ok(free) = free.await {
                let _ = pages.send((None, free));
            }
            return;
        }
        let free = async { if begins { free.await } else { pending().await } };
        let page = async { if arrives { walk.arrive().await } else { pending().await } };
        let turn = match select(pin!(free), pin!(page)).await {
            Either::Left((free, _)) => Either::Left(free),
            Either::Right((page, _)) => Either::Right(page),
        };
        match turn {
            Either::Left(free) => {
                let Ok(free) = free else { return };
                rooms.push_back(free);
                walk.begin();
            }
            Either::Right(page) => {
                // Wrong guesses are gone, and their rooms are free.
                rooms.truncate(walk.under_way() + 1);
                let Some(room) = rooms.pop_front() else { return };
                if pages.send((page, room)).is_err() {
                    return;
                }
            }
        }
    }
}
