//! The rotation's state machine: what is known in, the next step out. Pure, so that every state can
//! be put before it.

use super::guard::Holds;

/// Where a rotation is heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Course {
    /// To the new key.
    #[default]
    Forward,
    /// To the state before it began.
    Back,
    /// Nowhere: a person has to look, and nothing that a workload may hold is touched.
    Hold,
}

/// Everything that the next step depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Facts {
    pub(crate) course: Course,
    /// The server's own rotation was begun, so that the old key may bear a marker.
    pub(crate) old_is_marked: bool,
    /// The replacement exists and its id is in the journal.
    pub(crate) adopted: bool,
    pub(crate) compared: bool,
    pub(crate) holds: Holds,
    /// A write of the new key to the store was begun.
    pub(crate) touched: bool,
    /// A write to the store may still land.
    pub(crate) late: bool,
    /// The workload was, or may have been, deployed with the new key.
    pub(crate) deployed: bool,
    /// The deploy hook has ended well for the new key, in this process.
    pub(crate) deploy_done: bool,
    /// The workload was deployed with the old key again.
    pub(crate) redeployed: bool,
    pub(crate) has_deploy: bool,
    pub(crate) verified: bool,
    pub(crate) overlapped: bool,
    /// Renaming was tried, whatever came of it.
    pub(crate) rename_tried: bool,
    pub(crate) retiring: bool,
    pub(crate) retired: bool,
    /// The replacement was deleted.
    pub(crate) removed: bool,
    /// There are markers under which a key may still appear.
    pub(crate) unsettled: bool,
    /// Settling was tried, whatever came of it.
    pub(crate) settle_tried: bool,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Create,
    Compare,
    Store,
    Deploy,
    Verify,
    Overlap,
    Rename,
    /// Waits until a write that may still land has landed, and looks again.
    SettleStore,
    Retire,
    /// Finds out what the store holds.
    Look,
    Restore,
    Redeploy,
    /// Deletes the replacement.
    Remove,
    Settle,
    /// Gives the old key its name back.
    Unmark,
    Finish,
}

/// What to do next.
pub(crate) fn next(facts: &Facts) -> Action {
    match facts.course {
        Course::Forward => forward(facts),
        Course::Back => back(facts),
        Course::Hold => tidy(facts),
    }
}

fn forward(facts: &Facts) -> Action {
    match () {
        () if !facts.adopted => Action::Create,
        // A rotation that was resumed after its retirement began only goes forward.
        () if !facts.compared && !facts.retiring => Action::Compare,
        () if facts.holds != Holds::New => Action::Store,
        () if !facts.deploy_done && facts.has_deploy && !facts.retiring => Action::Deploy,
        () if !facts.verified && !facts.retiring => Action::Verify,
        () if !facts.overlapped && !facts.retiring => Action::Overlap,
        () if facts.late => Action::SettleStore,
        () if !facts.retired => Action::Retire,
        // The marker stays until the old key is gone: to a rival it says that this one is under way.
        () if !facts.rename_tried => Action::Rename,
        () => tidy(facts),
    }
}

fn back(facts: &Facts) -> Action {
    if !facts.adopted || facts.removed {
        return tidy(facts);
    }
    match () {
        () if facts.touched && facts.holds == Holds::Unknown => Action::Look,
        () if facts.holds == Holds::New => Action::Restore,
        // The workload is deployed with what the store will go on holding.
        () if facts.late => Action::SettleStore,
        () if facts.deployed && !facts.redeployed => Action::Redeploy,
        () => Action::Remove,
    }
}

