//! What a person does: mistypes, puts a copy of a journal back, renames, gives up.

use std::fs;

use chrono::{TimeDelta, Utc};
use onkernel::rotation::{
    DeployTarget, Disposition, Outcome, Resolution, Resume, Retirement, RotationError, StoreHolds,
    pending,
};
use onkernel::testing::{Fault, NewKey};

use super::support::{Death, Settings, StoreFault, StoreKind, World, plain, world};

/// A rotation whose deploy command is misspelled: it fails both ways.
async fn misspelled() -> (World, RotationError) {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let rotation = world.rotation().deploy(no_such_program);
    let error = rotation.run().await.unwrap_err();
    assert_eq!(error.report().unwrap().outcome, Outcome::NeedsAttention, "{error}");
    (world, error)
}

async fn no_such_program(_: DeployTarget) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("systemclt: no such program"))
}

fn resume(world: &World) -> Resume {
    world.resume().deploy(no_such_program)
}

/// Rule 8: nothing needs attention without a way out, and each way leads there.
#[tokio::test]
async fn a_misspelled_hook_is_replaced_or_done_without() {
    let (world, error) = misspelled().await;
    for way in [Resolution::Deploy, Resolution::Deployed, Resolution::GiveUp] {
        assert!(error.resolutions().contains(&way), "{way:?}: {:?}", error.resolutions());
    }
    assert!(resume(&world).run().await.unwrap_err().needs_attention(), "it is still misspelled");
    let done = |_| async { Ok::<_, std::io::Error>(()) };
    let note = serde_json::json!({ "deploy": "systemctl restart agent" });
    let report = resume(&world).deploy(done).note(note).run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
    assert!(fs::read_to_string(&world.journal).unwrap().contains("systemctl restart"));

    let (world, _) = misspelled().await;
    let report = resume(&world).deployed().run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
}

/// Rule 8: where the old key cannot be put back, what stood in the way of the new one is named.
#[tokio::test]
async fn a_hook_that_turned_it_back_is_named_where_there_is_no_way_back() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    // The old plaintext is nowhere by then.
    killed_after_storing(&world).await;
    let error = resume(&world).run().await.unwrap_err();
    for way in [Resolution::Deploy, Resolution::Deployed] {
        assert!(error.resolutions().contains(&way), "{way:?}: {:?}", error.resolutions());
    }
    let report = resume(&world).deployed().run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Rotated);
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

/// Rules 2 and 8: what a person says of a store counts when no write of ours can make it untrue.
#[tokio::test]
async fn a_word_about_the_store_is_no_word_about_what_lands_after_it() {
    let world = plain().await;
    // It cannot be read any more, and putting the old key back lands late.
    for call in 4..60 {
        world.store.fail(call, StoreFault::WritesLate);
    }
    let watch = world.watch(Death::Never);
    let error = world.run(&watch, Death::Never).await.unwrap().unwrap_err();
    assert!(error.needs_attention() && world.store.is_late(), "{error}");
    let says = |holds| world.resume().store_holds(holds);
    let error = says(StoreHolds::New).run().await.unwrap_err();
    assert!(error.to_string().contains("say it again"), "{error}");
    assert!(world.old().deleted_at.is_none());
    let holds = Resolution::StoreHolds(StoreHolds::Old);
    assert!(error.resolutions().contains(&holds), "{:?}", error.resolutions());
    assert_eq!(world.store.held().as_deref(), Some(world.old().plaintext()), "it has landed");
    let report = says(StoreHolds::Old).run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::AsBefore);
    assert_eq!(world.settled().unwrap(), Outcome::AsBefore);
}

