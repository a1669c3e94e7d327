//! Every request of a rotation × every fault, every effect × a death, every await point × a dropped
//! future, every store call and every line of the journal × a failure, alone and together; each
//! followed by resuming until nothing is left to do.
//!
//! At every instant the store holds a key that authenticates and the journal no plaintext; at the
//! end every live key of ours has a holder, exactly one of {rotated, as before} is true, and it is
//! what was reported. Run with `--nocapture` to see how many cases there are.
//!
//! All of them take minutes: without `ROTATION_EVERYTHING` in the environment one in eight is run,
//! the same ones every time.

mod cases;
mod wedge;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onkernel::rotation::{Outcome, Retirement};
use onkernel::testing::Fault;

use crate::support::{Death, Settings, http, sound};
use cases::{Case, Named, all_settings, everything, kinds, size, troubles};

async fn check(http: &reqwest::Client, case: &Case) -> Result<Outcome, String> {
    let world = case.world(http).await;
    let mut deaths = case.deaths.iter().copied();
    let death = deaths.next().unwrap_or(Death::Never);
    let watch = world.watch(death);
    if let Some((from, to)) = case.disk_full {
        watch.disk_full(from, to);
    }
    let ran = world.run(&watch, death).await;
    sound(&watch)?;
    let mut reported = match &ran {
        None => None,
        Some(Ok(report)) => Some(report.outcome),
        Some(Err(error)) => Some(error.report().map_or(Outcome::AsBefore, |r| r.outcome)),
    };
    for death in deaths {
        let watch = world.watch(death);
        let ran = world.run_resume(&watch, death).await;
        sound(&watch)?;
        match ran {
            Some(Ok(Some(report))) => reported = Some(report.outcome),
            Some(Err(error)) => reported = error.report().map(|r| r.outcome).or(reported),
            Some(Ok(None)) | None => {}
        }
    }
    let recovered = world.recover().await?;
    let actual = world.settled()?;
    if let Some(report) = recovered
        && report.outcome != actual
    {
        return Err(format!("resume reported {:?}, but it is {actual:?}", report.outcome));
    }
    match reported {
        Some(Outcome::NeedsAttention) | None => {}
        Some(reported) if reported == actual => {}
        Some(reported) => {
            return Err(format!("reported {reported:?}, but it is {actual:?}: {ran:#?}"));
        }
    }
    Ok(actual)
}

/// Makes the cases, runs one in eight of them or all, and says how many there were.
fn run(title: &str, make: impl AsyncFn(&reqwest::Client) -> Vec<Case>) {
    run_each(title, 8, make, check);
}

/// Runs one in so many of the cases, or all, on a few threads.
fn run_each<C: Named + Sync>(
    title: &str,
    one_in: usize,
    make: impl AsyncFn(&reqwest::Client) -> Vec<C>,
    check: impl AsyncFn(&reqwest::Client, &C) -> Result<Outcome, String> + Sync,
) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = {
        let runtime = runtime();
        let _enter = runtime.enter();
        let http = http();
        runtime.block_on(make(&http))
    };
    let all = cases.len();
    let step = if everything() { 1 } else { one_in };
    let cases: Vec<C> = cases.into_iter().step_by(step).collect();
    let next = AtomicUsize::new(0);
    let (rotated, as_before) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                let runtime = runtime();
                let _enter = runtime.enter();
                let http = http();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match runtime.block_on(check(&http, case)) {
                        Ok(Outcome::Rotated) => rotated.fetch_add(1, Ordering::SeqCst),
                        Ok(_) => as_before.fetch_add(1, Ordering::SeqCst),
                        Err(why) => {
                            let mut failures = failures.lock().unwrap();
                            failures.push(format!("{}: {why}", case.named()));
                            failures.len()
                        }
                    };
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!(
        "{title}: {} of {all} cases, {} rotated, {} as before, {} failed",
        cases.len(),
        rotated.into_inner(),
        as_before.into_inner(),
        failures.len()
    );
    assert!(!cases.is_empty());
    if !failures.is_empty() {
        for failure in failures.iter().take(40) {
            println!("-- {}", failure.lines().take(1).collect::<String>());
        }
        panic!("{} of {}, the first: {}", failures.len(), cases.len(), failures[0]);
    }
}

