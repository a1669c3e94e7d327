//! Rotations in which anything may go wrong at once: random settings, faults of the server, the
//! store and the disk, deaths, stops, and other people's hands, against a model of what the server
//! has, what the store holds and what the journal says.
//!
//! The model is looked at before and after every effect; at the end, with nothing failing any more,
//! resuming ends in one of {rotated, as before}. The same cases every time: `ROTATION_MODEL_CASES`
//! and `ROTATION_MODEL_SEED` ask for more, and for others.
#![cfg(all(feature = "testing", feature = "rotation"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod rotation_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_core::future::BoxFuture;
use onkernel::Client;
use onkernel::rotation::{
    Lifetime, Outcome, Retirement, RotationError, RotationExt, RotationReport, pending,
};
use onkernel::testing::{Fault, Policy, RetryAfter, Server};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rotation_support::{Death, Hook, MemoryStore, Settings, StoreFault, World, http, sound};
use serde_json::Value;

/// What somebody else does in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Delete,
    Rename,
    Narrow,
    /// Ends it tomorrow.
    Shorten,
    /// Ends it now.
    Expire,
    /// Rotates it on another host, with another journal and another store.
    Rival,
}

#[derive(Clone, Debug)]
struct Case {
    settings: Settings,
    faults: Vec<Fault>,
    store: Vec<(usize, StoreFault)>,
    disk_full: Option<(usize, usize)>,
    /// Where the rotation dies, and then each resumption.
    deaths: Vec<Death>,
    /// At which effect it is asked to stop, the rotation and each resumption.
    stops: Vec<Option<usize>>,
    hand: Option<(usize, Hand)>,
}

fn settings() -> impl Strategy<Value = Settings> {
    let retirement = prop_oneof![
        3 => Just(Retirement::Delete),
        1 => Just(Retirement::Keep),
        2 => (1..9_i64).prop_map(|days| Retirement::Grace { days }),
    ];
    let name = prop_oneof![
        3 => Just("ci".to_owned()),
        1 => Just("n".repeat(255)),
        1 => Just("\"../../etc\"\n'%00' \\ \u{1F511}".to_owned()),
        1 => Just("~onk-".to_owned()),
        1 => "[ -~é\u{0}\n]{1,40}",
    ];
    let lifetime = prop_oneof![
        6 => Just(Lifetime::AsOld),
        1 => Just(Lifetime::Never),
        1 => (1..3650_i64).prop_map(Lifetime::Days),
    ];
    let seconds = |from: u64, to: u64| (from..to).prop_map(Duration::from_secs);
    (
        (retirement, any::<bool>(), any::<bool>(), name, lifetime),
        (option::of(1..3650_i64), option::of(Just("proj_a".to_owned())), any::<bool>()),
        (prop::bool::weighted(0.15), prop::bool::weighted(0.15), vec(0..4_usize, 0..3)),
        (option::weighted(0.2, seconds(1, 200)), option::weighted(0.2, seconds(1, 500))),
    )
        .prop_map(
            |(
                (retirement, own, deploys, name, lifetime),
                (days, project, colliding_masks),
                (new_store, policy, deploy_fails),
                (deadline, settle),
            )| Settings {
                retirement,
                own,
                deploys,
                name,
                // It has lived for three days when the rotation begins.
                days: days.map(|days| days + 3),
                project,
                colliding_masks,
                new_store,
                deploy_fails,
                policy,
                lifetime,
                deadline,
                settle,
            },
        )
}

fn fault() -> impl Strategy<Value = Fault> {
    let status = prop::sample::select(vec![400, 401, 403, 404, 409, 500, 503]);
    let failing = prop_oneof![
        3 => Just(Fault::drop_connection()),
        1 => Just(Fault::reset()),
        3 => status.prop_map(Fault::status),
        2 => Just(Fault::too_many_requests(RetryAfter::Seconds(2))),
        1 => Just(Fault::html_bad_gateway()),
    ];
    let kind = prop_oneof![
        5 => failing.clone().prop_map(Fault::before),
        5 => failing.prop_map(Fault::after),
        1 => Just(Fault::truncated_body()),
        1 => Just(Fault::wrong_length()),
        1 => Just(Fault::garbage_json()),
        1 => Just(Fault::wrong_content_type()),
        2 => (1..110_u64).prop_map(|s| Fault::effect_later(Duration::from_secs(s))),
    ];
    let on =
        prop::sample::select(vec![None, Some("GET"), Some("POST"), Some("PATCH"), Some("DELETE")]);
    let when = prop_oneof![
        (1..45_u64, 1..5_u64).prop_map(|(n, times)| (Some((n, times)), None)),
        (0.01..0.5_f64, any::<u64>()).prop_map(|(p, seed)| (None, Some((p, seed)))),
    ];
    (kind, on, when).prop_map(|(fault, on, (from, chance))| {
        let fault = match on {
            Some(method) => fault.method(method),
            None => fault,
        };
        match (from, chance) {
            (Some((n, times)), _) => fault.from(n).times(times),
            (_, Some((probability, seed))) => fault.probability(probability).seed(seed),
            _ => fault,
        }
    })
}