/// Rule 8: what is given up ends, deletes nothing, and says what stays.
#[tokio::test]
async fn giving_up_ends_it_and_lists_what_stays() {
    let (world, error) = misspelled().await;
    let new = error.report().unwrap().new_id.clone().unwrap();
    let requests = world.server.log().len();
    let report = resume(&world).give_up().run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::GivenUp);
    assert_eq!(world.server.log().len(), requests, "nobody is asked");
    let todo = report.todo.join("; ");
    assert!(todo.contains(&new) && todo.contains(&world.old_id), "{todo}");
    assert!(pending(&world.journal).unwrap().is_none());
    assert!(world.server.key(&new).unwrap().deleted_at.is_none());
    assert!(world.old().deleted_at.is_none());
}

/// Rule 8: a one-way store is resolved by what a person finds in it.
#[tokio::test]
async fn what_a_person_finds_in_a_one_way_store_ends_it() {
    use onkernel::rotation::CommandStore;
    for holds in [StoreHolds::Old, StoreHolds::New] {
        let world = world(Settings { deploys: false, ..Settings::default() }).await;
        let store = CommandStore::new("sink", ["sh", "-c", "cat > /dev/null; exit 3"]);
        let rotation = world.rotation().store(store.clone()).store_is_new();
        let error = rotation.run().await.unwrap_err();
        assert!(error.resolutions().contains(&Resolution::StoreHolds(holds)), "{error}");
        let resume = world.resume().store(store).store_holds(holds);
        let report = resume.run().await.unwrap_or_else(|error| panic!("{holds}: {error}")).unwrap();
        let new = world.server.key(report.new_id.as_ref().unwrap()).unwrap();
        match holds {
            StoreHolds::New => {
                assert_eq!(report.outcome, Outcome::Rotated);
                assert!(new.deleted_at.is_none() && world.old().deleted_at.is_some());
            }
            _ => {
                assert_eq!(report.outcome, Outcome::AsBefore);
                assert!(new.deleted_at.is_some() && world.old().deleted_at.is_none());
            }
        }
        assert!(pending(&world.journal).unwrap().is_none());
    }
}

/// Rule 14: a journal from a backup is never believed against the evidence.
#[tokio::test]
async fn a_journal_older_than_the_world_needs_attention() {
    let world = plain().await;
    let path = world.journal.clone();
    let copy = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = copy.clone();
    let rotation = world.rotation().on_event(move |event| {
        use onkernel::rotation::{Event, Step};
        if *event == (Event::Started { step: Step::Overlap }) {
            *kept.lock().unwrap() = fs::read(&path).unwrap();
        }
    });
    let new = rotation.run().await.unwrap().new_id.unwrap();
    fs::write(&world.journal, &*copy.lock().unwrap()).unwrap();
    let error = world.resume().run().await.unwrap_err();
    assert!(error.needs_attention() && error.to_string().contains("older"), "{error}");
    let says = Resolution::StoreHolds(StoreHolds::New);
    assert!(error.resolutions().contains(&says), "{:?}", error.resolutions());
    assert!(world.server.key(&new).unwrap().deleted_at.is_none());
    let report = world.resume().store_holds(StoreHolds::New).run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Rotated);
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

/// Rule 14: an older journal still, which does not even know the new key.
#[tokio::test]
async fn a_journal_that_does_not_know_what_the_store_holds_needs_attention() {
    let world = plain().await;
    let watch = world.watch(Death::Never);
    world.run(&watch, Death::Never).await.unwrap().unwrap();
    let text = fs::read_to_string(&world.journal).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&world.journal, format!("{first}\n")).unwrap();
    let held = world.store.held();
    let error = world.resume().run().await.unwrap_err();
    assert!(error.needs_attention(), "{error}");
    assert!(pending(&world.journal).unwrap().unwrap().under_way, "it was closed");
    assert_eq!(world.store.held(), held);
    world.resume().give_up().run().await.unwrap();
    assert!(pending(&world.journal).unwrap().is_none());
}

