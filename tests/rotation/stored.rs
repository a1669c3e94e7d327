//! Which key a store holds, where neither the caller nor the journal knows its id.

use onkernel::rotation::Retirement;
use onkernel::testing::{Fault, NewKey};

use crate::support::{RoundTrips, Settings, World, plain, unchanged, world};

/// Rotates what the store holds, and says in how many round trips.
async fn round_trips(world: &World) -> usize {
    let trips = RoundTrips::to(&world.server);
    let report = world.rotation_of_store().probe(trips.clone()).run().await.unwrap();
    assert_eq!(report.old_id, world.old_id);
    assert!(report.is_settled(), "{report:?}");
    assert!(world.server.authenticates(&world.store.held().unwrap()));
    trips.ends().len()
}

fn untold(world: &World) {
    for status in [404, 403] {
        world.server.faults().add(Fault::status(status).path("/auth/context").times(1));
    }
    world.server.faults().add(Fault::status(404).path("/auth/context"));
}

#[tokio::test]
async fn it_costs_no_round_trip_more_than_a_key_known_by_its_id() {
    for own in [false, true] {
        let told = world(Settings { own, ..Settings::default() }).await;
        assert!(round_trips(&told).await <= 7, "{own}");
        let world = world(Settings { own, ..Settings::default() }).await;
        untold(&world);
        assert!(round_trips(&world).await <= 7, "{own}, by its masked form");
    }
}

/// The first page does not show what is on the others.
#[tokio::test]
async fn among_more_keys_than_a_page_holds_it_costs_one_more() {
    let many = |world: &World| {
        for n in 0..150 {
            world.server.add_key(NewKey::named(format!("other-{n}")));
        }
    };
    let told = plain().await;
    many(&told);
    assert_eq!(round_trips(&told).await, 8);
    let world = plain().await;
    many(&world);
    untold(&world);
    // All are listed, twice.
    assert!(round_trips(&world).await <= 11);
}

/// What a masked form shows is not enough; where the server is asked whose the plaintext is, it need
/// not be.
#[tokio::test]
async fn keys_that_look_alike_are_told_apart_by_the_server_or_not_at_all() {
    let settings = || Settings { colliding_masks: true, ..Settings::default() };
    let told = world(settings()).await;
    assert!(round_trips(&told).await <= 7);
    let world = world(settings()).await;
    untold(&world);
    let why = unchanged(&world, world.rotation_of_store()).await;
    assert!(why.contains("look like the one that the store holds"), "{why}");
}

#[tokio::test]
async fn what_the_caller_does_not_see_is_not_rotated() {
    let world =
        world(Settings { project: Some("proj_a".into()), own: true, ..Settings::default() });
    let world = world.await;
    let elsewhere = world.server.add_key(NewKey::named("elsewhere").project("proj_b"));
    let dead = world.server.add_key(NewKey::named("dead").project("proj_a"));
    assert!(world.server.delete(&dead.id));
    let none = "the store holds no key that this client's key can see";
    // Whose it is, the server says of a key that works.
    let not_seen = format!("there is no key {}", elsewhere.id);
    for (held, expected) in
        [(elsewhere.plaintext(), &*not_seen), (dead.plaintext(), none), ("nobodys", none)]
    {
        for (told, expected) in [(true, expected), (false, none)] {
            world.server.faults().clear();
            if !told {
                untold(&world);
            }
            world.store.set(Some(held));
            let why = unchanged(&world, world.rotation_of_store()).await;
            assert!(why.contains(expected), "{told}: {why}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_not_sent_as_one() {
    let world = plain().await;
    world.store.set(Some("two words"));
    let why = unchanged(&world, world.rotation_of_store()).await;
    assert!(why.contains("what the store holds cannot be a key"), "{why}");
    assert!(world.server.log().is_empty() && !why.contains("words"), "{why}");
}

/// A listing tells as much of a key as a look at it, policies that nobody knows yet included.
#[tokio::test]
async fn what_may_not_be_lost_is_seen_in_the_listing_too() {
    let restricted = world(Settings { policy: true, ..Settings::default() }).await;
    round_trips(&restricted).await;
    let mut live = restricted.server.keys().into_iter().filter(|key| key.deleted_at.is_none());
    let new = live.next_back().unwrap();
    assert_eq!(new.policy, restricted.old().policy);

    let unknown = plain().await;
    let policy = serde_json::json!({ "policy": { "statements": [], "until": "noon" } });
    unknown.server.faults().add(Fault::merge_json(policy).method("GET").path("/org/api_keys"));
    let why = unchanged(&unknown, unknown.rotation_of_store().retire(Retirement::Keep)).await;
    assert!(why.contains("policy"), "{why}");
}
