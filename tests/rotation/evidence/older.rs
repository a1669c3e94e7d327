//! A journal that has lost its last lines, as in a failover of the database that it is in.

use std::fs;

use onkernel::rotation::{Outcome, Resolution, StoreHolds};
use onkernel::testing::NewKey;

use super::person::killed_after_storing;
use crate::support::{Settings, World, http, plain};

/// Only lines before the first of these are left.
async fn cut_before(world: &World, what: &str) {
    killed_after_storing(world).await;
    let text = fs::read_to_string(&world.journal).unwrap();
    let what = format!("\"what\":\"{what}\"");
    let lines = text.split_inclusive('\n').take_while(|line| !line.contains(&what));
    let left: String = lines.collect();
    assert!(left.contains("\"plan\"") && left.len() < text.len(), "{text}");
    fs::write(&world.journal, left).unwrap();
}

#[tokio::test]
async fn the_key_in_the_store_is_known_by_its_marker() {
    for what in ["creating", "created", "storing"] {
        for says in [None, Some(StoreHolds::New)] {
            let world = plain().await;
            cut_before(&world, what).await;
            let held = world.store.held();
            let mut resume = world.resume();
            if what == "creating" {
                // No marker of this journal's is on it, so another rotation may be at it.
                let keys = world.server.keys();
                let error = resume.run().await.unwrap_err();
                assert!(error.resolutions().contains(&Resolution::Adopt), "{error}");
                assert!(error.changed_nothing() && world.server.keys() == keys, "{error}");
                resume = world.resume().adopt();
            }
            let resume = match says {
                Some(says) => resume.store_holds(says),
                None => resume,
            };
            let report = resume.run().await;
            let report = report.unwrap_or_else(|error| panic!("{what}: {error}")).unwrap();
            assert_eq!(report.outcome, Outcome::Rotated, "{what}: {report:?}");
            assert_eq!(world.store.held(), held, "{what}");
            assert_eq!(world.settled().unwrap(), Outcome::Rotated, "{what}");
        }
    }
}

/// A plaintext that looks like the new key's is not it.
#[tokio::test]
async fn a_key_that_only_looks_like_it_is_another() {
    for what in ["creating", "created"] {
        let world =
            World::new(&http(), &Settings { colliding_masks: true, ..Settings::default() }).await;
        cut_before(&world, what).await;
        let third = world.server.add_key(NewKey::named("by hand"));
        world.store.set(Some(third.plaintext()));
        let error = world.resume().run().await.unwrap_err();
        let other = Resolution::StoreHolds(StoreHolds::Other);
        assert!(error.resolutions().contains(&other), "{what}: {error}");
        assert!(world.server.authenticates(third.plaintext()), "{what}");
        assert!(world.old().deleted_at.is_none(), "{what}");
    }
}

#[tokio::test]
async fn what_is_given_up_is_not_said_to_be_nobodys() {
    let world = plain().await;
    cut_before(&world, "created").await;
    let report = world.resume().give_up().run().await.unwrap().unwrap();
    let todo = report.todo.join("; ");
    assert!(todo.contains("delete it, unless the store holds it"), "{todo}");
}
