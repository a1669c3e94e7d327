//! Each key is rotated once, however many workers and fleets list it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use onkernel::rotation::{
    Elsewhere, Policy, PostgresJournals, Retirement, Rotated, RotationExt, Skipped, Stop, Store,
};
use onkernel::testing::NewKey;
use onkernel::types::ApiKey;
use tokio::time::timeout;

use super::{ALL, Fleets, Kind, count, fleet, is_done, is_done_elsewhere};
use crate::database::{Database, LEASE};
use crate::proxy::Proxy;
use crate::world::{OVERLAP, SETTLE, SharedFile, connect};

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_work() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(12).await;
    world.server.set_latency(Duration::from_millis(20));
    let (one, two, three) = tokio::join!(
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&database.journals(), ALL).run(),
    );
    let all = [one.unwrap(), two.unwrap(), three.unwrap()];
    let done: Vec<_> = all.iter().map(|rotated| count(rotated, is_done)).collect();
    assert_eq!(done.iter().sum::<usize>(), 12, "{all:?}");
    let worked = done.iter().filter(|done| **done > 0).count();
    assert!(worked > 1, "one did it all: {done:?}");
    for rotated in &all {
        // Each knows of all that it has listed.
        let others = count(rotated, is_done_elsewhere);
        assert_eq!(count(rotated, is_done) + others, rotated.len(), "{rotated:?}");
    }
    world.are_whole(&database, "three workers");
    let fleets = database.journals().fleets().await.unwrap();
    assert_eq!(fleets.len(), 1, "{fleets:?}");
    assert!(!fleets[0].under_way && fleets[0].workers.is_empty(), "{fleets:?}");
    assert_eq!((fleets[0].keys.rotated, fleets[0].keys.waiting), (12, 0), "{fleets:?}");
    // All of it has ended.
    let journals = database.journals();
    assert_eq!(journals.prune(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(journals.prune(Duration::ZERO).await.unwrap(), 12);
    assert!(journals.fleets().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_rotates_nothing_again() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(3).await;
    world.fleet(&database.journals(), ALL).run().await.unwrap();
    // The policy has no reasons, so it picks the new keys too.
    let late = world.fleet(&database.journals(), ALL).run().await.unwrap();
    let just_made = |became: &Rotated| matches!(became, Rotated::Skipped(Skipped::JustMade));
    assert_eq!(count(&late, just_made), 3, "{late:?}");
    world.are_whole(&database, "twice");
    // Another day they are keys as any.
    database.sql("update kernel_keys.tasks set changed = changed - interval '2 hours'");
    let next = world.fleet(&database.journals(), ALL).run().await.unwrap();
    assert_eq!(count(&next, is_done), 3, "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleets_with_overlapping_policies() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(12).await;
    let (all, some) = tokio::join!(
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&database.journals(), "fleet-0*").run(),
    );
    let (all, some) = (all.unwrap(), some.unwrap());
    assert_eq!(count(&all, is_done) + count(&some, is_done), 12, "{all:?} {some:?}");
    let of_others = |became: &Rotated| {
        matches!(became, Rotated::Done(_) | Rotated::Elsewhere(_))
            || matches!(became, Rotated::Skipped(Skipped::JustMade))
    };
    assert_eq!(count(&some, of_others), some.len(), "{some:?}");
    // What one fleet has left to the other is done by now.
    world.are_whole(&database, "two fleets");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_the_database_whose_response_is_lost() {
    let Some(database) = Database::fresh() else { return };
    let mut number = 0;
    loop {
        database.ready().await;
        let proxy = Proxy::cutting(number, &database.direct).await;
        let journals = PostgresJournals::new(&proxy.url).unwrap().lease(LEASE);
        let world = Fleets::of(2).await;
        let rotated = world.fleet(&journals, ALL).concurrency(1).run().await;
        let when = format!("with request {number} cut off");
        let rotated = rotated.unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(count(&rotated, is_done), 2, "{when}: {rotated:?}");
        world.are_whole(&database, &when);
        let tables = "kernel_keys.journals, kernel_keys.records, kernel_keys.runs";
        database.sql(&format!("truncate {tables} cascade"));
        number += 3;
        if proxy.passed() < number {
            break;
        }
    }
    assert!(number > 20, "only {number} requests were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_host_is_left_to_it() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(2).await;
    // A worker there has added the first, and is at work.
    let id = world.server.keys().into_iter().find(|key| key.name == "fleet-00").unwrap().id;
    database.sql(&format!(
        "insert into kernel_keys.runs (fleet, server, selects, until)
            values ('other', '{0}', 'other', clock_timestamp() + interval '1 hour');
        insert into kernel_keys.tasks (server, key_id, run, name, store, journal, host)
            select '{0}', '{id}', id, 'fleet-00', 'file:/k', 'j', 'other 1' from kernel_keys.runs",
        world.server.url(),
    ));
    let rotated = world.fleet(&journals, ALL).run().await.unwrap();
    assert!(is_done(&rotated[1].1) || is_done(&rotated[0].1), "{rotated:?}");
    let left = |became: &Rotated| matches!(became, Rotated::Elsewhere(Elsewhere::OfHost(host)) if host == "other");
    assert_eq!(count(&rotated, left), 1, "{rotated:?}");
    let status = journals.fleets().await.unwrap();
    let waiting: Vec<_> = status.iter().flat_map(|fleet| &fleet.waiting_for_hosts).collect();
    assert_eq!(waiting, [&("other".to_owned(), 1)], "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_count_over_all_workers() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(20).await;
    for file in fs::read_dir(world.folder.path()).unwrap() {
        fs::write(file.unwrap().path(), "sk_nobodys").unwrap();
    }
    let (one, two) = tokio::join!(
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&database.journals(), ALL).run(),
    );
    let failed = |became: &Rotated| matches!(became, Rotated::Failed(_));
    let (one, two) = (one.unwrap(), two.unwrap());
    let all = count(&one, failed) + count(&two, failed);
    // After three no further one is begun; the other three may have been under way.
    assert!((3..=6).contains(&all), "{all} failed");
    let stopped = |became: &Rotated| matches!(became, Rotated::Skipped(Skipped::Stopped));
    assert!(count(&one, stopped) >= 14, "{one:?}");
    let elsewhere =
        |became: &Rotated| matches!(became, Rotated::Elsewhere(Elsewhere::Failed { .. }));
    assert_eq!(count(&one, failed) + count(&one, elsewhere), all, "{one:?}");
    let status = database.journals().fleets().await.unwrap();
    assert_eq!(status[0].failed.len(), all, "{status:?}");
    // The next run tries them again.
    for key in world.server.keys().iter().filter(|key| key.name.starts_with("fleet-")) {
        fs::write(world.folder.path().join(&key.name), key.plaintext()).unwrap();
    }
    let next = world.fleet(&database.journals(), ALL).run().await.unwrap();
    assert_eq!(count(&next, is_done), 20, "{next:?}");
    world.are_whole(&database, "after failures");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_worker_has_not_begun_is_done_by_the_others() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(6).await;
    let stop = Stop::new();
    let stopped = world.fleet(&database.journals(), ALL).stop_on(&stop);
    let until = stop.clone();
    let stopped = stopped.on_event(move |_| until.stop());
    let (stopped, other) =
        tokio::join!(stopped.run(), world.fleet(&database.journals(), ALL).run());
    let (stopped, other) = (stopped.unwrap(), other.unwrap());
    assert_eq!(count(&stopped, is_done) + count(&other, is_done), 6, "{stopped:?} {other:?}");
    let left = |became: &Rotated| matches!(became, Rotated::Done(_) | Rotated::Elsewhere(_));
    assert_eq!(count(&stopped, left), 6, "nobody has to resume anything: {stopped:?}");
    assert!(count(&stopped, is_done) <= 2, "it went on: {stopped:?}");
    world.are_whole(&database, "one was stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_nothing_is_left_is_over_although_a_worker_has_died() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(2).await;
    let broken = world.folder.path().join("fleet-00");
    let works = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, "sk_nobodys").unwrap();
    world.fleet(&journals, ALL).run().await.unwrap();
    // As if one that has died had been at it too: its lease runs for long.
    database.sql(
        "update kernel_keys.runs set over = false, until = clock_timestamp() + interval '1 hour';
        insert into kernel_keys.workers (name, run, until)
            select 'dead', id, until from kernel_keys.runs",
    );
    let status = journals.fleets().await.unwrap();
    assert!(!status[0].under_way, "{status:?}");
    fs::write(&broken, works).unwrap();
    let next = world.fleet(&journals, ALL).run().await.unwrap();
    assert_eq!(count(&next, is_done), 1, "{next:?}");
    world.are_whole(&database, "tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_known_whatever_its_store_is_called() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(2).await;
    world.fleet(&database.journals(), ALL).run().await.unwrap();
    // The same files by another way, so that they have other journals.
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link");
    std::os::unix::fs::symlink(world.folder.path(), &link).unwrap();
    let given = (&world.client, link.as_path(), &database.journals());
    let again = super::fleet(given, ALL, Kind::Deleting, None).run().await.unwrap();
    let just_made = |became: &Rotated| matches!(became, Rotated::Skipped(Skipped::JustMade));
    assert_eq!(count(&again, just_made), 2, "{again:?}");
    world.are_whole(&database, "by another way");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_change_while_they_are_listed_keep_no_worker_away() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(3).await;
    for number in 0..250 {
        world.server.add_key(NewKey::named(format!("other-{number}")));
    }
    world.server.set_latency(Duration::from_millis(20));
    let others = async {
        loop {
            let key = world.server.add_key(NewKey::named("other"));
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(world.server.delete(&key.id));
        }
    };
    let journals = database.journals();
    let rotated = tokio::select! {
        rotated = world.fleet(&journals, ALL).run() => rotated.unwrap(),
        () = others => unreachable!(),
    };
    assert_eq!(count(&rotated, is_done), 3, "{rotated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_text_of_the_database_can_hold() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(1).await;
    let key = world.server.add_key(NewKey::named("fleet-\0"));
    let folder = world.folder.path().to_owned();
    fs::write(folder.join(&key.id), key.plaintext()).unwrap();
    let stores = move |key: &ApiKey| -> Option<Arc<dyn Store>> {
        let known = folder.join(if key.name.contains('\0') { &key.id } else { &key.name });
        known.exists().then(|| Arc::new(SharedFile(known)) as _)
    };
    let policy = Policy::new().named("fleet-*");
    let fleet = world.client.rotate_all(policy, stores).journals(database.journals());
    let fleet = fleet.named("\0").each(|rotation, _| {
        rotation.retire(Retirement::Delete).settle_time(SETTLE).overlap(OVERLAP)
    });
    let rotated = fleet.run().await.unwrap();
    assert_eq!(count(&rotated, is_done), 2, "{rotated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_lands_when_it_was_given_up() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    // Longer than a request may take, and than the look whether it was done.
    database.sql(
        "create sequence kernel_keys.claims;
        create function kernel_keys.late() returns trigger language plpgsql as $$ begin
            if new.state = 'taken' and nextval('kernel_keys.claims') = 1 then
                perform pg_sleep(4);
            end if;
            return new;
        end $$;
        create trigger late before update on kernel_keys.tasks
            for each row execute function kernel_keys.late()",
    );
    let world = Fleets::of(2).await;
    let run = world.fleet(&journals, ALL).concurrency(1).run();
    let rotated =
        timeout(Duration::from_secs(60), run).await.expect("it goes on for ever").unwrap();
    assert_eq!(count(&rotated, is_done), 2, "{rotated:?}");
    world.are_whole(&database, "with a late claim");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_leave_their_own_keys_to_each_other() {
    let Some(database) = Database::fresh() else { return };
    let mut world = Fleets::of(4).await;
    world.kind = Kind::Grace;
    let keys = world.server.keys();
    let key = |name: &str| keys.iter().find(|key| key.name == name).unwrap().plaintext().to_owned();
    let fleet = |name: &str| {
        let client = connect(world.server.url(), &key(name));
        fleet((&client, world.folder.path(), &database.journals()), ALL, Kind::Grace, None)
    };
    let (one, two) = tokio::join!(fleet("fleet-00").run(), fleet("fleet-01").run());
    let (one, two) = (one.unwrap(), two.unwrap());
    for rotated in [&one, &two] {
        let own = |became: &Rotated| matches!(became, Rotated::Skipped(Skipped::Own));
        assert_eq!(count(rotated, own), 1, "{rotated:?}");
        assert_eq!(count(rotated, |became| matches!(became, Rotated::Failed(_))), 0, "{rotated:?}");
    }
    assert_eq!(count(&one, is_done) + count(&two, is_done), 4, "{one:?} {two:?}");
    world.are_whole(&database, "with keys of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_long_ago_that_has_no_store_now() {
    let Some(database) = Database::fresh() else { return };
    let world = Fleets::of(1).await;
    world.fleet(&database.journals(), ALL).run().await.unwrap();
    let none = || world.client.rotate_all(Policy::new().named(ALL), |_: &ApiKey| None);
    let late = none().journals(database.journals()).run().await.unwrap();
    assert!(matches!(late[0].1, Rotated::Skipped(Skipped::JustMade)), "{late:?}");
    database.sql("update kernel_keys.tasks set changed = changed - interval '2 hours'");
    let later = none().journals(database.journals()).run().await.unwrap();
    assert!(matches!(later[0].1, Rotated::Skipped(Skipped::NoStore)), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_cannot_be_had_is_no_success() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(0).await;
    assert!(world.fleet(&journals, ALL).run().await.unwrap().is_empty());
    // What others have begun is asked for with it.
    database.sql("alter table kernel_keys.tasks drop column claim");
    let error = world.fleet(&journals, ALL).run().await.unwrap_err();
    assert!(error.to_string().contains("claim"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_outlives_its_run() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    database.sql(
        "insert into kernel_keys.runs (fleet, server, selects, began, until, over)
            values ('before', 's', 'x', clock_timestamp() - interval '9 days', clock_timestamp(), true);
        insert into kernel_keys.journals (name, owner, epoch, open)
            values ('begun', 'o', 1, true), ('ended', 'o', 1, false);
        insert into kernel_keys.tasks (server, key_id, run, name, store, journal, state, again, changed)
            select 's', its, id, its, 'file:/k', 'postgres:' || its, state, true, began
            from kernel_keys.runs, (values ('begun', 'waiting'), ('ended', 'waiting')) as task (its, state)",
    );
    journals.prune(Duration::from_secs(86400)).await.unwrap();
    assert_eq!(database.sql("select count(*) from kernel_keys.runs"), "1");
    database.sql("update kernel_keys.journals set open = false");
    journals.prune(Duration::from_secs(86400)).await.unwrap();
    assert_eq!(database.sql("select count(*) from kernel_keys.runs"), "0");
}
