//! Rotations in which anything may go wrong at once: random settings, faults of the server, the
//! store and the disk, deaths, stops, other people's hands, callers of another organization or on
//! another host, and a journal from a backup, against a model of what the server has, what the store
//! holds and what the journal says.
//!
//! The model is looked at before and after every effect; at the end, with nothing failing any more,
//! resuming, or what the reports name, ends in one of {rotated, as before}. The same cases every time: `ROTATION_MODEL_CASES`
//! and `ROTATION_MODEL_SEED` ask for more, and for others; `ROTATION_JOURNALS` names a database to keep
//! the journals in, but those that others write.

mod case;
mod invariants;
mod person;
mod visits;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use onkernel::rotation::{Outcome, RotationError, RotationReport, pending};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::support::{Death, Followed, Hook, MemoryStore, World, http, sound, ways_of};
use case::{Case, Who, case};
use invariants::Model;
use person::{Concurrent, after_a_hand, given_up, lay};
use visits::Visitor;

async fn check(http: &reqwest::Client, case: &Case) -> Result<Outcome, String> {
    let mut world = World::new(http, &case.settings).await;
    let visitor = Visitor::new(&mut world, http);
    for fault in &case.faults {
        world.server.faults().add(fault.clone());
    }
    let may = case.settings.store.faults();
    for (call, fault) in case.store.iter().filter(|(_, fault)| may.contains(fault)) {
        world.store.fail(*call, *fault);
    }
    let model = Arc::new(Model {
        server: world.server.clone(),
        store: world.store.clone(),
        journal: world.journal.clone(),
        old_id: world.old_id.clone(),
        bystanders: world.bystanders.clone(),
        retirement: case.settings.retirement,
        touched: AtomicBool::new(false),
        concurrent: world.journal.with_file_name("concurrent.jsonl"),
        hand: case.hand.map(|(_, hand)| hand),
        thirds: Mutex::default(),
        put_back: AtomicBool::new(false),
        laid_at: AtomicUsize::new(usize::MAX),
        retiring_at: AtomicUsize::new(usize::MAX),
    });
    let concurrent = Concurrent {
        client: world.manager.clone(),
        store: MemoryStore::holding(world.old().plaintext()),
        journal: world.journal.with_file_name("concurrent.jsonl"),
        clock: world.clock.clone(),
    };
    let effects = Arc::new(AtomicUsize::new(0));
    let copy = Arc::new(Mutex::new(Vec::new()));
    let hook = |stop_at: Option<usize>| -> Hook {
        let (model, effects, concurrent) =
            (Arc::clone(&model), Arc::clone(&effects), concurrent.clone());
        let (stop, excused) =
            (world.stop.lock().unwrap().clone(), Arc::clone(&world.watch_excused));
        let (hand, backup, copy) = (case.hand, case.backup, Arc::clone(&copy));
        Arc::new(move |n| -> BoxFuture<'static, Result<(), String>> {
            if stop_at == Some(n) {
                stop.stop();
            }
            let effect = effects.fetch_add(1, Ordering::SeqCst);
            let hand = hand.filter(|(at, _)| *at == effect).map(|(_, hand)| hand);
            if backup.is_some_and(|backup| backup.made_at == effect) {
                *copy.lock().unwrap() = std::fs::read(&model.journal).unwrap_or_default();
            }
            let (model, excused, concurrent) =
                (Arc::clone(&model), Arc::clone(&excused), concurrent.clone());
            Box::pin(async move {
                if let Some(hand) = hand {
                    lay(hand, &model, &excused, &concurrent).await;
                }
                model.check()
            })
        })
    };
    let mut reported = None;
    let mut named = Vec::new();
    let put_back = case.backup.map_or(0, |backup| backup.put_back + 1);
    let runs = case.deaths.len().max(case.stops.len()).max(case.visits.len()).max(put_back);
    for run in 0..runs.max(1) {
        let copied = copy.lock().unwrap().clone();
        if case.backup.is_some_and(|backup| backup.put_back == run) && !copied.is_empty() {
            // What the store was told to write is over before anybody has put a backup back: an older
            // journal knows nothing of it, and nobody else does.
            world.store.land();
            std::fs::write(&world.journal, copied).unwrap();
            model.put_back.store(true, Ordering::SeqCst);
        }
        if let (1.., Some(Some(visit))) = (run, case.visits.get(run)) {
            visitor.comes(&world, *visit).await.map_err(|why| format!("{visit:?}: {why}"))?;
        }
        *world.stop.lock().unwrap() = onkernel::rotation::Stop::new();
        let death = case.deaths.get(run).copied().unwrap_or(Death::Never);
        let watch = world.watch_with(death, Some(hook(case.stops.get(run).copied().flatten())));
        if let (0, Some((from, to))) = (run, case.disk_full) {
            watch.disk_full(from, to);
        }
        let ran: Option<Result<Option<RotationReport>, RotationError>> = match run {
            0 => world.run(&watch, death).await.map(|ran| ran.map(Some)),
            _ => world.run_resume(&watch, death).await,
        };
        sound(&watch)?;
        named = ran.as_ref().map(ways_of).unwrap_or_default();
        match &ran {
            Some(Ok(Some(report))) => reported = Some(report.outcome),
            Some(Err(error)) if run == 0 && error.changed_nothing() => {
                reported = Some(Outcome::AsBefore)
            }
            Some(Err(error)) => reported = error.report().map(|r| r.outcome).or(reported),
            // A crash, or nothing to do.
            Some(Ok(None)) => {}
            None => {
                reported = reported.filter(|_| {
                    pending(&world.journal).is_ok_and(|p| p.is_none_or(|p| !p.under_way))
                })
            }
        }
    }
    // Whether somebody was told before, and whether in the end.
    let warned = !named.is_empty();
    let (recovered, told) = match case.way {
        None => {
            let recovered = world.recover().await;
            let told = recovered.is_err();
            (recovered, told)
        }
        Some(way) => {
            let followed = world.follow(named, way).await;
            world.heal();
            // What does not end but by being given up was told, too.
            let told = followed.as_ref().map_or(true, |followed| followed.told);
            if followed.as_ref().is_ok_and(Followed::gave_up) {
                model.check()?;
                return given_up(&world, &model);
            }
            (followed.map(|_| None), told)
        }
    };
    // The next run looks once more for what a rejected creation made all the same.
    if pending(&world.journal).is_ok_and(|left| left.is_none()) {
        // By somebody who still may: the key itself may have been narrowed meanwhile.
        let sweep = world.resume_by(&world.manager).sweep();
        sweep.await.map_err(|error| error.to_string())?;
        world.quiesce().await;
    }
    model.check()?;
    if case.hand.is_some() || model.put_back.load(Ordering::SeqCst) {
        return after_a_hand(&world, &model, &concurrent, warned, told).await;
    }
    let actual = world.settled()?;
    if let Some(report) = recovered?
        && report.outcome != actual
    {
        return Err(format!("resume reported {:?}, but it is {actual:?}", report.outcome));
    }
    match reported {
        Some(Outcome::NeedsAttention | Outcome::Stopped) | None => {}
        // A person has chosen what became of it then.
        Some(_) if case.way.is_some() && told => {}
        Some(reported) if reported == actual => {}
        Some(reported) => {
            return Err(format!("reported {reported:?}, but it is {actual:?}"));
        }
    }
    Ok(actual)
}

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn run(title: &str, usual: u64, who: Who) {
    let cases = env("ROTATION_MODEL_CASES").unwrap_or(usual);
    let seed = env("ROTATION_MODEL_SEED").unwrap_or(4);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _enter = runtime.enter();
    let http = http();
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 600,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let (rotated, as_before) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let result = TestRunner::new_with_rng(config, random).run(&case(who), |case| {
        match runtime.block_on(check(&http, &case)) {
            Ok(Outcome::Rotated) => rotated.fetch_add(1, Ordering::SeqCst),
            Ok(_) => as_before.fetch_add(1, Ordering::SeqCst),
            Err(why) => return Err(TestCaseError::fail(why)),
        };
        Ok(())
    });
    let (rotated, as_before) = (rotated.into_inner(), as_before.into_inner());
    println!("{title}: {cases} cases of seed {seed}, {rotated} rotated, {as_before} as before");
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("seed {seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
    assert!(rotated * 10 > as_before, "hardly any goes through");
}

#[test]
fn what_the_server_has_the_store_holds_and_the_journal_says() {
    run("model", 300, Who::Nobody);
}

#[test]
fn with_somebody_elses_hand_in_it() {
    run("model, and somebody else", 200, Who::Hands);
}

#[test]
fn with_others_who_resume_it_and_a_journal_from_a_backup() {
    if std::env::var_os("ROTATION_JOURNALS").is_some() {
        println!("skipped: these put the file of a journal back");
        return;
    }
    run("model, and others", 150, Who::Others);
}
