//! Rotations in which anything may go wrong at once: random settings, faults of the server, the
//! store and the disk, deaths, stops, and other people's hands, against a model of what the server
//! has, what the store holds and what the journal says.
//!
//! The model is looked at before and after every effect; at the end, with nothing failing any more,
//! resuming ends in one of {rotated, as before}. The same cases every time: `ROTATION_MODEL_CASES`
//! and `ROTATION_MODEL_SEED` ask for more, and for others.

mod case;
mod invariants;
mod person;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_core::future::BoxFuture;
use onkernel::rotation::{Outcome, RotationError, RotationReport, pending};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::support::{Death, Hook, MemoryStore, World, http, sound};
use case::{Case, case};
use invariants::Model;
use person::{Concurrent, after_a_hand, lay};

async fn check(http: &reqwest::Client, case: &Case) -> Result<Outcome, String> {
    let world = World::new(http, &case.settings).await;
    for fault in &case.faults {
        world.server.faults().add(fault.clone());
    }
    for (call, fault) in &case.store {
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
    let hook = |stop_at: Option<usize>| -> Hook {
        let (model, effects, concurrent) =
            (Arc::clone(&model), Arc::clone(&effects), concurrent.clone());
        let (stop, excused) =
            (world.stop.lock().unwrap().clone(), Arc::clone(&world.watch_excused));
        let hand = case.hand;
        Arc::new(move |n| -> BoxFuture<'static, Result<(), String>> {
            if stop_at == Some(n) {
                stop.stop();
            }
            let effect = effects.fetch_add(1, Ordering::SeqCst);
            let hand = hand.filter(|(at, _)| *at == effect).map(|(_, hand)| hand);
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
    let runs = case.deaths.len().max(case.stops.len()).max(1);
    for run in 0..runs {
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
    let recovered = world.recover().await;
    // The next run looks once more for what a rejected creation made all the same.
    if pending(&world.journal).is_ok_and(|left| left.is_none()) {
        world.resume().sweep().await.map_err(|error| error.to_string())?;
    }
    model.check()?;
    match case.hand {
        None => {
            let actual = world.settled()?;
            if let Some(report) = recovered?
                && report.outcome != actual
            {
                return Err(format!("resume reported {:?}, but it is {actual:?}", report.outcome));
            }
            match reported {
                Some(Outcome::NeedsAttention | Outcome::Stopped) | None => {}
                Some(reported) if reported == actual => {}
                Some(reported) => {
                    return Err(format!("reported {reported:?}, but it is {actual:?}"));
                }
            }
            Ok(actual)
        }
        Some(_) => after_a_hand(&world, &model, &concurrent, recovered.is_err()).await,
    }
}

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn run(title: &str, usual: u64, with_hand: bool) {
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
    let result = TestRunner::new_with_rng(config, random).run(&case(with_hand), |case| {
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
    run("model", 300, false);
}

#[test]
fn with_somebody_elses_hand_in_it() {
    run("model, and somebody else", 200, true);
}
