//! What dies: workers at every step, the database, what stands between, and what it had last.

use std::time::Duration;

use crate::database::{Database, LEASE, run};
use crate::worker::Worker;
use crate::world::{World, is_rotated};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_be_killed_at_every_step() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let mut steps = 0;
    loop {
        let world = World::new().await;
        let mut worker = Worker::start(&world, &database);
        let Some(step) = (0..=steps).map(|_| worker.next()).last().unwrap() else { break };
        if step == "rotated" {
            break;
        }
        worker.child.kill().unwrap();
        worker.child.wait().unwrap();
        // As if the lease had passed: what waits for it is tried elsewhere.
        database.sql("update kernel_keys.journals set until = clock_timestamp()");
        let when = format!("killed {step} ({steps})");
        let resumed = world.finish(&journals).await;
        resumed.unwrap_or_else(|error| panic!("{when}: {error}"));
        world.is_whole(&database, &when);
        steps += 1;
    }
    assert!(steps > 20, "only {steps} steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_up_past_its_lease_begins_nothing() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    for step in [
        "before create a key",
        "after create a key",
        "before write the store",
        "after write the store",
        "before delete the key",
        "before rename the key",
    ] {
        let world = World::new().await;
        let mut worker = Worker::start(&world, &database);
        worker.until(step);
        worker.signal("-STOP");
        // Its permission waits for it.
        worker.go_on();
        tokio::time::sleep(LEASE + Duration::from_millis(200)).await;
        let when = format!("suspended {step}");
        world.finish(&journals).await.unwrap_or_else(|error| panic!("{when}: {error}"));
        let held = world.held();
        worker.signal("-CONT");
        let said = worker.rest();
        // What was begun before may end; nothing else begins.
        let begun: Vec<_> = said.iter().filter(|line| line.starts_with("before")).collect();
        assert!(begun.is_empty(), "{when}: it went on: {said:?}");
        assert!(said.last().unwrap().starts_with("lost"), "{when}: {said:?}");
        if !step.starts_with("before create a key") && !step.ends_with("write the store") {
            assert_eq!(world.held(), held, "{when}");
            world.is_whole(&database, &when);
        }
    }
}

async fn survives(what: &str, step: &str) {
    let Some(database) = Database::fresh() else { return };
    let Some(mut disturb) = Database::disturb(what) else {
        println!("skipped: {what} names no command");
        return;
    };
    let journals = database.ready().await;
    let world = World::new().await;
    let mut worker = Worker::start(&world, &database);
    worker.until(step);
    let disturbed = std::thread::spawn(move || run(&mut disturb));
    let said = worker.rest();
    disturbed.join().unwrap();
    let when = format!("{what} {step}");
    let last = said.last().unwrap();
    assert!(last == "rotated" || last.starts_with("lost"), "{when}: {said:?}");
    world.finish(&journals).await.unwrap_or_else(|error| panic!("{when}: {error}"));
    world.is_whole(&database, &when);
    // One that was lost may have been finished by who took it over.
    assert!(last != "rotated" || world.was_rotated(), "{when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_at_once_and_started_again() {
    for step in ["before create a key", "before write the store", "before delete the key"] {
        survives("ONKERNEL_REAL_POSTGRES_RESTART", step).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_is_restarted() {
    for step in ["before create a key", "before delete the key"] {
        survives("ONKERNEL_REAL_PGBOUNCER_RESTART", step).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_has_lost_its_last_records() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    for (step, lost) in
        [("before create a key", 1), ("before write the store", 2), ("before delete the key", 2)]
    {
        let world = World::new().await;
        let mut worker = Worker::start(&world, &database);
        worker.until(step);
        let last = "(select max(seq) from kernel_keys.records)";
        database.sql(&format!(
            "update kernel_keys.journals set seq = {last} - {lost};
            delete from kernel_keys.records where seq > {last} - {lost}"
        ));
        let when = format!("{lost} records lost {step}");
        let said = worker.rest();
        // Where all else was done, only the end is not written down.
        let last = said.last().unwrap();
        assert!(
            last.starts_with("lost") || (last == "rotated" && world.was_rotated()),
            "{when}: {said:?}"
        );
        // An older journal than the world needs attention or goes on; it is never believed.
        let ended = world.finish(&journals).await;
        let works = world.server.key_by_plaintext(&world.held());
        assert!(works.is_some_and(|key| key.deleted_at.is_none()), "{when}: {ended:?}");
        database.sql("truncate kernel_keys.journals, kernel_keys.records");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fleets_rotate_a_key_once() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = World::new().await;
    let (one, two) = (world.rotation(&journals), world.rotation(&database.journals()));
    let (one, two) = tokio::join!(one.run(), two.run());
    let done: Vec<_> = [one, two].into_iter().filter_map(Result::ok).collect();
    assert_eq!(done.len(), 1, "{done:?}");
    is_rotated(&done[0]);
    world.is_whole(&database, "twice at a time");
}
