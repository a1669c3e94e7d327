//! Workers of a fleet that die, sleep, or have other clocks; and the database that goes away.

use std::process::Command;
use std::time::Duration;

use onkernel::rotation::{Rotated, Skipped};

use super::{ALL, Fleets, Kind, count, is_done, is_done_elsewhere};
use crate::database::{Database, LEASE, run};
use crate::worker::Worker;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_at_any_step_is_replaced() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    for step in [
        "before write the journal",
        "before create a key",
        "after create a key",
        "after write the store",
        "before delete the key",
        "after delete the key",
        "after rename the key",
    ] {
        let world = Fleets::of(3).await;
        let mut worker = Worker::of_fleet(&world, &database);
        worker.until(step);
        // It is at some of the keys; the other has the rest, and waits for its death.
        let other = tokio::spawn(world.fleet(&journals, ALL).run());
        tokio::time::sleep(Duration::from_millis(300)).await;
        worker.child.kill().unwrap();
        worker.child.wait().unwrap();
        let rotated = other.await.unwrap().unwrap();
        let when = format!("killed {step}");
        assert!(count(&rotated, is_done) >= 2, "{when}: {rotated:?}");
        // What the dead one had made is listed too, and not rotated again.
        let new = |became: &Rotated| matches!(became, Rotated::Skipped(Skipped::JustMade));
        let known = [is_done, is_done_elsewhere, new].map(|what| count(&rotated, what));
        assert_eq!(known.iter().sum::<usize>(), rotated.len(), "{when}: {rotated:?}");
        world.are_whole(&database, &when);
        database
            .sql("truncate kernel_keys.journals, kernel_keys.records, kernel_keys.runs cascade");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_had_begun_does_not_wait_for_all_the_rest() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(40).await;
    let mut worker = Worker::of_fleet(&world, &database);
    worker.until("after create a key");
    let other = tokio::spawn(world.fleet(&journals, ALL).concurrency(1).run());
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    let begun = database.sql(&format!(
        "select string_agg(quote_literal(key_id), ',') from kernel_keys.tasks
        where state = 'taken' and worker not like '%:{}:%'",
        std::process::id(),
    ));
    other.await.unwrap().unwrap();
    let later = database.sql(&format!(
        "select count(*) from kernel_keys.tasks where changed >
            (select max(changed) from kernel_keys.tasks where key_id in ({begun}))"
    ));
    assert!(later.parse::<usize>().unwrap() > 3, "{later} came after it");
    world.are_whole(&database, "with much else to do");
}

