//! What may go wrong, and how a rotation may be set up, at random.

use std::time::Duration;

use onkernel::rotation::{Lifetime, Retirement};
use onkernel::testing::{Fault, Lag, RetryAfter, Which};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::person::Hand;
use crate::support::{Death, Settings, StoreFault, StoreKind};

#[derive(Clone, Debug)]
pub struct Case {
    pub settings: Settings,
    pub faults: Vec<Fault>,
    pub store: Vec<(usize, StoreFault)>,
    pub disk_full: Option<(usize, usize)>,
    /// Where the rotation dies, and then each resumption.
    pub deaths: Vec<Death>,
    /// At which effect it is asked to stop, the rotation and each resumption.
    pub stops: Vec<Option<usize>>,
    pub hand: Option<(usize, Hand)>,
    /// Who tries to resume it before the resumptions, in this order.
    pub visits: Vec<Option<Visit>>,
    pub backup: Option<Backup>,
    /// With which of the ways out that are named a person ends it; without, all is put right and
    /// tried again.
    pub way: Option<usize>,
}

/// Somebody who resumes it, or sweeps, from where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// A caller of another organization.
    StrangerResumes,
    StrangerSweeps,
    /// The same caller on another host, which shares the home folder.
    OtherHost,
    /// Likewise, who names the store.
    OtherHostAdopts,
}

/// A copy of the journal, made at this effect and put back before this resumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    pub made_at: usize,
    pub put_back: usize,
}

pub fn settings() -> impl Strategy<Value = Settings> {
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
    let store = prop_oneof![
        4 => Just(StoreKind::Plain),
        3 => prop::sample::select(StoreKind::OTHERS.to_vec()),
    ];
    let seconds = |from: u64, to: u64| (from..to).prop_map(Duration::from_secs);
    (
        (retirement, any::<bool>(), any::<bool>(), name, lifetime),
        (option::of(1..3650_i64), option::of(Just("proj_a".to_owned())), any::<bool>()),
        (prop::bool::weighted(0.15), prop::bool::weighted(0.15), vec(0..4_usize, 0..3), store),
        (option::weighted(0.2, seconds(1, 200)), option::weighted(0.2, seconds(1, 500))),
    )
        .prop_map(
            |(
                (retirement, own, deploys, name, lifetime),
                (days, project, colliding_masks),
                (new_store, policy, deploy_fails, store),
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
                store,
                deploy_fails,
                policy,
                lifetime,
                deadline,
                settle,
            },
        )
}

pub fn fault() -> impl Strategy<Value = Fault> {
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
        2 => (1..100_u64).prop_map(|s| Fault::stale_reads(Lag::Time(Duration::from_secs(s)))),
        2 => (1..100_u64).prop_map(|s| Fault::stale_auth(Lag::Time(Duration::from_secs(s)))),
        1 => Just(Fault::doubled(Which::First)),
        1 => Just(Fault::doubled(Which::Second)),
        1 => Just(Fault::wrong_id()),
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

/// Which cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    /// Somebody lays hand on the keys or the store.
    Hands,
    /// Others resume it, and a person resolves it, perhaps with an older journal.
    Others,
}

pub fn case(who: Who) -> impl Strategy<Value = Case> {
    let store_fault = prop::sample::select(StoreFault::EACH.to_vec());
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
        Hand::Rotate,
        Hand::PutThird,
        Hand::DeleteMarked,
        Hand::RenameMarked,
    ]);
    let visit = prop::sample::select(vec![
        Visit::StrangerResumes,
        Visit::StrangerSweeps,
        Visit::OtherHost,
        Visit::OtherHostAdopts,
    ]);
    let backup =
        (0..90_usize, 1..4_usize).prop_map(|(made_at, put_back)| Backup { made_at, put_back });
    let more = (
        vec(option::weighted(0.6, visit), 0..4),
        option::weighted(0.4, backup),
        option::weighted(0.6, 0..8_usize),
    )
        .prop_map(move |(visits, backup, way)| match who {
            Who::Nobody => (Vec::new(), None, None),
            Who::Hands => (Vec::new(), None, way),
            Who::Others => (visits, backup, way),
        });
    let disk = (0..14_usize, 1..4_usize).prop_map(|(from, lines)| (from, from + lines));
    (
        settings(),
        vec(fault(), 0..3),
        vec((0..9_usize, store_fault), 0..3),
        option::weighted(0.15, disk),
        vec(death, 0..4),
        vec(option::weighted(0.3, 0..80_usize), 0..3),
        (0..80_usize, hand).prop_map(move |hand| (who == Who::Hands).then_some(hand)),
        more,
    )
        .prop_map(|(settings, faults, store, disk_full, deaths, stops, hand, more)| Case {
            settings,
            faults,
            store,
            disk_full,
            deaths,
            stops,
            hand,
            visits: more.0,
            backup: more.1,
            way: more.2,
        })
}
