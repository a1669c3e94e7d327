//! The one table of steps: adding a step is adding a row, and what it does is a function beside the
//! others of this folder.
//!
//! The next step is the first row that is due in the present course. Before it is done it is
//! checked, then the line that announces it is written into the journal.

use std::fmt;

use futures_core::future::BoxFuture;

use super::core::{Asks, Engine, STORE_HOLDS};
use super::facts::{Course, Facts};
use super::step_error::Done;
use crate::rotation::evidence::held::{Holds, StoreState, Which};
use crate::rotation::journal::record::Record;
use crate::rotation::report::{Resolution, Step};

type Work = for<'a> fn(&'a mut Engine) -> BoxFuture<'a, Done>;

/// A step: when it is due, what it does, and what is written down.
pub(super) struct Row {
    pub(super) step: Step,
    /// How it is shown.
    pub(super) shown: &'static str,
    pub(super) courses: &'static [Course],
    due: fn(&Facts) -> bool,
    pub(super) asks: Asks,
    /// What is looked at before anything is done. It changes nothing.
    pub(super) check: Option<Work>,
    /// The line before it; only when it is on the disk is the step done.
    pub(super) before: Option<fn(&Engine) -> Option<Record>>,
    pub(super) work: Work,
    /// The line after it.
    pub(super) after: Option<fn(&Engine) -> Option<Record>>,
    /// The step that undoes it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and held by a test"))]
    pub(super) undone_by: Option<Step>,
    /// The ways out when it fails and a person has to choose, beside trying again and giving up.
    pub(super) ways_out: &'static [Resolution],
}

const FORWARD: &[Course] = &[Course::Forward];
pub(super) const BACK: &[Course] = &[Course::Back];
const END: &[Course] = &[Course::Forward, Course::Back, Course::Attention];
const DEPLOY: &[Resolution] = &[Resolution::Deploy, Resolution::Deployed];

/// What is left in any case: only when the rest is over.
fn is_over(facts: &Facts) -> bool {
    match facts.course {
        Course::Forward => facts.rename_tried,
        Course::Back => !facts.undoing(),
        Course::Undecided => false,
        Course::Attention => true,
    }
}

