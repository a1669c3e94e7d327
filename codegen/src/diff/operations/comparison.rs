//! What was found so far, and how something is found.

use crate::diff::effect::{Effect, Effects, Way};
use crate::diff::read::{METHODS, Media, Node, Operation, Source, address, media, words};
use crate::diff::report::{Change, Report};
use crate::diff::schemas::{Difference, Schemas, Site};
use crate::openapi::is_json;
use serde_json::Value;
use std::collections::HashMap;

/// Where in an operation schemas are being compared, in the words of messages.
#[derive(Clone)]
pub(super) struct Place {
    /// Followed by a change of the whole: `request body`.
    pub(super) whole: String,
    /// Followed by the path of a property: `request property`.
    pub(super) part: String,
}

pub(super) struct Found<'a> {
    pub(super) operation: Option<Operation<'a>>,
    message: String,
    effects: Effects,
    site: Option<Site<'a>>,
}

pub(super) struct Comparison<'s, 'a> {
    pub(super) schemas: Schemas<'s, 'a>,
    /// The operation that is being compared.
    pub(super) operation: Option<Operation<'a>>,
    pub(super) found: Vec<Found<'a>>,
}

impl<'a> Comparison<'_, 'a> {
    pub(super) fn note(
        &mut self,
        effects: impl Into<Effects>,
        message: String,
        site: Option<Site<'a>>,
    ) {
        let operation = self.operation.clone();
        self.found.push(Found { operation, message, effects: effects.into(), site });
    }

    /// A change at a value of the new document.
    pub(super) fn at(&mut self, new: &'a Value, effects: impl Into<Effects>, message: String) {
        self.note(effects, message, Some(Site::New(new)));
    }

    pub(super) fn gone(&mut self, old: &'a Value, effects: impl Into<Effects>, message: String) {
        self.note(effects, message, Some(Site::Old(old)));
    }

    pub(super) fn words(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        if words(old.get("description")) != words(new.get("description")) {
            self.at(new, Effect::Documentation, format!("{place}: words changed"));
        }
    }

    pub(super) fn schemas(
        &mut self,
        way: Way,
        place: &Place,
        old: &Node<'a>,
        new: &Node<'a>,
        weigh: impl Fn(Effect) -> Effect,
    ) {
        for Difference { path, what, effects, site } in self.schemas.compare(way, old, new) {
            let message = if path.is_empty() {
                format!("{}{what}", place.whole)
            } else {
                format!("{} `{path}`{what}", place.part)
            };
            self.note(effects.map(&weigh), message, site);
        }
    }

    /// The content types of a body, and the schema of each.
    pub(super) fn media(
        &mut self,
        way: Way,
        place: &Place,
        old: &'a Value,
        new: &'a Value,
        effects: impl Fn(MediaChange) -> Effects,
    ) {
        let mut before = media(self.schemas.old, old);
        let now = media(self.schemas.new, new);
        // JSON is JSON to the generated client, under whatever name it travels.
        if let (Some(was), Some(is)) = (only_json(&before, &now), only_json(&now, &before))
            && let Some(value) = before.remove(&was)
        {
            let what = format!("{}: content type changed from `{was}` to `{is}`", place.whole);
            self.at(now[&is].0, Effects::apart(Effect::Behaviour, Effect::Breaking), what);
            before.insert(is, value);
        }
        let several = before.len() > 1 || now.len() > 1;
        for (name, (value, _)) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let what = format!("{}: content type `{name}` removed", place.whole);
            self.gone(value, effects(MediaChange::Removed), what);
        }
        for (name, (value, now)) in &now {
            let Some((old_value, before)) = before.get(name) else {
                let what = format!("{}: content type `{name}` added", place.whole);
                self.at(value, effects(MediaChange::Added), what);
                continue;
            };
            let place = match several {
                true => Place {
                    whole: format!("{} (`{name}`)", place.whole),
                    part: place.part.replacen(' ', &format!(" (`{name}`) "), 1),
                },
                false => place.clone(),
            };
            self.schemas(way, &place, before, now, |effect| effect);
            let encoding = |source: &Source<'a>, value: &'a Value| {
                value.get("encoding").map(|encoding| source.canonical(encoding))
            };
            if encoding(self.schemas.old, old_value) != encoding(self.schemas.new, value) {
                let what = format!("{}: encoding of parts changed", place.whole);
                self.at(value, Effect::Behaviour, what);
            }
        }
    }

    pub(super) fn report(self) -> Report {
        let (old, new) = (self.schemas.old.root, self.schemas.new.root);
        let (mut in_old, mut in_new) = (HashMap::new(), HashMap::new());
        for found in &self.found {
            match found.site {
                Some(Site::Old(value)) => in_old.insert(address(value), String::new()),
                Some(Site::New(value)) => in_new.insert(address(value), String::new()),
                None => None,
            };
        }
        locate(old, &mut in_old);
        locate(new, &mut in_new);
        let pointer = |site: Option<Site<'a>>| match site {
            Some(Site::Old(value)) => in_old.get(&address(value)).cloned(),
            Some(Site::New(value)) => in_new.get(&address(value)).cloned(),
            None => None,
        };
        let mut changes: Vec<_> = self
            .found
            .into_iter()
            .map(|found| {
                let rank = found.operation.as_ref().map(|operation| {
                    let method = METHODS.iter().position(|it| *it == operation.method);
                    (operation.path.to_owned(), method)
                });
                let change = Change {
                    operation: found.operation.map(|operation| operation.name()),
                    pointer: pointer(found.site).unwrap_or_default(),
                    message: found.message,
                    effect: found.effects.callers,
                    http_effect: found.effects.http,
                    item: None,
                };
                ((rank, change.effect, change.message.clone()), change)
            })
            .collect();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        changes.dedup();
        Report::of(changes.into_iter().map(|(_, change)| change).collect())
    }
}

/// The one JSON media type that the other side lacks.
fn only_json(one: &Media<'_>, other: &Media<'_>) -> Option<String> {
    let mut names = one.keys().filter(|name| is_json(name) && !other.contains_key(*name));
    names.next().filter(|_| names.next().is_none()).cloned()
}

#[derive(Clone, Copy)]
pub(super) enum MediaChange {
    Added,
    Removed,
}

/// Fills in where the wanted values stand.
fn locate(root: &Value, wanted: &mut HashMap<usize, String>) {
    let mut waiting = vec![(root, String::new())];
    while let Some((value, pointer)) = waiting.pop() {
        if let Some(found) = wanted.get_mut(&address(value)) {
            found.clone_from(&pointer);
        }
        match value {
            Value::Object(map) => waiting.extend(map.iter().map(|(key, value)| {
                (value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")))
            })),
            Value::Array(items) => waiting.extend(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| (value, format!("{pointer}/{index}"))),
            ),
            _ => {}
        }
    }
}
