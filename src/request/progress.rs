//! A body on its way: whether the request has begun to leave, when its last byte left, and what went
//! wrong with what is sent.
//!
//! The HTTP client looks at a body when it has a connection for it and no earlier. So a request whose
//! body was never looked at has not been sent, whatever else is known of it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::upload::{Chunks, Problem};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const ABANDONED: u8 = 2;

/// How far the sending of one attempt has come.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<State>);

#[derive(Default)]
struct State {
    stage: AtomicU8,
    last_byte: Mutex<Option<Instant>>,
    problem: OnceLock<String>,
}

impl Progress {
    /// Gives the request up. `true` if nothing of it was sent, and nothing will be.
    pub(crate) fn abandon(&self) -> bool {
        self.advance(ABANDONED)
    }

    /// When the last bytes of the body left, if any did.
    pub(crate) fn last_byte(&self) -> Option<Instant> {
        *self.0.last_byte.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the body could not be read to its end: the request was never completed.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.0.problem.get().map(String::as_str)
    }

    /// No body, whose absence is announced where a method is expected to have one.
    pub(crate) fn nothing(&self, announced: bool) -> reqwest::Body {
        self.body(Content::Nothing { announced })
    }

    /// A body that is all in memory.
    pub(crate) fn whole(&self, bytes: Bytes) -> reqwest::Body {
        self.body(Content::Whole(bytes))
    }

    /// A body that is read piece by piece, and how long it is if that is known.
    pub(crate) fn chunks(&self, chunks: Chunks, length: Option<u64>) -> reqwest::Body {
        self.body(Content::Chunks(Mutex::new(chunks), length))
    }

    fn body(&self, content: Content) -> reqwest::Body {
        reqwest::Body::wrap(Watched { progress: self.clone(), content })
    }

    fn is_abandoned(&self) -> bool {
        self.0.stage.load(Ordering::SeqCst) == ABANDONED
    }

    fn advance(&self, to: u8) -> bool {
        let stage = &self.0.stage;
        match stage.compare_exchange(WAITING, to, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => true,
            Err(stage) => stage == to,
        }
    }
}

/// The body of a request, and who is to know of it.
struct Watched {
    progress: Progress,
    content: Content,
}

enum Content {
    Nothing {
        announced: bool,
    },
    Whole(Bytes),
    /// The lock is never waited for: it makes the stream `Sync`, as the HTTP client requires.
    Chunks(Mutex<Chunks>, Option<u64>),
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Problem;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Problem>>> {
        let Self { progress, content } = &mut *self;
        if !progress.advance(BEGUN) {
            return Poll::Ready(Some(Err("the request was cancelled".into())));
        }
        let next = match content {
            Content::Nothing { .. } => None,
            Content::Whole(bytes) => {
                Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()).map(Ok)
            }
            Content::Chunks(chunks, _) => {
                let chunks = chunks.get_mut().unwrap_or_else(PoisonError::into_inner);
                std::task::ready!(chunks.as_mut().poll_next(context))
            }
        };
        match &next {
            Some(Ok(_)) => {
                let mut last = progress.0.last_byte.lock().unwrap_or_else(PoisonError::into_inner);
                *last = Some(Instant::now());
            }
            Some(Err(problem)) => {
                let _ = progress.0.problem.set(problem.to_string());
            }
            None => {}
        }
        Poll::Ready(next.map(|chunk| chunk.map(Frame::data)))
    }

    /// Asked first, with a connection at hand.
    fn is_end_stream(&self) -> bool {
        self.progress.advance(BEGUN)
            && match &self.content {
                Content::Nothing { announced } => !announced,
                Content::Whole(bytes) => bytes.is_empty(),
                Content::Chunks(..) => false,
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            // Of an unknown length, a request can be broken off before it is complete.
            _ if self.progress.is_abandoned() => SizeHint::default(),
            Content::Nothing { .. } => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Chunks(_, Some(length)) => SizeHint::with_exact(*length),
            Content::Chunks(_, None) => SizeHint::default(),
        }
    }
}
