//! Circles among files.

use super::resolve::Imports;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A shortest circle through each file that lies on one, with no file in two of them.
pub(super) fn circles(imports: &Imports) -> Vec<Vec<&str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in imports.keys() {
        next.entry(from).or_default().insert(to);
    }
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for file in next.keys() {
        if seen.contains(file) {
            continue;
        }
        if let Some(circle) = shortest(file, &next) {
            seen.extend(circle.iter().copied());
            circles.push(circle);
        }
    }
    circles
}

fn shortest<'a>(
    start: &'a str,
    next: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for &to in next.get(file).into_iter().flatten() {
            if to == start {
                let mut circle = vec![start, file];
                while circle[circle.len() - 1] != start {
                    circle.push(before[circle[circle.len() - 1]]);
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(to) {
                before.insert(to, file);
                waiting.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_shown_once_and_shortest() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "d"), ("d", "b"), ("e", "a")];
        let imports: Imports = edges
            .iter()
            .map(|(from, to)| (((*from).to_owned(), (*to).to_owned()), String::new()))
            .collect();
        assert_eq!(circles(&imports), [vec!["a", "b", "c", "a"], vec!["d", "b", "d"]]);
    }
}
