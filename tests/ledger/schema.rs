//! The tables: made once, however many begin, and never used when they are newer.

use onkernel::rotation::RotationExt;

use crate::database::Database;
use crate::fleet::{ALL, Fleets};
use crate::world::{World, is_rotated};

/// The version of today.
const VERSION: i32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn many_may_make_the_schema_at_a_time() {
    let Some(database) = Database::fresh() else { return };
    let journals: Vec<_> = (0..8).map(|_| database.journals()).collect();
    // Their connections remember that it was not there.
    for _ in 0..10 {
        database.sql("drop schema if exists kernel_keys cascade");
        let all = journals.iter().cloned().map(|journals| {
            tokio::spawn(async move { journals.migrate().await.map_err(|error| error.to_string()) })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap().map(|(_, now)| now), Ok(VERSION));
        }
    }
    assert_eq!(database.sql("select version from kernel_keys.schema"), VERSION.to_string());
    assert_eq!(database.journals().migrate().await.unwrap(), (VERSION, VERSION));
}

#[tokio::test]
async fn a_schema_of_before_is_brought_up_to_date_with_what_is_in_it() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = World::new().await;
    is_rotated(&world.rotation(&journals).run().await.unwrap());
    // As the first version left it.
    database.sql(
        "drop table kernel_keys.tasks, kernel_keys.workers, kernel_keys.runs, kernel_keys.limits;
        update kernel_keys.schema set version = 1",
    );
    assert_eq!(journals.migrate().await.unwrap(), (1, VERSION));
    assert_eq!(database.sql("select count(*) from kernel_keys.journals"), "1");
    Fleets::of(1).await.fleet(&journals, ALL).run().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_one_sentence() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    database.sql("update kernel_keys.schema set version = 7");
    let error = journals.migrate().await.unwrap_err().to_string();
    assert!(error.contains("version 7"), "{error}");
    let knows = format!("up to {VERSION}: use a newer one");
    assert!(error.contains(&knows), "{error}");
    // Least of all does it delete from what it does not know.
    for error in [
        journals.prune(std::time::Duration::ZERO).await.unwrap_err(),
        journals.fleets().await.unwrap_err(),
        journals.unfinished().await.unwrap_err(),
        journals.histories().await.unwrap_err(),
        journals.check().await.unwrap_err(),
    ] {
        assert!(error.to_string().contains(&knows), "{error}");
    }
}

#[tokio::test]
async fn a_look_says_what_is_missing_and_makes_nothing() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.journals();
    let missing = journals.check().await.unwrap_err().to_string();
    assert!(missing.contains("no schema kernel_keys"), "{missing}");
    assert_eq!(journals.prune(std::time::Duration::ZERO).await.unwrap(), 0);
    assert!(journals.fleets().await.unwrap().is_empty());
    let there = "select count(*) from pg_namespace where nspname = 'kernel_keys'";
    assert_eq!(database.sql(there), "0");
    journals.migrate().await.unwrap();
    journals.check().await.unwrap();
    database.sql(
        "do $$ begin create role looker login password 'w'; exception when duplicate_object then null; end $$;
        grant usage on schema kernel_keys to looker;
        grant select on all tables in schema kernel_keys to looker",
    );
    let (_, server) = database.direct.split_once('@').unwrap();
    let looker = format!("postgres://looker:w@{server}");
    let lacks = onkernel::rotation::PostgresJournals::new(&looker).unwrap().check().await;
    let lacks = lacks.unwrap_err().to_string();
    assert!(lacks.contains("lacks INSERT on kernel_keys.records"), "{lacks}");
    assert!(lacks.contains("DELETE on kernel_keys.tasks") && !lacks.contains("SELECT"), "{lacks}");
    database.sql("drop schema kernel_keys cascade");
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
        grant select, insert on kernel_keys.records to worker;
        grant select, insert, update, delete on kernel_keys.runs, kernel_keys.workers,
            kernel_keys.tasks, kernel_keys.limits to worker",
    );
    let (_, server) = database.direct.split_once('@').unwrap();
    let url = format!("postgres://worker:w@{server}");
    let journals = onkernel::rotation::PostgresJournals::new(&url).unwrap();
    journals.migrate().await.unwrap();
    let world = World::new().await;
    is_rotated(&world.rotation(&journals).run().await.unwrap());
    world.is_whole(&database, "by a role with the least rights");
    let rotated = Fleets::of(1).await.fleet(&journals, ALL).run().await.unwrap();
    assert!(matches!(rotated[0].1, onkernel::rotation::Rotated::Done(_)), "{rotated:?}");
    journals.prune(std::time::Duration::ZERO).await.unwrap();
    assert!(journals.fleets().await.unwrap().is_empty());
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
