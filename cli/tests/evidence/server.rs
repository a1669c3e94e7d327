//! A server whose reads lag, that hears things twice, tells the wrong id, and has a clock of its own.

use std::fs;
use std::time::Duration;

use chrono::TimeDelta;
use onkernel::testing::{Change, Fault, Lag, NewKey, Server, Which};

use crate::support::{World, file};

const KEYS: &str = "/org/api_keys";

#[test]
fn reads_and_deletions_that_lag_half_a_second() {
    let world = World::new();
    let held = world.stored();
    world.server.faults().add(Fault::stale_reads(Lag::Real(Duration::from_millis(500))));
    let said = world.rotate(&file(&held), &["--settle", "4"]).ended_with(0);
    world.assert_rotated(&held, &said);
}

#[test]
fn replicas_that_disagree() {
    let world = World::new();
    let held = world.stored();
    let lag = Lag::Real(Duration::from_millis(1500));
    world.server.faults().add(Fault::stale_reads(lag).every(2));
    world.server.faults().add(Fault::stale_auth(lag).every(3));
    let said = world.rotate(&file(&held), &["--settle", "6"]).ended_with(0);
    world.assert_rotated(&held, &said);
}

#[test]
fn a_creation_that_takes_effect_twice() {
    for which in [Which::First, Which::Second] {
        let world = World::new();
        let held = world.stored();
        world.server.faults().add(Fault::doubled(which).method("POST").path(KEYS));
        let said = world.rotate(&file(&held), &[]).ended_with(0);
        assert_eq!(world.server.faults().fired(), [1], "{said}");
        world.assert_rotated(&held, &said);
    }
}

/// Renaming and deleting twice must be no harm: what is gone is gone.
#[test]
fn every_change_that_takes_effect_twice() {
    let world = World::new();
    let held = world.stored();
    for method in ["PATCH", "DELETE", "POST"] {
        world.server.faults().add(Fault::doubled(Which::Second).method(method));
    }
    let said = world.rotate(&file(&held), &[]).ended_with(0);
    world.assert_rotated(&held, &said);
}

#[test]
fn a_response_with_the_id_of_somebody_elses_key() {
    let world = World::new();
    let held = world.stored();
    let theirs = world.server.add_key(NewKey::named("somebody else's"));
    let fault = Fault::wrong_id_of(&theirs.id).method("POST").path(KEYS).times(1);
    world.server.faults().add(fault);
    let ran = world.rotate(&file(&held), &[]);
    assert_eq!(world.server.faults().fired(), [1], "{}", ran.said);
    assert_eq!(world.server.key(&theirs.id), Some(theirs), "{}", ran.said);
    assert!(matches!(ran.code, Some(0 | 1)), "{:?}: {}", ran.code, ran.said);
    world.assert_ended(&held, &ran.said);
}

#[test]
fn a_new_key_that_is_not_let_in_for_three_seconds() {
    let world = World::new();
    let held = world.stored();
    let lag = Lag::Real(Duration::from_secs(3));
    world.server.faults().add(Fault::stale_auth(lag).changes([Change::Created]));
    let said = world.rotate(&file(&held), &["--settle", "10"]).ended_with(0);
    world.assert_rotated(&held, &said);
}

/// The key is given to nobody before it has been let in.
#[test]
fn a_new_key_that_is_never_let_in() {
    let world = World::new();
    let held = world.stored();
    let lag = Lag::Real(Duration::from_secs(3600));
    world.server.faults().add(Fault::stale_auth(lag).changes([Change::Created]));
    let deployed = world.path("deployed");
    let deploy = format!("touch {}", deployed.display());
    let said = world.rotate(&file(&held), &["--deploy", &deploy]).ended_with(1);
    assert!(!deployed.exists(), "{said}");
    world.assert_as_before(&held, &said);
}

/// What may be asked for again is the server's to say; this cannot, and is not waited for.
#[test]
fn a_clear_rejection_ends_at_once() {
    for (status, code) in [
        (400, "invalid_expiry"),
        (402, "api_key_limit"),
        (403, "insufficient_scope"),
        (409, "conflict"),
        (422, "unprocessable_entity"),
    ] {
        let world = World::new();
        let held = world.stored();
        let fault = Fault::rejected(status, code).method("POST").path(KEYS);
        world.server.faults().add(fault);
        // Whoever waits for what settles then does not end in time.
        let mut rotation = world.rotation(&file(&held), &["--timeout", "600", "--settle", "1200"]);
        let said = world.begin(&mut rotation).end().ended_with(1);
        assert!(said.contains(&format!(": {status} ")), "{said}");
        assert_eq!(world.server.faults().fired(), [1], "{said}");
        let ours = world.ours();
        assert!(ours.len() == 1 && ours[0] == world.old, "{said}");
        assert_eq!(fs::read_to_string(&held).unwrap(), world.old.plaintext());
    }
}

/// Lifetimes are the server's: a clock that is hours off on this side changes none.
#[test]
fn a_local_clock_that_is_ten_hours_off() {
    for offset in [TimeDelta::hours(10), -TimeDelta::hours(10)] {
        let builder = Server::builder().clock_offset(offset);
        let lifetime = TimeDelta::minutes(11 * 60 + 30);
        let created = chrono::Utc::now() + offset;
        let key = NewKey::named("ci").created_at(created).expires_at(created + lifetime);
        let world = World::with(builder, key);
        let held = world.stored();
        let said = world.rotate(&file(&held), &[]).ended_with(0);
        let new = world.new_key();
        let lives = new.expires_at.unwrap() - new.created_at;
        assert!(lives <= lifetime && lives >= lifetime - TimeDelta::minutes(1), "{lives}: {said}");
        world.assert_rotated(&held, &said);
    }
}