/// With a grace period the old key bears a marker meanwhile, and is not listed by its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_while_a_server_rotates_is_replaced() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    for step in ["before rotate the key", "after write the store"] {
        for alone in [false, true] {
            let world = Fleets { kind: Kind::Grace, ..Fleets::of(3).await };
            let mut worker = Worker::of_fleet(&world, &database);
            worker.until(step);
            let other = world.fleet(&journals, ALL);
            let other = if alone { None } else { Some(tokio::spawn(other.run())) };
            tokio::time::sleep(Duration::from_millis(300)).await;
            worker.child.kill().unwrap();
            worker.child.wait().unwrap();
            let when = format!("killed {step}, alone {alone}");
            if let Some(other) = other {
                let rotated = other.await.unwrap().unwrap();
                assert!(count(&rotated, is_done) >= 1, "{when}: {rotated:?}");
            } else {
                tokio::time::sleep(LEASE).await;
                world.fleet(&journals, ALL).run().await.unwrap();
            }
            world.are_whole(&database, &when);
            database.sql(
                "truncate kernel_keys.journals, kernel_keys.records, kernel_keys.runs cascade",
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_whole_fleet_has_left_is_gone_on_with_by_the_next_run() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    for step in ["after create a key", "after delete the key"] {
        let world = Fleets::of(3).await;
        let mut worker = Worker::of_fleet(&world, &database);
        worker.until(step);
        worker.child.kill().unwrap();
        worker.child.wait().unwrap();
        tokio::time::sleep(LEASE).await;
        // What was begun is known also where the old key is not listed any more.
        let rotated = world.fleet(&journals, ALL).run().await.unwrap();
        assert!(count(&rotated, is_done) >= 2, "{step}: {rotated:?}");
        world.are_whole(&database, step);
        database
            .sql("truncate kernel_keys.journals, kernel_keys.records, kernel_keys.runs cascade");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_sleeps_past_its_lease_begins_nothing() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(3).await;
    let mut worker = Worker::of_fleet(&world, &database);
    worker.until("before delete the key");
    worker.signal("-STOP");
    // Its permission waits for it.
    worker.go_on();
    let rotated = world.fleet(&journals, ALL).run().await.unwrap();
    assert_eq!(count(&rotated, is_done), 3, "{rotated:?}");
    worker.signal("-CONT");
    let said = worker.rest();
    let begun: Vec<_> = said.iter().filter(|line| line.starts_with("before")).collect();
    assert!(begun.is_empty(), "it went on: {said:?}");
    // It knows that another has finished what it lost.
    let said: Vec<_> = said.iter().filter(|line| line.starts_with("fleet-")).collect();
    assert!(said.iter().all(|line| line.ends_with(" rotated elsewhere")), "{said:?}");
    world.are_whole(&database, "one slept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_sleeps_keeps_the_lock_of_its_files() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets { kind: Kind::Files, ..Fleets::of(3).await };
    let mut worker = Worker::of_fleet(&world, &database);
    worker.until("before write the store");
    worker.signal("-STOP");
    worker.go_on();
    let other = tokio::spawn(world.fleet(&journals, ALL).run());
    tokio::time::sleep(LEASE * 2).await;
    // What was begun may still be written, so nobody goes on with it.
    assert!(!other.is_finished());
    worker.signal("-CONT");
    let said = worker.rest();
    assert!(said.iter().all(|line| line != "before delete the key"), "it went on: {said:?}");
    drop(worker);
    let rotated = other.await.unwrap().unwrap();
    assert!(count(&rotated, is_done) >= 2, "{rotated:?}");
    world.are_whole(&database, "one slept with its locks");
}

/// What an outside command does to two workers that are at it.
async fn survive(what: &str) {
    let Some(database) = Database::fresh() else { return };
    let Some(mut disturb) = Database::disturb(what) else {
        println!("skipped: {what} names no command");
        return;
    };
    let world = Fleets::of(8).await;
    let begun = async {
        while !world.server.log().iter().any(|entry| entry.method == "POST") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::task::spawn_blocking(move || run(&mut disturb)).await.unwrap()
    };
    let (one, two, _) = tokio::join!(
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&database.journals(), ALL).run(),
        begun,
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    // Who lost a lease meanwhile was replaced, maybe by itself.
    let next = world.fleet(&database.journals(), ALL).run().await.unwrap();
    let done = [&one, &two, &next].map(|rotated| count(rotated, is_done));
    assert!(done.iter().sum::<usize>() <= 8, "{done:?}");
    world.are_whole(&database, what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_at_once_and_started_again() {
    survive("ONKERNEL_REAL_POSTGRES_RESTART").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_for_longer_than_a_lease() {
    survive("ONKERNEL_REAL_POSTGRES_AWAY").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_is_restarted() {
    survive("ONKERNEL_REAL_PGBOUNCER_RESTART").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_of_workers_may_be_hours_apart() {
    let Some(database) = Database::fresh() else { return };
    if Command::new("faketime").arg("--version").output().is_err() {
        println!("skipped: faketime is not there");
        return;
    }
    database.ready().await;
    let world = Fleets::of(6).await;
    let mut ahead = Worker::of_fleet_under(&["faketime", "-f", "+5h"], &world, &database);
    let mut behind = Worker::of_fleet_under(&["faketime", "-f", "-7h"], &world, &database);
    let ahead = std::thread::spawn(move || ahead.rest());
    let said = [behind.rest(), ahead.join().unwrap()].concat();
    let rotated = said.iter().filter(|line| line.ends_with(" rotated")).count();
    assert_eq!(rotated, 6, "{said:?}");
    world.are_whole(&database, "clocks apart");
}
