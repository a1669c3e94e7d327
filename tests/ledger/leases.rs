//! A journal has one holder, by the database's clock, and a record is there once.

use std::time::Duration;

use crate::database::{Database, LEASE};
use crate::proxy::Proxy;
use crate::worker::Worker;
use crate::world::{World, is_rotated};

#[tokio::test]
async fn it_rotates_and_leaves_nothing_open() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = World::new().await;
    is_rotated(&world.rotation(&journals).run().await.unwrap());
    world.is_whole(&database, "at once");
    assert!(journals.unfinished().await.unwrap().is_empty());
    assert_eq!(journals.prune(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(journals.prune(Duration::ZERO).await.unwrap(), 1);
}

#[tokio::test]
async fn who_is_rejected_leaves_no_journal_behind() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = World::new().await;
    std::fs::write(&world.store.0, "sk_nobody").unwrap();
    world.rotation(&journals).run().await.unwrap_err();
    assert_eq!(database.sql("select count(*) from kernel_keys.journals"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_has_one_holder() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = World::new().await;
    let mut worker = Worker::start(&world, &database);
    worker.until("before create a key");
    // Longer than its lease, which it renews.
    tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
    let error = world.resume(&journals).run().await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    let error = world.rotation(&journals).run().await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    assert_eq!(worker.rest().last().unwrap(), "rotated");
    world.is_whole(&database, "beside another");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_outcome_is_unknown_is_there_once() {
    let Some(database) = Database::fresh() else { return };
    let mut number = 0;
    loop {
        database.ready().await;
        let proxy = Proxy::cutting(number, &database.direct).await;
        let journals = onkernel::rotation::PostgresJournals::new(&proxy.url).unwrap().lease(LEASE);
        let world = World::new().await;
        let when = format!("with request {number} cut off");
        let report = world.rotation(&journals).run().await;
        is_rotated(&report.unwrap_or_else(|error| panic!("{when}: {error}")));
        world.is_whole(&database, &when);
        let whats = database.sql(
            "select string_agg(line::json->>'what', ' ' order by seq) from kernel_keys.records",
        );
        let mut once: Vec<_> = whats.split(' ').collect();
        once.dedup();
        assert_eq!(once.join(" "), whats, "{when}");
        assert!(whats.starts_with("plan creating created") && whats.ends_with("ended"), "{whats}");
        assert_eq!(database.sql("select count(*) = max(seq) from kernel_keys.records"), "t");
        database.sql("truncate kernel_keys.journals, kernel_keys.records");
        number += 1;
        if proxy.passed() < number {
            break;
        }
    }
    assert!(number > 10, "only {number} requests were sent");
}