/// Rule 14: nor does a way back lead to a key that is dead, whatever the store shows and a person says.
#[tokio::test]
async fn an_old_key_that_is_dead_is_never_called_the_one_in_use() {
    type Dies = fn(&World) -> bool;
    let deleted: Dies = |world| world.server.delete(&world.old_id);
    let expired: Dies =
        |world| world.server.set_expiry(&world.old_id, Some(Utc::now() - TimeDelta::days(400)));
    // What the store shows, beside a copy of the journal that knows the plan alone; and all of it.
    for (dies, is_deleted) in [(deleted, true), (expired, false)] {
        for (shows_old, lines) in [(false, 1), (true, 1), (true, 99)] {
            let world = plain().await;
            let old = world.store.held().unwrap();
            killed_after_storing(&world).await;
            let text = fs::read_to_string(&world.journal).unwrap();
            let older: String = text.split_inclusive('\n').take(lines).collect();
            fs::write(&world.journal, older).unwrap();
            assert!(dies(&world));
            world.store.set(shows_old.then_some(&*old));
            let keys = world.server.keys();

            let case = format!("deleted {is_deleted}, old {shows_old}, {lines} lines");
            for says in [None, Some(StoreHolds::Old)] {
                let resume = world.resume();
                let resume = says.into_iter().fold(resume, Resume::store_holds);
                let error = resume.run().await.unwrap_err();
                assert!(error.needs_attention(), "{case}, {says:?}: {error}");
                let holds = |way: &Resolution| matches!(way, Resolution::StoreHolds(_));
                assert!(!error.resolutions().iter().any(holds), "{case}, {says:?}: {error}");
                assert_eq!(world.server.keys(), keys, "{case}, {says:?}: nothing is deleted");
                if says.is_some() && !shows_old {
                    assert!(error.to_string().contains("the store shows nothing"), "{error}");
                    continue;
                }
                let report = error.report().unwrap();
                assert_eq!(report.old == Disposition::Deleted, is_deleted, "{case}, {says:?}");
                assert_ne!(report.old, Disposition::InUse, "{case}, {says:?}");
                let todo = report.todo.join("; ");
                assert!(
                    !todo.contains("kept") || todo.contains("and the new key"),
                    "{case}, {says:?}: {todo}"
                );
            }
            let third = world.server.add_key(NewKey::named("by hand"));
            world.store.set(Some(third.plaintext()));
            let report = world.resume().store_holds(StoreHolds::Other).run().await;
            let report = report.unwrap_or_else(|error| panic!("{case}: {error}")).unwrap();
            assert_eq!(report.outcome, Outcome::AsBefore, "{case}");
            assert_ne!(report.old, Disposition::InUse, "{case}");
            assert!(pending(&world.journal).unwrap().is_none(), "{case}");
        }
    }
}

/// The process dies when the new key is in the store.
pub(super) async fn killed_after_storing(world: &World) {
    let watch = world.watch(Death::Never);
    let rotation = world.rotation().probe(watch.clone());
    let dies = rotation.verify(|_| std::future::pending::<Result<(), std::io::Error>>());
    let stored = async {
        while world.store.writes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = stored => {}
        _ = dies.run() => panic!("it is over"),
    }
    world.quiesce().await;
}

/// Rule 14: what a one-way store holds, an older journal does not know and nobody sees.
#[tokio::test]
async fn an_older_journal_of_a_one_way_store_needs_attention() {
    for finished in [false, true] {
        let world = world(Settings { store: StoreKind::OneWay, ..Settings::default() }).await;
        match finished {
            true => drop(world.rotation().retire(Retirement::Keep).run().await.unwrap()),
            false => killed_after_storing(&world).await,
        }
        let held = world.store.held().unwrap();
        let new = world.server.key_by_plaintext(&held).unwrap().id;
        let lives = || world.server.key(&new).unwrap().deleted_at.is_none();
        let text = fs::read_to_string(&world.journal).unwrap();
        let older: String =
            text.split_inclusive('\n').take_while(|l| !l.contains("\"storing\"")).collect();
        assert!(older.contains("\"created\""), "{older}");
        fs::write(&world.journal, &older).unwrap();
        let error = world.resume().run().await.unwrap_err();
        let says = Resolution::StoreHolds(StoreHolds::New);
        assert!(error.needs_attention() && error.resolutions().contains(&says), "{error}");
        assert!(lives(), "{finished}: the store holds it");
        let resumed = world.resume().store_holds(StoreHolds::New).run().await;
        match finished {
            false => assert_eq!(resumed.unwrap().unwrap().outcome, Outcome::Rotated),
            // It has its name already, and somebody else's key may be called so.
            true => {
                assert!(resumed.unwrap_err().needs_attention());
                world.resume().give_up().run().await.unwrap();
            }
        }
        assert!(lives() && pending(&world.journal).unwrap().is_none(), "{finished}");
    }
}

