//! Two rotations of one key, and a store into which somebody else writes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_core::future::BoxFuture;
use onkernel::Secret;
use onkernel::rotation::{Outcome, Retirement, RotationExt, Store, StoreError};

use crate::support::{Death, MemoryStore, plain};

#[tokio::test]
async fn a_concurrent_rotation_is_rejected() {
    let world = plain().await;
    // A rotation on another host, with another journal, dies after it has made its key.
    let other = world.journal.with_file_name("other.jsonl");
    let store = MemoryStore::holding(world.old().plaintext());
    let concurrent = |journal: &std::path::Path| {
        world
            .client
            .rotation(&world.old_id)
            .store(store.clone())
            .journal(journal)
            .retire(Retirement::Delete)
            .clock(world.clock.clone())
    };
    let watch = world.watch(Death::Effect(24));
    assert!(world.run(&watch, Death::Effect(24)).await.is_none());
    assert!(world.server.keys().iter().any(|key| key.name.starts_with("~onk-")));
    let error = concurrent(&other).run().await.unwrap_err();
    assert!(error.changed_nothing() && error.to_string().contains("another rotation"), "{error}");
    // When the first is finished, or undone, the second may go on.
    world.recover().await.unwrap();
}

#[tokio::test]
async fn of_two_concurrent_rotations_at_most_one_goes_through() {
    for offset in 0..12 {
        let world = plain().await;
        let store = MemoryStore::holding(world.old().plaintext());
        let second = world
            .client
            .rotation(&world.old_id)
            .store(store.clone())
            .journal(world.journal.with_file_name("other.jsonl"))
            .retire(Retirement::Delete)
            .overlap(Duration::ZERO)
            .clock(world.clock.clone());
        let first = world.rotation().overlap(Duration::ZERO);
        let delayed = async {
            for _ in 0..offset * 4 {
                tokio::task::yield_now().await;
            }
            second.run().await
        };
        let (a, b) = futures_util::future::join(first.run(), delayed).await;
        assert!(!(a.is_ok() && b.is_ok()), "{offset}: both");
        for (ran, store) in [(&a, &world.store), (&b, &store)] {
            if ran.is_ok() {
                assert!(world.server.authenticates(&store.held().unwrap()), "{offset}");
            }
        }
        let marked = world
            .server
            .keys()
            .into_iter()
            .filter(|key| key.deleted_at.is_none() && key.name.starts_with("~onk-"));
        assert_eq!(marked.count(), 0, "{offset}: {a:?} {b:?}");
    }
}

/// A store that swaps: somebody who writes to it in the middle is not overwritten.
#[derive(Clone)]
struct Swapping(MemoryStore, std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Store for Swapping {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        self.0.read()
    }

    fn write<'a>(&'a self, _: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        panic!("it was to be swapped")
    }

    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        Some(Box::pin(async {
            if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
                self.0.set(Some("sk_of_somebody_else_0123456789"));
            }
            let same = self.0.held().as_deref() == Some(expected.expose());
            if same {
                self.0.write(new).await?;
            }
            Ok(same)
        }))
    }
}

#[tokio::test]
async fn a_store_that_swaps_overwrites_nobody() {
    for interferes in [true, false] {
        let world = plain().await;
        let swaps =
            std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(usize::from(!interferes)));
        let store = Swapping(world.store.clone(), swaps);
        let ran = world.rotation().store(store).run().await;
        match interferes {
            false => assert!(ran.unwrap().is_settled()),
            true => {
                let error = ran.unwrap_err();
                assert!(error.to_string().contains("something else"), "{error}");
                // Nothing of ours was ever in it: what somebody else put there stays.
                assert_eq!(error.report().unwrap().outcome, Outcome::AsBefore, "{error}");
                assert_eq!(world.store.held().unwrap(), "sk_of_somebody_else_0123456789");
                assert!(world.old().deleted_at.is_none());
            }
        }
    }
}
