//! Rotations at the same time, of which one is resumed between any two turns of the runtime.
//!
//! What a rotation sends is written by the task of its connection. Were all that have had a response
//! resumed before any such task runs, the first request of many would leave with the last, at each of a
//! rotation's round trips.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// Runs them all to their ends.
pub(super) async fn join(rotations: impl Iterator<Item = impl Future<Output = ()>>) {
    let taken = &AtomicBool::new(false);
    let in_turn = rotations.map(|rotation| async move {
        let mut rotation = pin!(rotation);
        poll_fn(|context| {
            if taken.swap(true, Ordering::Relaxed) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            rotation.as_mut().poll(context)
        })
        .await;
    });
    let mut under_way: FuturesUnordered<_> = in_turn.collect();
    poll_fn(|context| {
        taken.store(false, Ordering::Relaxed);
        while under_way.poll_next_unpin(context).map(|it| it.is_some()) == Poll::Ready(true) {}
        match under_way.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn what_a_rotation_has_sent_leaves_before_the_next_is_resumed() {
        let order = Mutex::new(Vec::new());
        let said = |what| order.lock().unwrap().push(what);
        let (send, mut sent) = tokio::sync::mpsc::unbounded_channel();
        let connection = async {
            while let Some(n) = sent.recv().await {
                said(format!("{n} leaves"));
            }
        };
        let rotations = vec![send; 3].into_iter().enumerate().map(|(n, send)| {
            let said = &said;
            async move {
                said(format!("{n} begins"));
                send.send(n).unwrap();
                yield_now().await;
            }
        });
        futures_util::future::join(connection, join(rotations)).await;
        let order = order.lock().unwrap();
        for n in 0..3 {
            let at = |what: &str| order.iter().position(|it| *it == format!("{n} {what}"));
            assert!(at("leaves") == at("begins").map(|begun| begun + 1), "{order:?}");
        }
    }

    #[tokio::test]
    async fn none_ends_at_once() {
        join(std::iter::empty::<std::future::Ready<()>>()).await;
    }
}
