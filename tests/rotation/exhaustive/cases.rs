//! What may go wrong, one thing at a time.

use std::time::Duration;

use onkernel::rotation::Retirement;
use onkernel::testing::{Fault, RetryAfter};

use crate::support::{Death, Settings, StoreFault, StoreKind, World};

/// One way in which things go wrong.
#[derive(Clone, Default)]
pub struct Case {
    pub name: String,
    pub settings: Settings,
    pub faults: Vec<Fault>,
    pub store: Vec<(usize, StoreFault)>,
    pub disk_full: Option<(usize, usize)>,
    /// Where the rotation dies, and then each resumption.
    pub deaths: Vec<Death>,
}

/// What a case is called when it fails.
pub trait Named {
    fn named(&self) -> String;
}

impl Named for Case {
    fn named(&self) -> String {
        format!("{} {:?}", self.name, self.settings)
    }
}

impl Case {
    /// The world in which it happens.
    pub async fn world(&self, http: &reqwest::Client) -> World {
        let world = World::new(http, &self.settings).await;
        for fault in &self.faults {
            world.server.faults().add(fault.clone());
        }
        for (call, fault) in &self.store {
            world.store.fail(*call, *fault);
        }
        world
    }
}

/// What a run without trouble has.
pub struct Size {
    pub requests: u64,
    pub effects: usize,
    pub store_calls: usize,
    pub appends: usize,
}

pub async fn size(http: &reqwest::Client, settings: &Settings) -> Size {
    let world = World::new(http, settings).await;
    let watch = world.watch(Death::Never);
    let _ = world.run(&watch, Death::Never).await.unwrap();
    let nothing = |path: &str| path == "/nowhere";
    let requests = world.server.log().iter().filter(|e| !nothing(&e.path)).count() as u64;
    Size {
        requests,
        effects: watch.count(),
        store_calls: world.store.calls(),
        appends: watch.appends(),
    }
}

/// Whether to run what takes minutes, too.
pub fn everything() -> bool {
    std::env::var_os("ROTATION_EVERYTHING").is_some()
}

pub fn all_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            all.push(Settings { retirement, own, ..Settings::default() });
        }
    }
    all.push(Settings { new_store: true, ..Settings::default() });
    all.push(Settings { colliding_masks: true, ..Settings::default() });
    all.extend(StoreKind::OTHERS.map(|store| Settings { store, ..Settings::default() }));
    all
}

/// Every kind of fault, before and after the effect where that makes a difference.
pub fn kinds() -> Vec<(&'static str, Fault)> {
    let both = |name: &'static str, fault: fn() -> Fault| {
        [(name, fault().before()), (name, fault().after())]
    };
    let mut kinds = Vec::new();
    kinds.extend(both("drop", Fault::drop_connection));
    kinds.extend(both("reset", Fault::reset));
    kinds.extend(both("400", || Fault::status(400)));
    kinds.extend(both("401", || Fault::status(401)));
    kinds.extend(both("403", || Fault::status(403)));
    kinds.extend(both("404", || Fault::status(404)));
    kinds.extend(both("409", || Fault::status(409)));
    kinds.extend(both("500", || Fault::status(500)));
    kinds.extend(both("503", || Fault::status(503)));
    kinds.extend(both("429", || Fault::too_many_requests(RetryAfter::Seconds(2))));
    kinds.extend(both("html 502", Fault::html_bad_gateway));
    kinds.extend(both("redirect", || Fault::redirect("http://127.0.0.1:9/elsewhere")));
    kinds.extend(both("200 of another", || {
        Fault::replace(200, [("content-type", "text/html")], "<html>welcome</html>")
    }));
    kinds.push(("refuse", Fault::refuse().path("/**")));
    kinds.push(("truncated", Fault::truncated_body()));
    kinds.push(("wrong length", Fault::wrong_length()));
    kinds.push(("garbage", Fault::garbage_json()));
    kinds.push(("text", Fault::wrong_content_type()));
    kinds.push(("late", Fault::effect_later(Duration::from_secs(100))));
    kinds
}

/// What goes wrong beside the death of the process.
pub fn troubles() -> Vec<Case> {
    let lost = Fault::drop_connection().method("POST").after().times(1);
    let late = Fault::effect_later(Duration::from_secs(100)).method("POST").times(1);
    let fails = |deploy_fails| Settings { deploy_fails, ..Settings::default() };
    let case = |name: &str| Case { name: name.to_owned(), ..Case::default() };
    let mut troubles: Vec<Case> = all_settings()
        .into_iter()
        .map(|settings| Case { settings, ..case("no trouble") })
        .collect();
    for retirement in [Retirement::Delete, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            let settings = Settings { retirement, own, ..Settings::default() };
            let fails = Settings { deploy_fails: vec![0], ..settings.clone() };
            troubles.push(Case {
                faults: vec![lost.clone()],
                settings: settings.clone(),
                ..case("lost response")
            });
            troubles.push(Case { faults: vec![late.clone()], settings, ..case("late creation") });
            troubles.push(Case { settings: fails, ..case("failed rollout") });
        }
    }
    troubles.push(Case { settings: fails(vec![0, 1]), ..case("failed rollouts") });
    for call in 2..5 {
        for fault in [StoreFault::FailsBefore, StoreFault::FailsAfter, StoreFault::WritesLate] {
            troubles.push(Case { store: vec![(call, fault)], ..case("store fault") });
        }
    }
    troubles
}
