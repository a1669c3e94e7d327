//! Every state that the steps lead to, with a failure put in at every one of them: each leads to an
//! end, and from each something that a person can say does.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::core::STORE_HOLDS;
use super::facts::{Course, Facts, course};
use super::table::{BACK, Row, STEPS, next};
use crate::rotation::evidence::held::{Holds, StoreState, Which};
use crate::rotation::report::{Resolution, Step, StoreHolds};

fn start(has_deploy: bool) -> Facts {
    Facts { fresh: true, has_deploy, old_at_hand: true, ..Facts::default() }
}

/// How a rotation may begin.
fn starts() -> Vec<Facts> {
    let mut starts = Vec::new();
    for (has_deploy, old_is_marked) in [(false, false), (false, true), (true, false), (true, true)]
    {
        for blind in [false, true] {
            starts.push(Facts { old_is_marked, blind, ..start(has_deploy) });
        }
    }
    starts
}

fn unconfirmed(wrote: Which) -> StoreState {
    StoreState::Untouched.writing(wrote, Duration::ZERO)
}

/// What a step that succeeds makes of the facts.
fn after(mut facts: Facts, step: Step) -> Facts {
    match step {
        Step::Create => facts.adopted = true,
        Step::Compare => facts.compared = true,
        Step::Store => {
            facts.stored = true;
            facts.store = StoreState::Confirmed(Holds::New);
        }
        Step::Confirm if facts.course == Course::Forward => {
            facts.store = StoreState::Confirmed(Holds::New);
        }
        Step::Confirm => facts.store = StoreState::Confirmed(Holds::Old),
        Step::Deploy => (facts.deployed, facts.deploy_done) = (true, true),
        Step::Verify => facts.verified = true,
        Step::Overlap => facts.overlapped = true,
        Step::OverlapBack => facts.overlapped_back = true,
        Step::Rename => facts.rename_tried = true,
        Step::Retire => (facts.retiring, facts.retired) = (true, true),
        Step::Restore => facts.store = StoreState::Confirmed(Holds::Old),
        Step::Redeploy => facts.redeployed = true,
        Step::Remove => facts.removed = true,
        Step::Settle => (facts.unsettled, facts.settle_tried) = (false, true),
        Step::Unmark => facts.old_is_marked = false,
        Step::Plan => {}
    }
    if facts.course == Course::Undecided && !facts.store.is_unconfirmed() {
        facts.course = course(&facts);
    }
    facts
}

fn path(mut facts: Facts) -> (Vec<Step>, Course) {
    let mut path = Vec::new();
    while let Some(row) = next(&facts) {
        path.push(row.step);
        assert!(path.len() < 30, "does not end: {path:?}");
        facts = after(facts, row.step);
    }
    (path, facts.course)
}

/// What is known when it is taken up again.
fn resumed(facts: Facts, store: StoreState) -> Facts {
    let mut resumed = Facts {
        fresh: false,
        compared: false,
        verified: false,
        overlapped: false,
        overlapped_back: false,
        deploy_done: false,
        redeployed: false,
        rename_tried: false,
        settle_tried: false,
        retired: false,
        old_at_hand: false,
        store,
        ..facts
    };
    resumed.course = course(&resumed);
    resumed
}

#[test]
fn a_rotation_in_which_all_goes_well() {
    use Step::{Compare, Create, Deploy, Overlap, Rename, Retire, Store, Unmark, Verify};
    let usual = [Create, Compare, Store, Deploy, Verify, Overlap, Retire, Rename];
    assert_eq!(path(start(true)), (usual.to_vec(), Course::Forward));
    let marked = Facts { old_is_marked: true, ..start(true) };
    assert_eq!(path(marked).0, [&usual[..], &[Unmark]].concat());
}

#[test]
fn every_step_that_changes_something_for_the_workload_is_undone_by_one_of_the_way_back() {
    for row in STEPS {
        if let Some(undo) = row.undone_by {
            let undo = STEPS.iter().find(|other| other.step == undo).unwrap();
            assert_eq!(undo.courses, BACK, "{}", row.step);
        }
        assert!(!row.shown.is_empty());
    }
}

/// What a failure at this row may leave behind, its effect done or not.
fn failed(row: &Row, facts: Facts) -> Vec<Facts> {
    let mut all = Vec::new();
    for effect in [facts, after(facts, row.step)] {
        let mut failed = effect;
        match row.step {
            Step::Store => {
                failed.stored = true;
                failed.store = unconfirmed(Which::New);
                let acknowledged = failed.store.acknowledge(Duration::ZERO);
                all.push(Facts { store: acknowledged, ..failed });
            }
            Step::Restore => failed.store = unconfirmed(Which::Old),
            Step::Deploy => failed.deployed = true,
            Step::Create => failed.unsettled = true,
            Step::Rename => failed.rename_tried = true,
            Step::Settle => failed.settle_tried = true,
            _ => {}
        }
        failed.course = match facts.course {
            Course::Forward if !effect.retiring => Course::Back,
            _ => Course::Attention,
        };
        all.push(failed);
        if row.step == Step::Store || row.step == Step::Restore {
            for holds in [Holds::Old, Holds::New, Holds::Debris, Holds::Foreign] {
                all.push(Facts { store: StoreState::Confirmed(holds), ..failed });
            }
        }
    }
    all
}

