//! No wedge: whatever has failed and goes on failing, following what the report names, and nothing
//! else, ends a rotation within a few steps.

use onkernel::rotation::{Outcome, Retirement};
use onkernel::testing::Fault;

use super::cases::{Case, Named, all_settings, kinds, size, troubles};
use super::run_each;
use crate::support::{Death, Settings, StoreFault, sound, ways_of};

/// How many of the ways out that are named are begun with.
const CHOICES: usize = 6;
/// Longer than any rotation and its resumptions go on.
const LONG: usize = 60;

/// Something that fails, and with which of the ways out a person begins.
struct Choice {
    case: Case,
    choice: usize,
}

impl Named for Choice {
    fn named(&self) -> String {
        format!("{}, then the way out number {}", self.case.named(), self.choice)
    }
}

async fn check(http: &reqwest::Client, chosen: &Choice) -> Result<Outcome, String> {
    let Choice { case, choice } = chosen;
    let world = case.world(http).await;
    let death = case.deaths.first().copied().unwrap_or(Death::Never);
    let watch = world.watch(death);
    if let Some((from, to)) = case.disk_full {
        watch.disk_full(from, to);
    }
    let ran = world.run(&watch, death).await;
    sound(&watch)?;
    let named = ran.map(|ran| ways_of(&ran.map(Some))).unwrap_or_default();
    let followed = world.follow(named, *choice).await?;
    world.heal();
    let told = format!("{:?}", followed.ways);
    if followed.gave_up() {
        // Nothing that the store may hold is deleted.
        return match world.store.held() {
            Some(held) if !world.store.is_debris() && !world.server.authenticates(&held) => {
                Err(format!("given up with a dead key in the store, after {told}"))
            }
            _ => Ok(Outcome::AsBefore),
        };
    }
    // What a clear rejection made all the same is looked for by the next run.
    world.resume().sweep().await.map_err(|error| error.to_string())?;
    world.settled().map_err(|why| format!("after {told}: {why}"))
}

/// Each of the cases, once for each of the ways out that may be named.
fn each(cases: Vec<Case>) -> Vec<Choice> {
    let choose = |case: Case| (0..CHOICES).map(move |choice| Choice { case: case.clone(), choice });
    cases.into_iter().flat_map(choose).collect()
}

#[test]
fn what_the_server_goes_on_doing() {
    run_each(
        "request × fault, followed",
        241,
        async |http| {
            let mut cases = Vec::new();
            for settings in all_settings() {
                for (settings, way) in [
                    (settings.clone(), "forward"),
                    (Settings { deploy_fails: vec![0], ..settings }, "back"),
                ] {
                    let size = size(http, &settings).await;
                    for (kind, fault) in kinds() {
                        for n in 1..=size.requests {
                            cases.push(Case {
                                name: format!("{kind} from {n} on, {way}"),
                                settings: settings.clone(),
                                faults: vec![fault.clone().from(n)],
                                ..Case::default()
                            });
                        }
                    }
                }
            }
            each(cases)
        },
        check,
    );
}

/// One kind of call alone, which a key may not make any more.
#[test]
fn what_a_caller_may_not_do_any_more() {
    run_each(
        "method × rejection, followed",
        13,
        async |_| {
            let mut cases = Vec::new();
            for settings in all_settings() {
                for method in ["POST", "PATCH", "DELETE"] {
                    for status in [401, 403, 404, 409, 503] {
                        for deploy_fails in [vec![], vec![0]] {
                            cases.push(Case {
                                name: format!("{method} is {status} for ever"),
                                settings: Settings { deploy_fails, ..settings.clone() },
                                faults: vec![Fault::status(status).method(method)],
                                ..Case::default()
                            });
                        }
                    }
                }
            }
            each(cases)
        },
        check,
    );
}

#[test]
fn what_the_store_and_the_hooks_go_on_doing() {
    run_each(
        "store and hooks × for ever, followed",
        71,
        async |http| {
            let mut cases = Vec::new();
            for settings in all_settings() {
                for (name, deploy_fails) in [
                    ("a deployment that works", vec![]),
                    ("one that fails once", vec![0]),
                    ("one that always fails", (0..LONG).collect::<Vec<_>>()),
                    ("one that fails on the way back", (1..LONG).collect()),
                ] {
                    let settings = Settings { deploy_fails, ..settings.clone() };
                    cases.push(Case {
                        name: name.to_owned(),
                        settings: settings.clone(),
                        ..Case::default()
                    });
                    let size = size(http, &settings).await;
                    for fault in settings.store.faults() {
                        for call in 0..size.store_calls {
                            cases.push(Case {
                                name: format!("{fault:?} from the store's call {call} on, {name}"),
                                settings: settings.clone(),
                                store: (call..LONG).map(|call| (call, fault)).collect(),
                                ..Case::default()
                            });
                        }
                    }
                    for from in 0..size.appends {
                        cases.push(Case {
                            name: format!("disk full from line {from} on, {name}"),
                            settings: settings.clone(),
                            disk_full: Some((from, usize::MAX)),
                            ..Case::default()
                        });
                    }
                }
            }
            each(cases)
        },
        check,
    );
}

#[test]
fn a_death_and_what_goes_on_failing() {
    run_each(
        "effect × death, followed",
        241,
        async |http| {
            let mut cases = Vec::new();
            let mut all = troubles();
            for retirement in [Retirement::Delete, Retirement::Grace { days: 2 }] {
                let settings = Settings { retirement, ..Settings::default() };
                let hooks = Settings { deploy_fails: (0..LONG).collect(), ..settings.clone() };
                let name = || "and a deployment that always fails".to_owned();
                all.push(Case { name: name(), settings: hooks, ..Case::default() });
                for fault in [StoreFault::ReadFails, StoreFault::FailsBefore, StoreFault::Empties] {
                    for call in 1..5 {
                        all.push(Case {
                            name: format!("and {fault:?} from the store's call {call} on"),
                            settings: settings.clone(),
                            store: (call..LONG).map(|call| (call, fault)).collect(),
                            ..Case::default()
                        });
                    }
                }
            }
            for trouble in all {
                let size = size(http, &trouble.settings).await;
                for n in 0..size.effects + 20 {
                    cases.push(Case {
                        name: format!("{}, death at effect {n}", trouble.name),
                        deaths: vec![Death::Effect(n)],
                        ..trouble.clone()
                    });
                }
            }
            each(cases)
        },
        check,
    );
}
