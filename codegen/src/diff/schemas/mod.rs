//! Two schemas: what differs in them, and everywhere below them.
//!
//! One pair of schemas is compared by its own facts only; what lies below is the next pairs. So a pair is compared once
//! for each way, however often it is used, and a walk over the pairs, shortest path first, ends on recursive schemas.

mod difference;
mod pair;
mod unions;

use super::effect::{Effect, Way};
use super::read::{Node, Source};
pub(super) use difference::{Difference, Site};
use difference::{Local, Sources};
use pair::{Comparison, nullability};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

type Pair = (Vec<usize>, Vec<usize>, Way);

/// Unions inside unions that are being matched at once.
const NESTED: usize = 40;
/// The comparison of all schemas of two documents.
pub(super) struct Schemas<'s, 'a> {
    pub(super) old: &'s Source<'a>,
    pub(super) new: &'s Source<'a>,
    known: HashMap<Pair, Rc<Local<'a>>>,
    under_way: HashSet<Pair>,
}

impl<'s, 'a> Schemas<'s, 'a> {
    pub(super) fn new(old: &'s Source<'a>, new: &'s Source<'a>) -> Self {
        Self { old, new, known: HashMap::new(), under_way: HashSet::new() }
    }

    fn sources(&self) -> Sources<'s, 'a> {
        Sources { old: self.old, new: self.new }
    }

    /// Everything that differs between two schemas, each pair of schemas at the place nearest to the top.
    pub(super) fn compare(
        &mut self,
        way: Way,
        old: &Node<'a>,
        new: &Node<'a>,
    ) -> Vec<Difference<'a>> {
        let mut found: Vec<_> =
            nullability(self.sources(), way, old, new, String::new()).into_iter().collect();
        let mut seen = HashSet::from([(old.key(), new.key())]);
        let mut waiting = VecDeque::from([(String::new(), old.clone(), new.clone())]);
        while let Some((path, old, new)) = waiting.pop_front() {
            let local = self.local(way, &old, &new);
            found.extend(local.differences.iter().map(|difference| Difference {
                path: joined(&path, &difference.path),
                ..difference.clone()
            }));
            for (step, old, new) in &local.below {
                if seen.insert((old.key(), new.key())) {
                    waiting.push_back((joined(&path, step), old.clone(), new.clone()));
                }
            }
        }
        found
    }

    /// Whether two schemas differ in words at most.
    pub(super) fn same(&mut self, way: Way, old: &Node<'a>, new: &Node<'a>) -> bool {
        let mut seen = HashSet::from([(old.key(), new.key())]);
        let mut waiting = vec![(old.clone(), new.clone())];
        while let Some((old, new)) = waiting.pop() {
            if self.under_way.contains(&(old.key(), new.key(), way)) {
                continue;
            }
            if self.under_way.len() > NESTED {
                return false;
            }
            let local = self.local(way, &old, &new);
            if local.differences.iter().any(|it| it.effects.callers != Effect::Documentation) {
                return false;
            }
            for (_, old, new) in &local.below {
                if seen.insert((old.key(), new.key())) {
                    waiting.push((old.clone(), new.clone()));
                }
            }
        }
        true
    }

    fn local(&mut self, way: Way, old: &Node<'a>, new: &Node<'a>) -> Rc<Local<'a>> {
        let pair = (old.key(), new.key(), way);
        if let Some(known) = self.known.get(&pair) {
            return Rc::clone(known);
        }
        self.under_way.insert(pair.clone());
        let (before, now) = (self.old.schema(old), self.new.schema(new));
        let comparison = Comparison {
            way,
            site: new.site().map(Site::New).or(old.site().map(Site::Old)),
            sources: self.sources(),
            old: &before,
            new: &now,
            found: Local::default(),
        };
        let local = Rc::new(comparison.run(&mut |old, new| self.same(way, old, new)));
        self.under_way.remove(&pair);
        self.known.insert(pair, Rc::clone(&local));
        local
    }
}

fn joined(path: &str, step: &str) -> String {
    let joined = format!("{path}{step}");
    joined.strip_prefix('.').map(str::to_owned).unwrap_or(joined)
}
