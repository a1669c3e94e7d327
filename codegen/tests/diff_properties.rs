//! What holds for the comparison of any two documents: nothing is found where nothing changed, however
//! it is spelled, and whatever changed is found.

mod diff_support;

use diff_support::generate::{Spelling, document};
use diff_support::mutate::mutations;
use diff_support::respell;
use diff_support::{ours, vendors};
use onkernel_codegen::diff::diff;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

fn nothing(old: &Value, new: &Value) -> Result<(), TestCaseError> {
    let there = diff(old, new);
    prop_assert!(there.is_empty(), "{}", there.to_text());
    let back = diff(new, old);
    prop_assert!(back.is_empty(), "{}", back.to_text());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_does_not_differ_from_itself(it in document(Spelling::Dialect31)) {
        nothing(&it, &it.clone())?;
    }

    #[test]
    fn order_says_nothing(it in document(Spelling::Dialect31)) {
        nothing(&it, &respell::reordered(&it))?;
    }

    #[test]
    fn schemas_may_be_named_or_not(it in document(Spelling::Dialect31), every in 1usize..4) {
        nothing(&it, &respell::extracted(&it, every))?;
        nothing(&it, &respell::wrapped(&it))?;
    }

    #[test]
    fn the_dialects_say_the_same(it in document(Spelling::Both)) {
        nothing(&it, &respell::as_3_0(&it))?;
    }

    #[test]
    fn any_single_change_is_found(it in document(Spelling::Dialect31), which in any::<Index>()) {
        let all = mutations(&it);
        let mutation = &all[which.index(all.len())];
        let changed = mutation.applied(&it);
        prop_assert!(!diff(&it, &changed).is_empty(), "{mutation:?} was missed");
        prop_assert!(!diff(&changed, &it).is_empty(), "undoing {mutation:?} was missed");
    }

    #[test]
    fn what_is_malformed_is_compared_nonetheless(
        it in document(Spelling::Dialect31), which in any::<Index>(), with in 0usize..6,
    ) {
        let broken = diff_support::mutate::broken(&it, which, with);
        let _ = diff(&it, &broken);
        let _ = diff(&broken, &it);
        prop_assert!(diff(&broken, &broken).is_empty());
    }
}

#[test]
fn every_change_of_our_document_is_found() {
    let ours = ours();
    let all = mutations(&ours);
    assert!(all.len() > 500, "{}", all.len());
    let missed: Vec<_> = all
        .iter()
        .filter(|mutation| diff(&ours, &mutation.applied(&ours)).is_empty())
        .map(|mutation| format!("{mutation:?}"))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn changes_of_the_vendors_document_are_found() {
    let Some(vendors) = vendors() else { return };
    assert!(diff(&vendors, &vendors).is_empty());
    let all = mutations(&vendors);
    // One in many, spread over the whole document.
    let step = all.len() / 40;
    for mutation in all.iter().step_by(step.max(1)) {
        assert!(!diff(&vendors, &mutation.applied(&vendors)).is_empty(), "{mutation:?} was missed");
    }
}

#[test]
fn spelling_the_vendors_document_otherwise_is_no_change() {
    let Some(vendors) = vendors() else { return };
    for other in
        [respell::reordered(&vendors), respell::wrapped(&vendors), respell::as_3_0(&vendors)]
    {
        let report = diff(&vendors, &other);
        assert!(report.is_empty(), "{}", report.to_text());
    }
}