/// Rule 8: a key cannot delete itself, and nobody else has the plaintext of the new one.
#[tokio::test]
async fn a_key_that_replaces_itself_in_a_one_way_store_is_deleted_by_another() {
    let settings = Settings { own: true, deploys: false, ..Settings::default() };
    let world = world(Settings { store: StoreKind::OneWay, ..settings }).await;
    killed_after_storing(&world).await;
    let error = world.resume().store_holds(StoreHolds::New).run().await.unwrap_err();
    assert!(error.resolutions().contains(&Resolution::Caller), "{error}");
    assert!(error.to_string().contains("cannot delete itself"), "{error}");
    let report = world.resume_by(&world.manager).run().await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Rotated);
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
}

/// Rule 14: nor is a dead key put back, or its replacement deleted, when such a resumption fails.
#[tokio::test]
async fn a_resumption_that_fails_puts_no_dead_key_back() {
    for n in 1..16 {
        let world = plain().await;
        let watch = world.watch(Death::Never);
        world.run(&watch, Death::Never).await.unwrap().unwrap();
        let text = fs::read_to_string(&world.journal).unwrap();
        let older: String =
            text.split_inclusive('\n').take_while(|l| !l.contains("\"retiring\"")).collect();
        fs::write(&world.journal, older).unwrap();
        let held = world.store.held().unwrap();
        // From a replica that lags it has the old plaintext.
        world.store.fail(world.store.calls(), StoreFault::StaleRead);
        world.server.faults().add(Fault::garbage_json().method("GET").from(n).times(3));
        let resumed = world.resume().run().await;
        assert!(resumed.is_err(), "{n}: {resumed:?}");
        assert_eq!(world.store.held(), Some(held.clone()), "{n}");
        assert!(world.server.authenticates(&held), "{n}");
    }
}

/// Rules 4 and 14: a key that the store holds is no orphan, whatever an older journal knows of it
/// and a person calls it.
#[tokio::test]
async fn a_key_that_the_store_holds_is_no_orphan_of_an_older_journal() {
    for holds in [StoreHolds::New, StoreHolds::Other, StoreHolds::Old] {
        let world = plain().await;
        let watch = world.watch(Death::Never);
        world.run(&watch, Death::Never).await.unwrap().unwrap();
        let text = fs::read_to_string(&world.journal).unwrap();
        let old: String =
            text.split_inclusive('\n').take_while(|l| !l.contains("\"created\"")).collect();
        assert!(old.contains("\"creating\""), "{old}");
        // The last step, the name, was not yet taken.
        let key = world.server.key_by_plaintext(&world.store.held().unwrap()).unwrap();
        let line = old.lines().last().unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(world.server.rename(&key.id, line["marker"].as_str().unwrap()));
        fs::write(&world.journal, &old).unwrap();
        assert!(world.resume().run().await.unwrap_err().needs_attention());
        let _ = world.resume().store_holds(holds).run().await;
        let _ = world.resume().sweep().await;
        let key = world.server.key(&key.id).unwrap();
        assert!(key.deleted_at.is_none(), "{holds}: the only key that works");
    }
}