fn case(with_hand: bool) -> impl Strategy<Value = Case> {
    let store_fault = prop::sample::select(vec![
        StoreFault::FailsBefore,
        StoreFault::FailsAfter,
        StoreFault::WritesLate,
        StoreFault::ReadFails,
    ]);
    let death = prop_oneof![
        2 => Just(Death::Never),
        2 => (0..90_usize).prop_map(Death::Effect),
        1 => (0..160_usize).prop_map(Death::Poll),
    ];
    let hand = prop::sample::select(vec![
        Hand::Delete,
        Hand::Rename,
        Hand::Narrow,
        Hand::Shorten,
        Hand::Expire,
        Hand::Rival,
    ]);
    let disk = (0..14_usize, 1..4_usize).prop_map(|(from, lines)| (from, from + lines));
    (
        settings(),
        vec(fault(), 0..3),
        vec((0..9_usize, store_fault), 0..3),
        option::weighted(0.15, disk),
        vec(death, 0..4),
        vec(option::weighted(0.3, 0..80_usize), 0..3),
        (0..80_usize, hand).prop_map(move |hand| with_hand.then_some(hand)),
    )
        .prop_map(|(settings, faults, store, disk_full, deaths, stops, hand)| Case {
            settings,
            faults,
            store,
            disk_full,
            deaths,
            stops,
            hand,
        })
}

/// What the journal says.
#[derive(Debug, Default)]
struct Written {
    markers: Vec<String>,
    made: Vec<String>,
    storing: bool,
    retiring: bool,
    ended: Option<String>,
}

impl Written {
    fn read(journal: &str) -> Result<Self, String> {
        let mut written = Self::default();
        for line in journal.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let line: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            match line["what"].as_str().unwrap_or_default() {
                "creating" => written.markers.push(text("marker")),
                "created" => written.made.push(text("id")),
                "storing" if text("key") == "new" => written.storing = true,
                "retiring" => written.retiring = true,
                "not_retiring" => written.retiring = false,
                "ended" => written.ended = Some(text("outcome")),
                _ => {}
            }
        }
        Ok(written)
    }
}

/// What must be so of the server, the store and the journal together.
struct Model {
    server: Server,
    store: MemoryStore,
    journal: std::path::PathBuf,
    old_id: String,
    bystanders: Vec<String>,
    retirement: Retirement,
    /// Somebody else has laid hand on the old key.
    touched: AtomicBool,
    /// What a rival made is found by the rival.
    rival: std::path::PathBuf,
    hand: Option<Hand>,
}

