//! The tables: made once, however many begin, and never used when they are newer.

use onkernel::rotation::RotationExt;

use crate::database::Database;
use crate::world::{World, is_rotated};

#[tokio::test(flavor = "multi_thread")]
async fn many_may_make_the_schema_at_a_time() {
    let Some(database) = Database::fresh() else { return };
    let all = (0..8).map(|_| {
        let journals = database.journals();
        tokio::spawn(async move { journals.migrate().await.map_err(|error| error.to_string()) })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap().map(|(_, now)| now), Ok(1));
    }
    assert_eq!(database.sql("select version from kernel_keys.schema"), "1");
    assert_eq!(database.journals().migrate().await.unwrap(), (1, 1));
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_one_sentence() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    database.sql("update kernel_keys.schema set version = 7");
    let error = journals.migrate().await.unwrap_err().to_string();
    assert!(error.contains("version 7") && error.contains("up to 1: use a newer one"), "{error}");
}

#[tokio::test]
async fn a_role_without_the_right_to_make_it_says_so() {
    let Some(database) = Database::fresh() else { return };
    database.ready().await;
    // What a worker needs where somebody else makes the schema, and no more.
    database.sql(
        "do $$ begin create role worker login password 'w'; exception when duplicate_object then null; end $$;
        grant usage on schema kernel_keys to worker;
        grant select on kernel_keys.schema to worker;
        grant select, insert, update, delete on kernel_keys.journals to worker;
        grant select, insert on kernel_keys.records to worker",
    );
    let (_, server) = database.direct.split_once('@').unwrap();
    let url = format!("postgres://worker:w@{server}");
    let journals = onkernel::rotation::PostgresJournals::new(&url).unwrap();
    journals.migrate().await.unwrap();
    let world = World::new().await;
    is_rotated(&world.rotation(&journals).run().await.unwrap());
    world.is_whole(&database, "by a role with the least rights");
    database.sql("drop schema kernel_keys cascade");
    let error = journals.migrate().await.unwrap_err().to_string();
    assert!(error.contains("permission denied") && !error.contains(":w@"), "{error}");
}

#[tokio::test]
async fn a_fleet_keeps_its_journals_there() {
    let Some(database) = Database::fresh() else { return };
    let world = World::new().await;
    let store = world.store.clone();
    let policy = onkernel::rotation::Policy::new().named("ci");
    let fleet = world.client.rotate_all(policy, move |_| Some(std::sync::Arc::new(store.clone())));
    let done = fleet
        .journals(database.journals())
        .each(|rotation, _| {
            rotation
                .retire(onkernel::rotation::Retirement::Delete)
                .settle_time(crate::world::SETTLE)
                .overlap(crate::world::OVERLAP)
        })
        .run()
        .await
        .unwrap();
    assert!(matches!(&done[..], [(_, onkernel::rotation::Rotated::Done(_))]), "{done:?}");
    world.is_whole(&database, "after rotate_all");
    assert_eq!(database.sql("select count(*) from kernel_keys.journals where until is null"), "1");
}