/// Rules 4 and 14: nor where the store cannot be read just now.
#[tokio::test]
async fn a_store_that_cannot_be_read_may_hold_what_an_older_journal_takes_for_an_orphan() {
    let world = world(Settings { deploys: false, ..Settings::default() }).await;
    let stop = onkernel::rotation::Stop::new();
    let asks = stop.clone();
    let rotation = world.rotation().stop_on(&stop).verify(move |_| {
        asks.stop();
        async { Ok::<_, std::io::Error>(()) }
    });
    rotation.run().await.unwrap_err();
    let text = fs::read_to_string(&world.journal).unwrap();
    let old: String =
        text.split_inclusive('\n').take_while(|l| !l.contains("\"created\"")).collect();
    fs::write(&world.journal, &old).unwrap();
    for call in world.store.calls()..world.store.calls() + 3 {
        world.store.fail(call, StoreFault::ReadFails);
    }
    let _ = world.resume().run().await;
    assert!(world.server.authenticates(&world.store.held().unwrap()), "it was deleted");
}

/// Rule 8: a rename that somebody else already made is done.
#[tokio::test]
async fn a_name_that_a_person_gave_stays() {
    let world = plain().await;
    let watch = world.watch(Death::Never);
    world.server.faults().add(onkernel::testing::Fault::status(503).method("PATCH"));
    let report = world.run(&watch, Death::Never).await.unwrap().unwrap();
    assert!(!report.is_settled() && report.outcome == Outcome::Rotated);
    world.server.faults().clear();
    let new = report.new_id.unwrap();
    assert!(world.server.rename(&new, "by hand"));
    let report = world.resume().run().await.unwrap().unwrap();
    assert!(report.is_settled(), "{report:?}");
    assert_eq!(world.server.key(&new).unwrap().name, "by hand");
}

/// A rotation that is done but for the old key, with the journal of when the new one was just made.
async fn with_the_journal_of_before_it_was_stored() -> World {
    let world = plain().await;
    world.rotation().retire(Retirement::Keep).run().await.unwrap();
    let text = fs::read_to_string(&world.journal).unwrap();
    let created = text.lines().position(|line| line.contains("\"created\"")).unwrap();
    let older: Vec<&str> = text.lines().take(created + 1).collect();
    let line: serde_json::Value = serde_json::from_str(older[created]).unwrap();
    let key = world.server.key_by_plaintext(&world.store.held().unwrap()).unwrap();
    assert!(world.server.rename(&key.id, line["marker"].as_str().unwrap()));
    fs::write(&world.journal, older.join("\n") + "\n").unwrap();
    world
}

/// Rule 14: what the store holds was stored, though an older journal knows nothing of it. Going back
/// from there ends.
#[tokio::test]
async fn an_older_journal_goes_back_from_a_store_that_holds_the_new_key() {
    let world = with_the_journal_of_before_it_was_stored().await;
    // What turns it round before the store is written again.
    let ends = world.server.now() + chrono::TimeDelta::days(3);
    assert!(world.server.set_expiry(&world.old_id, Some(ends)));
    let error = world.resume().run().await.unwrap_err();
    assert!(error.needs_attention(), "{error}");
    assert!(world.server.authenticates(&world.store.held().unwrap()), "{error}");
    assert!(world.server.key(&world.old_id).unwrap().deleted_at.is_none(), "{error}");
}

/// Rules 2, 4 and 14: nor does it believe that nothing was stored where the store cannot be read at
/// first.
#[tokio::test]
async fn an_older_journal_is_no_reason_to_delete_what_an_unread_store_may_hold() {
    for reads in 1..=4 {
        let world = with_the_journal_of_before_it_was_stored().await;
        for call in world.store.calls()..world.store.calls() + reads {
            world.store.fail(call, StoreFault::ReadFails);
        }
        let ended = world.resume().run().await;
        assert!(world.server.authenticates(&world.store.held().unwrap()), "{reads}: {ended:?}");
    }
}