impl Model {
    fn check(&self) -> Result<(), String> {
        let journal = std::fs::read_to_string(&self.journal).unwrap_or_default();
        let written = Written::read(&journal)?;
        pending(&self.journal).map_err(|error| error.to_string())?;
        let held = self.store.held();
        let touched = self.touched.load(Ordering::SeqCst);
        let rival = Written::read(&std::fs::read_to_string(&self.rival).unwrap_or_default())?;
        for key in self.server.keys() {
            let holds = held.as_deref() == Some(key.plaintext());
            if key.id == self.old_id {
                if key.deleted_at.is_some() && !touched && !(written.retiring && !holds) {
                    return Err("the old key was deleted too early".to_owned());
                }
                continue;
            }
            if self.bystanders.contains(&key.id)
                || rival.made.contains(&key.id)
                || rival.markers.contains(&key.name)
                || key.plaintext() == self.server.bootstrap_key()
            {
                continue;
            }
            // A server's rotation copies whatever name somebody else has given the old key.
            let copied = self.hand == Some(Hand::Rename)
                && matches!(self.retirement, Retirement::Grace { .. });
            if !copied && !written.made.contains(&key.id) && !written.markers.contains(&key.name) {
                return Err(format!("{} ({:?}) would not be found again", key.id, key.name));
            }
            if holds && !(written.made.contains(&key.id) && written.storing) {
                return Err("the store holds a key of which the journal knows nothing".to_owned());
            }
        }
        match written.ended.as_deref() {
            Some("rotated") if !written.retiring => Err("it ended without a retirement".to_owned()),
            _ => Ok(()),
        }
    }
}

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
        rival: world.journal.with_file_name("rival.jsonl"),
        hand: case.hand.map(|(_, hand)| hand),
    });
    let rival = Rival {
        client: world.manager.clone(),
        store: MemoryStore::holding(world.old().plaintext()),
        journal: world.journal.with_file_name("rival.jsonl"),
        clock: world.clock.clone(),
    };
    let effects = Arc::new(AtomicUsize::new(0));
    let hook = |stop_at: Option<usize>| -> Hook {
        let (model, effects, rival) = (Arc::clone(&model), Arc::clone(&effects), rival.clone());
        let (stop, excused) =
            (world.stop.lock().unwrap().clone(), Arc::clone(&world.watch_excused));
        let hand = case.hand;
        Arc::new(move |n| -> BoxFuture<'static, Result<(), String>> {
            if stop_at == Some(n) {
                stop.stop();
            }
            let effect = effects.fetch_add(1, Ordering::SeqCst);
            let hand = hand.filter(|(at, _)| *at == effect).map(|(_, hand)| hand);
            let (model, excused, rival) = (Arc::clone(&model), Arc::clone(&excused), rival.clone());
            Box::pin(async move {
                if let Some(hand) = hand {
                    lay(hand, &model, &excused, &rival).await;
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
            Some(Err(error)) if run == 0 && error.is_refused() => {
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
        Some(_) => after_a_hand(&world, &model, &rival, recovered.is_err()).await,
    }
}

/// A rotation of the same key on another host.
#[derive(Clone)]
struct Rival {
    client: Client,
    store: MemoryStore,
    journal: std::path::PathBuf,
    clock: rotation_support::TestClock,
}

async fn lay(hand: Hand, model: &Model, excused: &AtomicBool, rival: &Rival) {
    let (server, id) = (&model.server, &model.old_id);
    // Nobody is to be saved from what they did themselves.
    let kills = matches!(hand, Hand::Delete | Hand::Expire | Hand::Rival);
    excused.fetch_or(kills, Ordering::SeqCst);
    model.touched.store(true, Ordering::SeqCst);
    match hand {
        Hand::Delete => drop(server.delete(id)),
        Hand::Rename => drop(server.rename(id, "renamed by somebody")),
        Hand::Narrow => drop(server.set_policy(id, Some(Policy::new()))),
        Hand::Shorten => drop(server.set_expiry(id, Some(server.now() + TimeDelta::days(1)))),
        Hand::Expire => drop(server.set_expiry(id, Some(server.now() - TimeDelta::seconds(1)))),
        Hand::Rival => {
            // Refused, undone or done: all are right, and the keys are counted at the end.
            let _ = rival
                .client
                .rotation(id)
                .store(rival.store.clone())
                .journal(&rival.journal)
                .retire(Retirement::Delete)
                .lifetime(Lifetime::Days(5))
                .clock(rival.clock.clone())
                .run()
                .await;
        }
    }
}

/// With somebody else's hand in it either outcome may be the right one; but every live key has a
/// holder, or a person was told.
async fn after_a_hand(
    world: &World,
    model: &Model,
    rival: &Rival,
    told: bool,
) -> Result<Outcome, String> {
    world.server.land_late();
    world.store.land();
    let again = rival
        .client
        .resume(&rival.journal)
        .store(rival.store.clone())
        .clock(rival.clock.clone())
        .run();
    let rival_ended = again.await.is_ok();
    let (held, rivals) = (world.store.held(), rival.store.held());
    let ours = world.server.keys().into_iter().filter(|key| {
        !world.bystanders.contains(&key.id)
            && key.id != world.old_id
            && key.plaintext() != world.server.bootstrap_key()
            && key.deleted_at.is_none()
    });
    let mut outcome = Outcome::AsBefore;
    for key in ours {
        let is = |held: &Option<String>| held.as_deref() == Some(key.plaintext());
        if is(&held) {
            outcome = Outcome::Rotated;
        } else if !is(&rivals) && !told && rival_ended {
            let log: Vec<_> = world
                .server
                .log()
                .iter()
                .map(|e| {
                    format!("{} {} {:?} {:?} {:?}", e.method, e.path, e.status, e.effect, e.fault)
                })
                .collect();
            return Err(format!(
                "{} ({:?}) is held by nobody\n{}",
                key.id,
                key.name,
                log.join("\n")
            ));
        }
    }
    let works = held.as_deref().is_none_or(|held| world.server.authenticates(held));
    if !works && !world.watch_excused.load(Ordering::SeqCst) {
        return Err("the store holds a dead key".to_owned());
    }
    if outcome == Outcome::AsBefore && told && model.hand == Some(Hand::Rename) {
        return Err("a new name needs nobody's attention".to_owned());
    }
    for id in &world.bystanders {
        if world.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
            return Err(format!("the bystander {id} is gone"));
        }
    }
    Ok(outcome)
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
