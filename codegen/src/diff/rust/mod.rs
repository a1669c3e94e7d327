//! Two generated clients, item by item: what a change of the document does to those who compile
//! against this crate. Nothing is guessed: both clients are generated and read.

mod items;

use std::collections::BTreeMap;

use syn::File;

use super::effect::Effect;
use crate::surface::Surface;
use items::{Item, Items};

/// A change of one item.
pub(super) struct Change {
    /// The item's path.
    pub(super) item: String,
    pub(super) message: String,
    pub(super) effect: Effect,
}

/// What changed from one client to the next, the breaking changes first.
pub(super) fn compare(old: (&File, &Surface), new: (&File, &Surface)) -> Vec<Change> {
    let (old, new) = (items::read(old.0, old.1), items::read(new.0, new.1));
    let mut changes = Vec::new();
    for (path, was) in &old {
        match new.get(path) {
            Some(is) => changed(path, was, is, &mut changes),
            None if gone_with_owner(was, &new) => {}
            None => changes.push(change(path, Effect::Breaking, "removed".to_owned())),
        }
    }
    for (path, is) in &new {
        if old.contains_key(path) || gone_with_owner(is, &old) {
            continue;
        }
        let owner = is.owner.as_ref().and_then(|owner| old.get(owner));
        let effect = match owner {
            Some(owner) if is.is_member && !owner.open => Effect::Breaking,
            _ => Effect::Additive,
        };
        changes.push(change(path, effect, "added".to_owned()));
    }
    changes.sort_by(|one, other| (one.effect, &one.item).cmp(&(other.effect, &other.item)));
    changes
}

fn change(path: &str, effect: Effect, message: String) -> Change {
    Change { item: path.to_owned(), message, effect }
}

/// Whether the item that this one belongs to is not there either, which says it all.
fn gone_with_owner(item: &Item, other: &Items) -> bool {
    item.owner.as_ref().is_some_and(|owner| !other.contains_key(owner))
}

fn changed(path: &str, was: &Item, is: &Item, changes: &mut Vec<Change>) {
    if was.shape != is.shape {
        let what = format!("is `{}`, was `{}`", is.shape, was.shape);
        changes.push(change(path, Effect::Breaking, what));
    } else if was.open && !is.open {
        changes.push(change(path, Effect::Breaking, "may no longer grow".to_owned()));
    } else if was.arguments != is.arguments && sorted(&was.arguments) == sorted(&is.arguments) {
        let what = format!("arguments in another order: {}", is.arguments.join(", "));
        changes.push(change(path, Effect::Breaking, what));
    }
    if let (Some(was), Some(is)) = (&was.wire, &is.wire)
        && was != is
    {
        changes.push(change(path, Effect::Breaking, format!("stands for {is} instead of {was}")));
    }
}

fn sorted(names: &[String]) -> BTreeMap<&String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
