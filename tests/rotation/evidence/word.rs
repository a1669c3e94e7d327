//! Rule 8: what a person says counts where nobody else can tell. What a store shows, and what a server says,
//! counts more.

use std::fs;

use onkernel::rotation::{Disposition, Outcome, Resolution, RotationError, StoreHolds, pending};

use super::person::killed_after_storing;
use crate::support::{Death, World, plain};

fn words(error: &RotationError) -> Vec<StoreHolds> {
    let word = |way: &Resolution| match way {
        Resolution::StoreHolds(holds) => Some(*holds),
        _ => None,
    };
    error.resolutions().iter().filter_map(word).collect()
}

/// Both keys live, and the store is emptied or spoilt: no word about it ends with either of them deleted.
#[tokio::test]
async fn a_store_that_shows_neither_key_holds_neither_whatever_is_said() {
    for held in [None, Some("sk_not_a_key")] {
        for word in [StoreHolds::Old, StoreHolds::New, StoreHolds::Other] {
            let world = plain().await;
            let old = world.store.held().unwrap();
            killed_after_storing(&world).await;
            let new = world.store.held().unwrap();
            world.store.set(held);
            let error = world.resume().run().await.unwrap_err();
            let other: &[_] = if held.is_some() { &[StoreHolds::Other] } else { &[] };
            assert_eq!(words(&error), other, "{held:?}: {error}");
            let todo = error.report().unwrap().todo.join("; ");
            assert!(todo.contains("put a key that works into"), "{held:?}: {todo}");
            if word == StoreHolds::Other && held.is_some() {
                continue;
            }
            let keys = world.server.keys();
            let error = world.resume().store_holds(word).run().await.unwrap_err();
            assert!(error.needs_attention(), "{held:?}, {word}: {error}");
            assert!(error.to_string().contains("the store shows n"), "{held:?}, {word}: {error}");
            assert_eq!(world.server.keys(), keys, "{held:?}, {word}");
            let (back, outcome) = match word {
                StoreHolds::New => (new, Outcome::Rotated),
                _ => (old, Outcome::AsBefore),
            };
            world.store.set(Some(&back));
            let report = world.resume().run().await.unwrap().unwrap();
            assert_eq!(report.outcome, outcome, "{held:?}, {word}");
            assert!(
                world.server.authenticates(&back) && pending(&world.journal).unwrap().is_none()
            );
        }
    }
}

/// A journal that is cut to what it was before the new key was stored, of a rotation that is done.
async fn older(world: &World) {
    let watch = world.watch(Death::Never);
    world.run(&watch, Death::Never).await.unwrap().unwrap();
    let text = fs::read_to_string(&world.journal).unwrap();
    let lines = text.split_inclusive('\n').take_while(|line| !line.contains("\"storing\""));
    fs::write(&world.journal, lines.collect::<String>()).unwrap();
}

#[tokio::test]
async fn an_older_journal_says_nothing_of_keys_that_it_cannot_know() {
    let world = plain().await;
    older(&world).await;
    let held = world.store.held().unwrap();
    let error = world.resume().run().await.unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.old, Disposition::Deleted, "{error}");
    assert!(!report.todo.join("; ").contains("both kept"), "{:?}", report.todo);
    // Nobody is asked, so nothing is said that only the server or the store would know.
    let report = world.resume().give_up().run().await.unwrap().unwrap();
    assert_eq!((report.old, report.new), (Disposition::Unknown, Disposition::Unknown));
    let todo = report.todo.join("; ");
    assert!(todo.contains("unless it was deleted already"), "{todo}");
    assert!(todo.contains("look which key") && !todo.contains("does not hold"), "{todo}");
    assert!(world.server.authenticates(&held), "the store's key lives");
}

#[tokio::test]
async fn an_emptied_store_is_not_said_to_hold_the_dead_key() {
    let world = plain().await;
    older(&world).await;
    world.store.set(None);
    let error = world.resume().run().await.unwrap_err();
    assert!(words(&error).is_empty(), "{error}");
    let todo = error.report().unwrap().todo.join("; ");
    assert!(todo.contains("put a key that works into") && !todo.contains("holds,"), "{todo}");
}
