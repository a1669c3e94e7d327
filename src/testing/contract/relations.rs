//! What holds between the fields of an object, or the parameters of an operation.

use serde_json::{Map, Value};

use super::document::{Relations, Sets};

/// What is wrong, a sentence each.
pub(super) fn broken(relations: &Relations, fields: &Map<String, Value>) -> Vec<String> {
    let there = |group: &&Vec<String>| group.iter().any(|term| holds(fields, term));
    let exclusive: Vec<String> =
        relations.exclusive.iter().filter(there).map(|group| names(group, " and ")).collect();
    let mut wrong = Vec::new();
    if exclusive.len() > 1 {
        wrong.push(format!("{} exclude each other", exclusive.join(" and ")));
    }
    for group in &relations.excluded {
        if group.iter().all(|term| holds(fields, term)) {
            wrong.push(format!("{} exclude each other", names(group, " and ")));
        }
    }
    for (left, right) in &relations.requires {
        if holds(fields, left) && !holds(fields, right) {
            wrong.push(format!("{left} needs {right}"));
        }
    }
    wrong
}

/// What is wrong with the sets of which one must be there.
pub(super) fn unmet(sets: &Sets, fields: &Map<String, Value>) -> Option<String> {
    let there = |set: &&Vec<String>| set.iter().all(|name| fields.contains_key(name));
    let count = sets.sets.iter().filter(there).count();
    let is_met = if sets.exactly { count == 1 } else { count > 0 };
    let all: Vec<String> = sets.sets.iter().map(|set| names(set, " and ")).collect();
    let how = if sets.exactly { "exactly" } else { "at least" };
    (!is_met).then(|| format!("{how} one of {} must be there", all.join(", ")))
}

/// Takes out of an object what may not stand beside the rest; of sets, the one stays that is known.
pub(super) fn settle(
    relations: &Relations,
    sets: Option<&Sets>,
    known: Option<&Value>,
    fields: &mut Map<String, Value>,
) {
    if let Some(Sets { exactly: true, sets }) = sets {
        let is_known = |set: &&Vec<String>| {
            set.iter().all(|name| known.is_some_and(|known| known.get(name).is_some()))
        };
        let own = sets.iter().find(is_known).or(sets.first()).cloned().unwrap_or_default();
        for name in sets.iter().flatten().filter(|name| !own.contains(name)) {
            fields.remove(name);
        }
    }
    let mut one = false;
    for group in &relations.exclusive {
        if one {
            group.iter().for_each(|term| leave(fields, term));
        }
        one |= group.iter().any(|term| holds(fields, term));
    }
    for group in &relations.excluded {
        if group.iter().all(|term| holds(fields, term)) {
            group.iter().skip(1).for_each(|term| leave(fields, term));
        }
    }
    // What is taken out may have been needed.
    for _ in 0..relations.requires.len() {
        for (left, right) in &relations.requires {
            if !holds(fields, right) {
                leave(fields, left);
            }
        }
    }
}

/// Whether `name` is there and not null, or there with the value of `name=value`.
fn holds(fields: &Map<String, Value>, term: &str) -> bool {
    let (name, wanted) = term.split_once('=').unwrap_or((term, ""));
    match fields.get(name) {
        None | Some(Value::Null) => false,
        Some(_) if wanted.is_empty() => true,
        Some(Value::Bool(value)) => value.to_string() == wanted,
        Some(value) => value == wanted,
    }
}

fn leave(fields: &mut Map<String, Value>, term: &str) {
    if holds(fields, term) {
        fields.remove(term.split('=').next().unwrap_or_default());
    }
}

fn names(terms: &[String], between: &str) -> String {
    terms.join(between)
}