/// What is left in any case: keys that may have been made and that nobody holds, and names.
fn tidy(facts: &Facts) -> Action {
    match () {
        () if facts.unsettled && !facts.settle_tried => Action::Settle,
        // Until all is settled a late rotation copies the old key's name, which must be the marker.
        () if facts.old_is_marked && !facts.unsettled => Action::Unmark,
        () => Action::Finish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(has_deploy: bool) -> Facts {
        Facts { holds: Holds::Old, has_deploy, ..Facts::default() }
    }

    /// What a step that succeeds makes of the facts.
    fn after(mut facts: Facts, action: Action) -> Facts {
        match action {
            Action::Create => facts.adopted = true,
            Action::Compare => facts.compared = true,
            Action::Store => (facts.touched, facts.holds) = (true, Holds::New),
            Action::Deploy => (facts.deployed, facts.deploy_done) = (true, true),
            Action::Verify => facts.verified = true,
            Action::Overlap => facts.overlapped = true,
            Action::Rename => facts.rename_tried = true,
            Action::SettleStore => facts.late = false,
            Action::Retire => (facts.retiring, facts.retired) = (true, true),
            Action::Look => facts.holds = Holds::Old,
            Action::Restore => facts.holds = Holds::Old,
            Action::Redeploy => facts.redeployed = true,
            Action::Remove => facts.removed = true,
            Action::Settle => (facts.unsettled, facts.settle_tried) = (false, true),
            Action::Unmark => facts.old_is_marked = false,
            Action::Finish => {}
        }
        facts
    }

    fn path(mut facts: Facts) -> Vec<Action> {
        let mut path = Vec::new();
        loop {
            let action = next(&facts);
            path.push(action);
            assert!(path.len() < 30, "does not end: {path:?}");
            if action == Action::Finish {
                return path;
            }
            facts = after(facts, action);
        }
    }

    #[test]
    fn a_rotation_in_which_all_goes_well() {
        use Action::{
            Compare, Create, Deploy, Finish, Overlap, Rename, Retire, Store, Unmark, Verify,
        };
        let usual = [Create, Compare, Store, Deploy, Verify, Overlap, Retire, Rename];
        assert_eq!(path(start(true)), [&usual[..], &[Finish]].concat());
        let marked = Facts { old_is_marked: true, ..start(true) };
        assert_eq!(path(marked), [&usual[..], &[Unmark, Finish]].concat());
    }

    /// From every state that the steps lead to, with a failure put in at every one of them.
    #[test]
    fn every_state_leads_to_an_end_and_never_past_the_point_of_no_return() {
        use std::collections::HashSet;
        let mut seen = HashSet::new();
        let mut open: Vec<Facts> = [(false, false), (false, true), (true, false), (true, true)]
            .map(|(deploy, old_is_marked)| Facts { old_is_marked, ..start(deploy) })
            .to_vec();
        while let Some(facts) = open.pop() {
            if !seen.insert(facts) {
                continue;
            }
            let action = next(&facts);
            match action {
                Action::Remove => assert!(
                    facts.holds != Holds::New
                        && !facts.retiring
                        && !facts.late
                        && facts.course == Course::Back
                ),
                Action::Retire => assert!(
                    facts.holds == Holds::New && !facts.late && facts.course == Course::Forward
                ),
                Action::Restore => assert!(!facts.retiring),
                _ => {}
            }
            if facts.retiring {
                assert_ne!(facts.course, Course::Back);
            }
            path(facts);
            if action == Action::Finish {
                continue;
            }
            let done = after(facts, action);
            open.push(done);
            // The failure of a step, its effect done or not.
            for effect in [facts, done] {
                let mut failed = effect;
                match action {
                    Action::Store => (failed.touched, failed.late) = (true, true),
                    Action::Deploy => failed.deployed = true,
                    Action::Create => failed.unsettled = true,
                    Action::Rename => failed.rename_tried = true,
                    Action::Settle => failed.settle_tried = true,
                    _ => {}
                }
                failed.course = match facts.course {
                    Course::Forward if !effect.retiring => Course::Back,
                    _ => Course::Hold,
                };
                open.push(failed);
                if action == Action::Store {
                    open.push(Facts { holds: Holds::Unknown, ..failed });
                }
            }
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }
}
