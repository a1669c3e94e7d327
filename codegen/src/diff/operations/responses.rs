//! Responses of two operations.

use super::comparison::{Comparison, MediaChange, Place};
use crate::diff::effect::{self, Effect, Effects, Shift, Way};
use crate::diff::read::{Operation, Source, address, media, responses};
use crate::diff::schemas::Site;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The headers from which a list operation gets its `stream()`.
const PAGING: [&str; 2] = ["x-has-more", "x-next-offset"];

impl<'a> Comparison<'_, 'a> {
    pub(super) fn responses(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let mut before = responses(self.schemas.old, old);
        let mut now = responses(self.schemas.new, new);
        // Pairs that share their schemas are told together.
        let mut pairs: Vec<(Vec<String>, &'a Value, &'a Value)> = Vec::new();
        let both: Vec<_> = before.keys().filter(|key| now.contains_key(*key)).cloned().collect();
        for status in both {
            if let Some((was, is)) = before.remove(&status).zip(now.remove(&status)) {
                self.words(&format!("response {status}"), was, is);
                self.headers(&status, was, is);
                let bodies = self.bodies(was, is);
                match pairs.iter_mut().find(|pair| self.bodies(pair.1, pair.2) == bodies) {
                    Some(pair) if is_success(&pair.0[0]) == is_success(&status) => {
                        pair.0.push(status);
                    }
                    _ => pairs.push((vec![status], was, is)),
                }
            }
        }
        self.success_moved(&mut before, &mut now, &mut pairs);
        for (status, was) in &before {
            let effect = match is_success(status) {
                false => Effect::Documentation,
                true => self.of_success(responses(self.schemas.new, new), Site::Old(was)),
            };
            self.gone(was, effect, format!("response {status} removed"));
        }
        for (status, is) in &now {
            let effect = match is_success(status) {
                // Every error is read into the same type, listed or not.
                false => Effect::Behaviour,
                true => self.of_success(responses(self.schemas.old, old), Site::New(is)),
            };
            self.at(is, effect, format!("response {status} added"));
        }
        for (statuses, was, is) in pairs {
            let success = statuses.iter().any(|status| is_success(status));
            let noun = if statuses.len() == 1 { "response" } else { "responses" };
            let noun = format!("{noun} {}", statuses.join(", "));
            let place = Place { whole: format!("{noun} body"), part: format!("{noun} property") };
            let none = |owner: &'a Value| {
                owner.get("content").and_then(Value::as_object).is_none_or(Map::is_empty)
            };
            let from_or_to_nothing = none(was) || none(is);
            self.media(Way::Response, &place, was, is, |change| match change {
                // What the method returns becomes another type.
                _ if success && from_or_to_nothing => Effect::Breaking.into(),
                MediaChange::Removed if success => Effect::Breaking.into(),
                _ => Effect::Behaviour.into(),
            });
        }
    }

    /// One success status for another: the same response under a new number, as far as the bodies go.
    pub(super) fn success_moved(
        &mut self,
        before: &mut BTreeMap<String, &'a Value>,
        now: &mut BTreeMap<String, &'a Value>,
        pairs: &mut Vec<(Vec<String>, &'a Value, &'a Value)>,
    ) {
        let sole = |responses: &BTreeMap<String, &'a Value>| {
            let mut statuses = responses.keys().filter(|status| is_success(status));
            statuses.next().filter(|_| statuses.next().is_none()).cloned()
        };
        let (Some(was), Some(is)) = (sole(before), sole(now)) else {
            return;
        };
        if let Some((old, new)) = before.remove(&was).zip(now.remove(&is)) {
            let what = format!("success status changed from {was} to {is}");
            self.at(new, Effect::Behaviour, what);
            self.words(&format!("response {is}"), old, new);
            self.headers(&is, old, new);
            pairs.push((vec![is], old, new));
        }
    }

    /// A success status came or went: what the method returns stays as it is only if another status of the other document
    /// has the same body.
    pub(super) fn of_success(
        &mut self,
        others: BTreeMap<String, &'a Value>,
        site: Site<'a>,
    ) -> Effect {
        let others: Vec<_> = others
            .into_iter()
            .filter(|(status, _)| is_success(status))
            .map(|(_, response)| response)
            .collect();
        let same = others.into_iter().any(|other| {
            let (old, new) = match site {
                Site::Old(value) => (value, other),
                Site::New(value) => (other, value),
            };
            let (old, new) = (media(self.schemas.old, old), media(self.schemas.new, new));
            old.keys().eq(new.keys())
                && old
                    .values()
                    .zip(new.values())
                    .all(|((_, old), (_, new))| self.schemas.same(Way::Response, old, new))
        });
        if same { Effect::Behaviour } else { Effect::Breaking }
    }

    /// An identity of the schemas of a pair of responses.
    pub(super) fn bodies(&self, old: &'a Value, new: &'a Value) -> [Vec<(String, Vec<usize>)>; 2] {
        let keys = |source: &Source<'a>, value: &'a Value| {
            media(source, value)
                .into_iter()
                // Responses without a schema are told one by one.
                .map(|(name, (value, node))| {
                    (name, if node.parts.is_empty() { vec![address(value)] } else { node.key() })
                })
                .collect()
        };
        [keys(self.schemas.old, old), keys(self.schemas.new, new)]
    }

    pub(super) fn headers(&mut self, status: &str, old: &'a Value, new: &'a Value) {
        let headers = |source: &Source<'a>, response: &'a Value| -> BTreeMap<String, &'a Value> {
            let headers = response.get("headers").and_then(Value::as_object);
            let headers = headers.into_iter().flatten();
            headers
                .map(|(name, header)| (name.to_ascii_lowercase(), source.deref(header)))
                .filter(|(name, _)| name != "content-type")
                .collect()
        };
        let (before, now) = (headers(self.schemas.old, old), headers(self.schemas.new, new));
        let place = |name: &str| format!("response {status} header `{name}`");
        for (name, was) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let paging = is_success(status) && PAGING.contains(&name.as_str());
            let effects = match paging {
                true => Effects::apart(Effect::Breaking, Effect::Behaviour),
                false => Effect::Behaviour.into(),
            };
            self.gone(was, effects, format!("{} removed", place(name)));
        }
        for (name, is) in now {
            let place = place(&name);
            let Some(was) = before.get(&name) else {
                self.at(is, Effect::Additive, format!("{place} added"));
                continue;
            };
            self.words(&place, was, is);
            let flag =
                |value: &Value, keyword: &str| value.get(keyword) == Some(&Value::Bool(true));
            if flag(was, "required") != flag(is, "required") {
                let (word, shift) = match flag(is, "required") {
                    true => ("required", Shift::Tightened),
                    false => ("optional", Shift::Loosened),
                };
                let effect = effect::values(Way::Response, shift);
                self.at(is, effect, format!("{place} made {word}"));
            }
            if flag(was, "deprecated") != flag(is, "deprecated") {
                let not = if flag(is, "deprecated") { "" } else { "no longer " };
                self.at(is, Effect::Documentation, format!("{place} {not}deprecated"));
            }
            let node = |source: &Source<'a>, value: &'a Value| {
                source.node(value.get("schema").into_iter().collect())
            };
            let (was, is) = (node(self.schemas.old, was), node(self.schemas.new, is));
            let place = Place { part: format!("{place}, property"), whole: place };
            // Headers have no types of their own in Rust.
            self.schemas(Way::Response, &place, &was, &is, |effect| effect.max(Effect::Behaviour));
        }
    }
}

fn is_success(status: &str) -> bool {
    status.starts_with('2')
}
