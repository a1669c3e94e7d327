//! The places that a query selects, and what its filters hold true.

use super::compare::{holds, length};
use super::query::{Operand, Query, Segment, Selector, Step, Test};
use regex::RegexBuilder;
use serde_json::Value;
use std::borrow::Cow;

/// Where the segments lead from `root`, as often as they do.
pub(super) fn places(segments: &[Segment], root: &Value) -> Vec<Vec<Step>> {
    let mut places = Vec::new();
    let mut found = |way: &[Way<'_>], _: &Value| {
        places.push(way.iter().map(|step| step.to_step()).collect());
    };
    walk(segments, root, root, &mut Vec::new(), &mut found);
    places
}

/// A [`Step`], borrowed from the value.
#[derive(Clone, Copy)]
enum Way<'v> {
    Key(&'v str),
    Index(usize),
}

impl Way<'_> {
    fn to_step(self) -> Step {
        match self {
            Self::Key(key) => Step::Key(key.to_owned()),
            Self::Index(index) => Step::Index(index),
        }
    }
}

type Member<'v> = (Way<'v>, &'v Value);

/// Follows the segments from `value` to every end. Each goes at least one level down, so that the
/// recursion is no deeper than the value.
fn walk<'v>(
    segments: &[Segment],
    root: &'v Value,
    value: &'v Value,
    way: &mut Vec<Way<'v>>,
    found: &mut dyn FnMut(&[Way<'v>], &'v Value),
) {
    let Some((segment, rest)) = segments.split_first() else { return found(way, value) };
    let mut follow = |segments: &[Segment], (step, member): Member<'v>| {
        way.push(step);
        walk(segments, root, member, way, found);
        way.pop();
    };
    for selector in &segment.selectors {
        selected(selector, root, value).into_iter().for_each(|member| follow(rest, member));
    }
    if segment.descends {
        members(value).into_iter().for_each(|member| follow(segments, member));
    }
}

fn members(value: &Value) -> Vec<Member<'_>> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, item)| (Way::Index(at), item)).collect()
        }
        Value::Object(members) => {
            members.iter().map(|(key, member)| (Way::Key(key), member)).collect()
        }
        _ => Vec::new(),
    }
}

fn selected<'v>(selector: &Selector, root: &'v Value, value: &'v Value) -> Vec<Member<'v>> {
    let at = |index: usize| Some((Way::Index(index), value.get(index)?));
    match (selector, value) {
        (Selector::Wildcard, _) => members(value),
        (Selector::Filter(test), _) => {
            let mut members = members(value);
            members.retain(|(_, member)| passes(test, root, member));
            members
        }
        (Selector::Name(name), Value::Object(members)) => {
            let member = members.get_key_value(name);
            member.map(|(key, member)| (Way::Key(key), member)).into_iter().collect()
        }
        (Selector::Index(index), Value::Array(items)) => {
            let index = usize::try_from(from_start(*index, items.len()));
            index.ok().and_then(at).into_iter().collect()
        }
        (Selector::Slice { start, end, step }, Value::Array(items)) => {
            slice(*start, *end, *step, items.len()).into_iter().filter_map(at).collect()
        }
        _ => Vec::new(),
    }
}

fn from_start(index: i64, length: usize) -> i64 {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if index < 0 { index.saturating_add(length) } else { index }
}

fn slice(start: Option<i64>, end: Option<i64>, step: i64, length: usize) -> Vec<usize> {
    let last = i64::try_from(length).unwrap_or(i64::MAX);
    let within = |index: Option<i64>, low, high, default| {
        index.map_or(default, |index| from_start(index, length).clamp(low, high))
    };
    let mut chosen = Vec::new();
    if step > 0 {
        let (mut at, end) = (within(start, 0, last, 0), within(end, 0, last, last));
        while at < end {
            chosen.push(at);
            at = at.saturating_add(step);
        }
    } else if step < 0 {
        let mut at = within(start, -1, last - 1, last - 1);
        let end = within(end, -1, last - 1, -1);
        while at > end {
            chosen.push(at);
            at = at.saturating_add(step);
        }
    }
    chosen.into_iter().filter_map(|at| usize::try_from(at).ok()).collect()
}

/// Whether a member passes a filter's test.
fn passes(test: &Test, root: &Value, member: &Value) -> bool {
    match test {
        Test::Any(tests) => tests.iter().any(|test| passes(test, root, member)),
        Test::All(tests) => tests.iter().all(|test| passes(test, root, member)),
        Test::Not(test) => !passes(test, root, member),
        Test::Exists(query) => !values(query, root, member).is_empty(),
        Test::Compare(left, comparison, right) => {
            let (left, right) = (operand(left, root, member), operand(right, root, member));
            holds(left.as_deref(), *comparison, right.as_deref())
        }
        Test::Matches { text, pattern, whole } => {
            let (text, pattern) = (operand(text, root, member), operand(pattern, root, member));
            match (text.as_deref(), pattern.as_deref()) {
                (Some(Value::String(text)), Some(Value::String(pattern))) => {
                    matches(text, pattern, *whole)
                }
                _ => false,
            }
        }
    }
}

/// A pattern that is none matches nothing, as the standard has it.
fn matches(text: &str, pattern: &str, whole: bool) -> bool {
    let pattern = if whole { format!(r"\A(?:{pattern})\z") } else { pattern.to_owned() };
    RegexBuilder::new(&pattern).crlf(true).build().is_ok_and(|pattern| pattern.is_match(text))
}

fn operand<'a>(operand: &'a Operand, root: &'a Value, member: &'a Value) -> Option<Cow<'a, Value>> {
    match operand {
        Operand::Literal(value) => Some(Cow::Borrowed(value)),
        Operand::Value(query) => match values(query, root, member)[..] {
            [value] => Some(Cow::Borrowed(value)),
            _ => None,
        },
        Operand::Length(inner) => {
            let value = self::operand(inner, root, member)?;
            length(&value).map(|length| Cow::Owned(length.into()))
        }
        Operand::Count(query) => Some(Cow::Owned(values(query, root, member).len().into())),
    }
}

fn values<'v>(query: &Query, root: &'v Value, member: &'v Value) -> Vec<&'v Value> {
    let mut values = Vec::new();
    let from = if query.relative { member } else { root };
    walk(&query.segments, root, from, &mut Vec::new(), &mut |_, value| values.push(value));
    values
}