#[test]
fn every_request_and_every_fault() {
    run("request × fault", async |http| {
        let mut cases = Vec::new();
        for (number, settings) in all_settings().into_iter().enumerate() {
            let size = size(http, &settings).await;
            // The other settings differ only in a few requests.
            let spans = if number == 0 || number == 4 || everything() { 3 } else { 1 };
            for (kind, fault) in kinds() {
                for n in 1..=size.requests + 2 {
                    for (span, fault) in [
                        ("once", fault.clone().nth(n)),
                        ("and its retries", fault.clone().from(n).times(3)),
                        ("from then on", fault.clone().from(n)),
                    ]
                    .into_iter()
                    .take(spans)
                    {
                        cases.push(Case {
                            name: format!("{kind} at {n} {span}, {fault:?}"),
                            settings: settings.clone(),
                            faults: vec![fault],
                            ..Case::default()
                        });
                    }
                }
            }
        }
        cases
    });
}

#[test]
fn pairs_of_faults() {
    run("request × fault, twice", async |http| {
        let mut cases = Vec::new();
        let kinds = [
            ("drop", Fault::drop_connection().after()),
            ("503", Fault::status(503).before()),
            ("late", Fault::effect_later(Duration::from_secs(100))),
            ("400", Fault::status(400).after()),
        ];
        for retirement in [Retirement::Delete, Retirement::Grace { days: 2 }] {
            let settings = Settings { retirement, ..Settings::default() };
            let size = size(http, &settings).await;
            let few = if everything() { kinds.len() } else { 3 };
            for (a, first) in &kinds[..few] {
                for (b, second) in &kinds[..few] {
                    for n in 1..=size.requests {
                        for m in n + 1..=size.requests + 2 {
                            cases.push(Case {
                                name: format!("{a} at {n} and {b} at {m}"),
                                settings: settings.clone(),
                                faults: vec![first.clone().nth(n), second.clone().nth(m)],
                                ..Case::default()
                            });
                        }
                    }
                }
            }
        }
        cases
    });
}

#[test]
fn every_effect_and_a_death() {
    run("effect × death", async |http| {
        let mut cases = Vec::new();
        for trouble in troubles() {
            let size = size(http, &trouble.settings).await;
            for n in 0..size.effects + 20 {
                cases.push(Case {
                    name: format!("{}, death at effect {n}", trouble.name),
                    deaths: vec![Death::Effect(n)],
                    ..trouble.clone()
                });
            }
        }
        cases
    });
}

#[test]
fn every_await_point_and_a_dropped_future() {
    run("await point × dropped future", async |_| {
        let mut cases = Vec::new();
        for trouble in troubles() {
            for n in 0..160 {
                cases.push(Case {
                    name: format!("{}, dropped at poll {n}", trouble.name),
                    deaths: vec![Death::Poll(n)],
                    ..trouble.clone()
                });
            }
        }
        cases
    });
}

#[test]
fn a_death_and_a_death_while_resuming() {
    run("effect × death, twice", async |http| {
        let mut cases = Vec::new();
        for own in [false, true] {
            let settings = Settings { own, ..Settings::default() };
            let size = size(http, &settings).await;
            for n in (0..size.effects).step_by(2) {
                for m in (0..size.effects).step_by(3) {
                    cases.push(Case {
                        name: format!("death at effect {n}, then at {m}"),
                        settings: settings.clone(),
                        deaths: vec![Death::Effect(n), Death::Effect(m)],
                        ..Case::default()
                    });
                }
            }
        }
        cases
    });
}

#[test]
fn every_store_call_and_every_line_of_the_journal() {
    run("store and journal", async |http| {
        let mut cases = Vec::new();
        for settings in all_settings() {
            let fails = Settings { deploy_fails: vec![0], ..settings.clone() };
            for settings in [settings, fails] {
                let size = size(http, &settings).await;
                let calls = size.store_calls + 3;
                for fault in settings.store.faults() {
                    for call in 0..calls {
                        for until in [call + 1, call + 2, call + 3] {
                            cases.push(Case {
                                name: format!("store {fault:?} from {call} to {until}"),
                                settings: settings.clone(),
                                store: (call..until).map(|call| (call, fault)).collect(),
                                ..Case::default()
                            });
                        }
                    }
                }
                for from in 0..size.appends + 2 {
                    for to in [from + 1, from + 2, usize::MAX] {
                        cases.push(Case {
                            name: format!("disk full from line {from} to {to}"),
                            settings: settings.clone(),
                            disk_full: Some((from, to)),
                            ..Case::default()
                        });
                    }
                }
            }
        }
        cases
    });
}