pub(super) const STEPS: &[Row] = &[
    Row {
        step: Step::Create,
        shown: "create the new key",
        courses: FORWARD,
        due: |facts| !facts.adopted,
        asks: Asks::Caller,
        check: None,
        // Several attempts, each under a marker of its own: it writes its lines itself.
        before: None,
        work: |engine| Box::pin(engine.create()),
        after: None,
        undone_by: Some(Step::Remove),
        ways_out: &[],
    },
    Row {
        step: Step::Compare,
        shown: "compare it with the old one",
        courses: FORWARD,
        // A rotation that is resumed after its retirement began only goes forward.
        due: |facts| !facts.compared && !facts.retiring,
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.compare()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
    Row {
        step: Step::Store,
        shown: "store the new key",
        courses: FORWARD,
        due: |facts| facts.store.is_as_before() && !facts.retiring,
        asks: Asks::Caller,
        check: Some(|engine| Box::pin(engine.check_store())),
        before: Some(|_| Some(Record::Storing { key: Which::New })),
        work: |engine| Box::pin(engine.store()),
        after: None,
        undone_by: Some(Step::Restore),
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Confirm,
        shown: "read the store back",
        courses: &[Course::Forward, Course::Undecided],
        due: |facts| facts.store.is_unconfirmed(),
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.confirm()),
        after: None,
        undone_by: None,
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Deploy,
        shown: "deploy",
        courses: FORWARD,
        due: |facts| facts.has_deploy && !facts.deploy_done && !facts.retiring,
        asks: Asks::Caller,
        check: None,
        before: Some(|_| Some(Record::Deploying { key: Which::New })),
        work: |engine| Box::pin(engine.deploy()),
        after: None,
        undone_by: Some(Step::Redeploy),
        ways_out: DEPLOY,
    },
    Row {
        step: Step::Verify,
        shown: "verify the new key",
        courses: FORWARD,
        due: |facts| !facts.verified && !facts.retiring,
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.verify()),
        after: None,
        undone_by: None,
        ways_out: &[Resolution::Verify],
    },
    Row {
        step: Step::Overlap,
        shown: "let both keys work",
        courses: FORWARD,
        due: |facts| !facts.overlapped && !facts.retiring,
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.overlap()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
    Row {
        step: Step::Retire,
        shown: "retire the old key",
        courses: FORWARD,
        due: |facts| !facts.retired,
        asks: Asks::Successor,
        check: Some(|engine| Box::pin(engine.check_retire())),
        before: Some(|engine| (!engine.facts.retiring).then_some(Record::Retiring)),
        work: |engine| Box::pin(engine.retire()),
        after: None,
        // From here it only goes forward.
        undone_by: None,
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Rename,
        shown: "give the new key its name",
        courses: FORWARD,
        // The marker stays until the old key is gone: it says that this rotation is under way.
        due: |facts| !facts.rename_tried,
        asks: Asks::SuccessorOnceRetiring,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.rename()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
    Row {
        step: Step::Restore,
        shown: "put the old key back",
        courses: BACK,
        due: |facts| {
            let wrong = match facts.store {
                StoreState::Confirmed(holds) => matches!(holds, Holds::New | Holds::Debris),
                // Whatever it shows: the new key may show yet.
                StoreState::Unconfirmed { wrote, acknowledged, .. } => {
                    wrote == Which::New && acknowledged
                }
                StoreState::Untouched => false,
            };
            facts.undoing() && facts.stored && wrong
        },
        asks: Asks::Caller,
        check: Some(|engine| Box::pin(engine.check_restore())),
        before: Some(|engine| Some(Record::Storing { key: engine.restored() })),
        work: |engine| Box::pin(engine.restore()),
        after: None,
        undone_by: None,
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Confirm,
        shown: "read the store back",
        courses: BACK,
        // The workload is deployed with what the store will go on holding.
        due: |facts| facts.undoing() && facts.store.is_unconfirmed(),
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.confirm()),
        after: None,
        undone_by: None,
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Redeploy,
        shown: "deploy the old key again",
        courses: BACK,
        due: |facts| facts.undoing() && facts.deployed && !facts.redeployed,
        asks: Asks::Caller,
        check: None,
        before: Some(|_| Some(Record::Deploying { key: Which::Old })),
        work: |engine| Box::pin(engine.redeploy()),
        after: None,
        undone_by: None,
        ways_out: DEPLOY,
    },
    Row {
        step: Step::OverlapBack,
        shown: "let both keys work",
        courses: BACK,
        due: |facts| facts.undoing() && facts.stored && !facts.overlapped_back,
        asks: Asks::Caller,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.overlap_back()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
    Row {
        step: Step::Remove,
        shown: "delete the new key",
        courses: BACK,
        due: |facts| facts.undoing(),
        asks: Asks::Caller,
        check: Some(|engine| Box::pin(engine.check_remove())),
        before: None,
        work: |engine| Box::pin(engine.remove()),
        after: Some(|engine| engine.facts.removed.then_some(Record::Removed)),
        undone_by: None,
        ways_out: STORE_HOLDS,
    },
    Row {
        step: Step::Settle,
        shown: "look for keys made unseen",
        courses: END,
        due: |facts| is_over(facts) && facts.unsettled && !facts.settle_tried,
        asks: Asks::SuccessorOnceRetiring,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.settle()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
    Row {
        step: Step::Unmark,
        shown: "give the old key its name back",
        courses: END,
        // Until all is settled a late rotation copies the old key's name, which must be the marker.
        due: |facts| is_over(facts) && facts.old_is_marked && !facts.unsettled,
        asks: Asks::SuccessorOnceRetiring,
        check: None,
        before: None,
        work: |engine| Box::pin(engine.unmark()),
        after: None,
        undone_by: None,
        ways_out: &[],
    },
];

/// The next step; `None` at the end.
pub(super) fn next(facts: &Facts) -> Option<&'static Row> {
    STEPS.iter().find(|row| row.courses.contains(&facts.course) && (row.due)(facts))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = STEPS.iter().find(|row| row.step == *self);
        f.write_str(row.map_or("plan", |row| row.shown))
    }
}
