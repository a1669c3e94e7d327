//! The bytes of a body, at the speed and to the point that a fault wants.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::watch;

use super::wait::pause;
use crate::testing::reply::Body;

/// The connection ends here, without the rest of a response.
#[derive(Debug)]
pub(super) struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends here")
    }
}

impl std::error::Error for Ended {}

pub(super) type Sent = UnsyncBoxBody<Bytes, Ended>;

/// White space is sent in pieces of this size.
const SPACES: usize = 16 * 1024;

/// The bytes of a body, at the speed and to the point that it says.
pub(super) fn stream(body: Body, hang_up: watch::Receiver<bool>) -> Sent {
    match body {
        Body::Whole(bytes) => {
            Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
        }
        Body::Slow { bytes, piece, every_ms } => {
            let pause_for = Duration::from_millis(every_ms);
            let state = (Bytes::from(bytes), hang_up);
            let pieces = stream::unfold(state, move |(mut rest, mut hang_up)| async move {
                if rest.is_empty() {
                    return None;
                }
                pause(pause_for, &mut hang_up).await;
                if *hang_up.borrow() {
                    return Some((Err(Ended), (Bytes::new(), hang_up)));
                }
                let piece = rest.split_to(piece.min(rest.len()));
                Some((Ok(Frame::data(piece)), (rest, hang_up)))
            });
            StreamBody::new(pieces).boxed_unsync()
        }
        Body::Short { bytes, .. } => {
            let mut pieces = vec![Bytes::from(bytes)].into_iter();
            let pieces = stream::unfold((), move |()| {
                let piece = pieces.next();
                async move {
                    let Some(piece) = piece else {
                        // Gives what was sent time to leave before the connection ends.
                        tokio::task::yield_now().await;
                        return Some((Err(Ended), ()));
                    };
                    Some((Ok(Frame::data(piece)), ()))
                }
            });
            StreamBody::new(pieces).boxed_unsync()
        }
        Body::Padded { spaces, bytes } => padded(Some(spaces), Bytes::from(bytes), hang_up),
        Body::Endless => padded(None, Bytes::new(), hang_up),
    }
}

/// White space, for ever or so much of it, then the bytes.
fn padded(spaces: Option<u64>, bytes: Bytes, hang_up: watch::Receiver<bool>) -> Sent {
    let blank = Bytes::from(vec![b' '; SPACES]);
    let pieces = stream::unfold((spaces, bytes), move |(left, mut bytes)| {
        let blank = blank.clone();
        let stopped = *hang_up.borrow();
        async move {
            // Other tasks get a turn however fast the caller reads.
            tokio::task::yield_now().await;
            match left {
                _ if stopped => Some((Err(Ended), (Some(0), Bytes::new()))),
                None => Some((Ok(Frame::data(blank)), (None, bytes))),
                Some(0) if bytes.is_empty() => None,
                Some(0) => Some((Ok(Frame::data(bytes.split_off(0))), (Some(0), bytes))),
                Some(left) => {
                    let piece = left.min(SPACES as u64);
                    let blank = blank.slice(..piece as usize);
                    Some((Ok(Frame::data(blank)), (Some(left - piece), bytes)))
                }
            }
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}