/// Every state that the steps lead to, with a failure put in at every one of them; and for those in
/// which a person has to choose, the steps that have failed.
fn reachable() -> HashMap<Facts, HashSet<Step>> {
    let mut seen: HashMap<Facts, HashSet<Step>> = HashMap::new();
    let mut open: Vec<(Facts, Option<Step>)> =
        starts().into_iter().map(|facts| (facts, None)).collect();
    while let Some((facts, cause)) = open.pop() {
        let new = !seen.contains_key(&facts);
        seen.entry(facts).or_default().extend(cause);
        let Some(row) = next(&facts).filter(|_| new) else { continue };
        open.push((after(facts, row.step), None));
        // What is left in any case turns nothing round.
        let turns = facts.course != Course::Attention
            && !matches!(row.step, Step::Rename | Step::Settle | Step::Unmark);
        let cause =
            |failed: &Facts| (turns && failed.course == Course::Attention).then_some(row.step);
        for failed in failed(row, facts) {
            open.push((failed, cause(&failed)));
            let said = STORE_HOLDS.iter().filter(|_| failed.course == Course::Attention);
            open.extend(said.filter_map(|way| Some((resolved(failed, *way)?, None))));
            open.push((resumed(failed, failed.store), None));
        }
    }
    seen
}

#[test]
fn every_state_leads_to_an_end_and_never_past_the_point_of_no_return() {
    let seen = reachable();
    for facts in seen.keys() {
        match next(facts).map(|row| row.step) {
            Some(Step::Remove) => assert!(
                facts.store != StoreState::Confirmed(Holds::New)
                    && !facts.retiring
                    && !facts.store.is_unconfirmed()
                    && facts.course == Course::Back
            ),
            Some(Step::Retire) => assert!(
                facts.store == StoreState::Confirmed(Holds::New) && facts.course == Course::Forward
            ),
            Some(Step::Restore) => assert!(!facts.retiring),
            _ => {}
        }
        if facts.retiring {
            assert_ne!(facts.course, Course::Back);
        }
        path(*facts);
    }
    assert!(seen.len() > 100, "{}", seen.len());
}

/// What becomes of a rotation that is resumed with this way out, after this step has failed.
fn resolved(facts: Facts, way: Resolution) -> Option<Facts> {
    let holds = match way {
        Resolution::StoreHolds(StoreHolds::Old) => Some(Holds::Old),
        Resolution::StoreHolds(StoreHolds::New) => Some(Holds::New),
        Resolution::StoreHolds(StoreHolds::Other) => Some(Holds::Foreign),
        _ => None,
    };
    if let Some(holds) = holds {
        let foreign = holds == Holds::Foreign;
        let stored = facts.stored || holds == Holds::New;
        let said = Facts { foreign_by_word: foreign, stored, ..facts };
        let said = Facts { retiring: said.retiring && !foreign, ..said };
        return Some(resumed(said, StoreState::Confirmed(holds)));
    }
    match way {
        Resolution::GiveUp => None,
        Resolution::Deployed => {
            let resumed = resumed(facts, facts.store);
            Some(Facts { deploy_done: true, redeployed: true, ..resumed })
        }
        _ => Some(resumed(facts, facts.store)),
    }
}

/// The steps of a path, of which one fails for ever: then it ends there, in need of attention.
fn ends_without(facts: Facts, broken: Option<Step>) -> bool {
    let (steps, course) = path(facts);
    course != Course::Attention && !steps.iter().any(|step| Some(*step) == broken)
}

/// No wedge: from every state in which a person has to choose, one of the ways out that the failed
/// step names, other than that it is given up, leads to the end of one of the two ways. What has
/// failed goes on failing, but for hooks, which are replaced; only a step that names nothing is
/// tried again.
#[test]
fn from_every_state_some_named_resolution_leads_to_an_end() {
    let (mut wedged, mut all) = (Vec::new(), 0);
    for (facts, causes) in reachable() {
        for cause in causes {
            all += 1;
            let rows = STEPS.iter().filter(|row| row.step == cause);
            let mut named: Vec<Resolution> = rows.flat_map(|row| row.ways_out).copied().collect();
            // What is not known when it is resumed is asked for then.
            let again = resumed(facts, facts.store);
            if again.course == Course::Attention {
                let words = [StoreHolds::Old, StoreHolds::New, StoreHolds::Other];
                named.extend(words.map(Resolution::StoreHolds));
            }
            if named.is_empty() {
                named.push(Resolution::Retry);
            }
            let ends = |way: &Resolution| {
                let replaced = matches!(way, Resolution::Deploy | Resolution::Verify);
                let broken = (!replaced && *way != Resolution::Retry).then_some(cause);
                resolved(facts, *way).is_some_and(|facts| ends_without(facts, broken))
            };
            if !named.iter().any(ends) {
                wedged.push((cause, facts));
            }
        }
    }
    assert!(all > 100, "{all}");
    assert!(wedged.is_empty(), "{} of {all}, the first: {:?}", wedged.len(), wedged[0]);
}

/// A crash anywhere, and what the store turns out to hold then.
#[test]
fn a_resumption_ends_whatever_the_store_holds() {
    for facts in reachable().into_keys() {
        for store in [
            facts.store,
            unconfirmed(Which::New),
            StoreState::Confirmed(Holds::Old),
            StoreState::Confirmed(Holds::New),
            StoreState::Confirmed(Holds::Debris),
            StoreState::Confirmed(Holds::Foreign),
        ] {
            path(resumed(facts, store));
        }
    }
}
