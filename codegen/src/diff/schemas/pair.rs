//! One pair of schemas by its own facts.

use super::difference::{Difference, Local, Same, Site, Sources};
use crate::diff::effect::{self, Effect, Effects, Held, Shift, Way};
use crate::diff::read::{Extra, Limit, Node, Schema, Source};
use crate::diff::words::{code, listed, literal, presence};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The comparison of one pair.
pub(super) struct Comparison<'c, 'a> {
    pub(super) way: Way,
    pub(super) site: Option<Site<'a>>,
    pub(super) sources: Sources<'c, 'a>,
    pub(super) old: &'c Schema<'a>,
    pub(super) new: &'c Schema<'a>,
    pub(super) found: Local<'a>,
}

impl<'a> Comparison<'_, 'a> {
    pub(super) fn run(mut self, same: Same<'_, 'a>) -> Local<'a> {
        self.words();
        if self.old.types != self.new.types {
            let (old, new) = (self.old.type_words(), self.new.type_words());
            self.note(Effect::Breaking, format!("type changed from {old} to {new}"));
            return self.found;
        }
        self.allowed_values();
        self.format();
        self.limits();
        self.rules();
        self.default();
        self.unions(same);
        self.properties();
        self.extra();
        self.items();
        self.found
    }

    /// A change of the schema itself.
    pub(super) fn note(&mut self, effects: impl Into<Effects>, what: String) {
        self.add(String::new(), format!(": {what}"), effects, self.site);
    }

    pub(super) fn add(
        &mut self,
        path: String,
        what: String,
        effects: impl Into<Effects>,
        site: Option<Site<'a>>,
    ) {
        self.found.differences.push(Difference { path, what, effects: effects.into(), site });
    }

    fn words(&mut self) {
        if (&self.old.title, &self.old.description) != (&self.new.title, &self.new.description) {
            self.note(Effect::Documentation, "words changed".to_owned());
        }
        if self.old.deprecated != self.new.deprecated {
            let what = if self.new.deprecated { " deprecated" } else { " no longer deprecated" };
            let effect = effect::deprecation(self.new.deprecated);
            self.add(String::new(), what.to_owned(), effect, self.site);
        }
        for (before, now, what, way) in [
            (self.old.read_only, self.new.read_only, "read-only", Way::Request),
            (self.old.write_only, self.new.write_only, "write-only", Way::Response),
        ] {
            if before != now {
                let what = format!(" {} {what}", if now { "made" } else { "no longer" });
                // What is read-only is not sent, what is write-only does not come back.
                let effect = match (way == self.way, now) {
                    (true, true) => Effect::Breaking,
                    (true, false) => Effect::Additive,
                    (false, _) => Effect::Documentation,
                };
                self.add(String::new(), what, effect, self.site);
            }
        }
    }

    fn allowed_values(&mut self) {
        // A string with a list of values is an enum in Rust.
        let is_string = self.new.types.as_ref().is_some_and(|types| types.contains("string"));
        let retyped = |effect| match is_string {
            true => Effects::apart(Effect::Breaking, effect),
            false => Effects::from(effect),
        };
        match (&self.old.values, &self.new.values) {
            (None, None) => {}
            (None, Some(values)) => {
                let effect = retyped(effect::values(self.way, Shift::Tightened));
                self.note(effect, format!("restricted to {}", listed(values.iter())));
            }
            (Some(values), None) => {
                let effect = retyped(effect::values(self.way, Shift::Loosened));
                self.note(effect, format!("no longer restricted to {}", listed(values.iter())));
            }
            (Some(old), Some(new)) => {
                let (gone, come) = (old.difference(new), new.difference(old));
                for (values, what, shift) in [
                    (gone.collect::<Vec<_>>(), "removed", Shift::Tightened),
                    (come.collect::<Vec<_>>(), "added", Shift::Loosened),
                ] {
                    if !values.is_empty() {
                        let noun = if values.len() == 1 { "value" } else { "values" };
                        let values = listed(values.into_iter());
                        let effects = effect::alternative(self.way, shift);
                        self.note(effects, format!("{noun} {values} {what}"));
                    }
                }
            }
        }
    }

    fn format(&mut self) {
        let (old, new) = (self.old.format, self.new.format);
        if old == new {
            return;
        }
        let is_string = self.new.types.as_ref().is_some_and(|types| types.contains("string"));
        let shift = effect::values(self.way, Shift::of_presence(old.is_some(), new.is_some()));
        let effect = if effect::format_retypes(old, new) {
            Effects::apart(Effect::Breaking, shift)
        } else if is_string {
            Effects::from(shift)
        } else {
            // `int64` is what an integer is anyway.
            Effects::from(Effect::Documentation)
        };
        self.note(effect, presence("format", old.map(code), new.map(code)));
    }

    fn limits(&mut self) {
        for (old, new, order) in [
            (&self.old.lower, &self.new.lower, Limit::cmp_lower as fn(&_, &_) -> _),
            (&self.old.upper, &self.new.upper, |one: &Limit, other: &Limit| other.cmp_upper(one)),
        ] {
            let labels: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for label in labels {
                let (before, now) = (old.get(label), new.get(label));
                let shift = match (before, now) {
                    (Some(before), Some(now)) => match order(now, before) {
                        Ordering::Equal => continue,
                        Ordering::Greater => Shift::Tightened,
                        Ordering::Less => Shift::Loosened,
                    },
                    _ => Shift::of_presence(before.is_some(), now.is_some()),
                };
                let effect = effect::values(self.way, shift);
                let verb = match (before, now) {
                    (Some(before), Some(now)) if now.cmp_lower(before) == Ordering::Greater => {
                        "raised"
                    }
                    _ => "lowered",
                };
                let what = match (before, now) {
                    (Some(before), Some(now)) => format!("{label} {verb} from {before} to {now}"),
                    _ => presence(
                        label,
                        before.map(ToString::to_string),
                        now.map(ToString::to_string),
                    ),
                };
                self.add(String::new(), format!(": {what}"), effect, self.site);
            }
        }
    }

    fn rules(&mut self) {
        let rest = |schema: &Schema<'a>| -> BTreeMap<String, String> {
            let named = schema.rest.iter().map(|(name, text)| (code(name), text.clone()));
            let rules = schema.rules.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
            named.chain(rules).collect()
        };
        let (old, new) = (rest(self.old), rest(self.new));
        let labels: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for label in labels {
            let (before, now) = (old.get(label), new.get(label));
            if before == now {
                continue;
            }
            let shift = Shift::of_presence(before.is_some(), now.is_some());
            let brief = |text: &String| text.chars().take(60).collect::<String>();
            let what = presence(label, before.map(brief), now.map(brief));
            self.note(effect::values(self.way, shift), what);
        }
    }

    fn default(&mut self) {
        let before = self.old.default.map(|value| self.sources.old.canonical(value));
        let now = self.new.default.map(|value| self.sources.new.canonical(value));
        if before != now {
            let what =
                presence("default", before.as_deref().map(literal), now.as_deref().map(literal));
            self.note(effect::default_value(self.way), what);
        }
    }

    fn properties(&mut self) {
        let (old, new) = (self.old, self.new);
        let order = |one: &Schema<'a>, other: &Schema<'a>| {
            let names = one.required_order.iter().copied();
            names.filter(|name| other.required.contains(name)).collect::<Vec<_>>()
        };
        if self.way == Way::Request && order(old, new) != order(new, old) {
            let effects = Effects::callers_only(Effect::Breaking);
            self.note(effects, "required properties in another order".to_owned());
        }
        let names: BTreeSet<_> = old.properties.keys().chain(new.properties.keys()).collect();
        for name in names {
            let path = format!(".{name}");
            let (before, now) = (old.properties.get(name), new.properties.get(name));
            let required = (
                self.demanded(self.sources.old, old, name, before),
                self.demanded(self.sources.new, new, name, now),
            );
            match (before, now) {
                (Some(before), Some(now)) => {
                    self.held(&path, required, before, now);
                    self.found.below.push((path, before.clone(), now.clone()));
                }
                (None, Some(now)) => {
                    let what = if required.1 { " added, required" } else { " added, optional" };
                    let effect = effect::property_added(self.way, required.1);
                    let site = now.roots.first().map(|root| Site::New(root)).or(self.site);
                    self.add(path, what.to_owned(), effect, site);
                }
                (before, None) => {
                    let site = before.and_then(|node| node.roots.first()).copied().map(Site::Old);
                    self.add(path, " removed".to_owned(), Effect::Breaking, site.or(self.site));
                }
            }
        }
    }

    /// Whether a property has to be there: what is read-only is never sent, what is write-only never comes back.
    fn demanded(
        &self,
        source: &Source<'a>,
        schema: &Schema<'a>,
        name: &str,
        property: Option<&Node<'a>>,
    ) -> bool {
        let left_out = property.map(|it| source.schema(it)).is_some_and(|it| match self.way {
            Way::Request => it.read_only,
            Way::Response => it.write_only,
        });
        schema.required.contains(name) && !left_out
    }

    /// A property that was made required, optional, nullable or not.
    fn held(&mut self, path: &str, required: (bool, bool), before: &Node<'a>, now: &Node<'a>) {
        // Where nothing is said about types on one side, the change of the type is the news.
        let nullable = match (self.sources.old.nullable(before), self.sources.new.nullable(now)) {
            (Some(before), Some(now)) => (before, now),
            _ => (false, false),
        };
        let mut said = Vec::new();
        match required {
            (false, true) => said.push("made required"),
            (true, false) => said.push("made optional"),
            _ => {}
        }
        match nullable {
            (false, true) => said.push("made nullable"),
            (true, false) => said.push("no longer nullable"),
            _ => {}
        }
        if said.is_empty() {
            return;
        }
        let (was, is) = ((required.0, nullable.0), (required.1, nullable.1));
        let (old, new) = (Held::of(self.way, was.0, was.1), Held::of(self.way, is.0, is.1));
        let types = if old == new {
            format!("`{}` as before", new.as_str())
        } else {
            format!("`{}` becomes `{}`", old.as_str(), new.as_str())
        };
        let effect = effect::held(self.way, was, is);
        let site = now.roots.first().map(|root| Site::New(root)).or(self.site);
        self.add(path.to_owned(), format!(" {} ({types})", said.join(" and ")), effect, site);
    }

    fn extra(&mut self) {
        // Beside named properties the Rust type has no room for others; alone they are a map.
        let is_map = self.old.properties.is_empty() && self.new.properties.is_empty();
        let nothing = || Node { roots: Vec::new(), parts: Vec::new() };
        match (&self.old.extra, &self.new.extra) {
            (Extra::Anything, Extra::Anything) | (Extra::Nothing, Extra::Nothing) => {}
            (Extra::Schema(before), Extra::Schema(now)) => {
                self.step(".*", before.clone(), now.clone());
            }
            (Extra::Schema(before), Extra::Anything) => {
                self.step(".*", before.clone(), nothing());
            }
            (Extra::Anything, Extra::Schema(now)) => {
                self.step(".*", nothing(), now.clone());
            }
            (Extra::Nothing, Extra::Schema(_)) => {
                let callers = if is_map { Effect::Breaking } else { Effect::Additive };
                let http = effect::values(self.way, Shift::Loosened);
                self.note(
                    Effects::apart(callers, http),
                    "additional properties allowed".to_owned(),
                );
            }
            (Extra::Schema(_), Extra::Nothing) => {
                let http = effect::values(self.way, Shift::Tightened);
                let effects = Effects::apart(Effect::Breaking, http);
                self.note(effects, "additional properties forbidden".to_owned());
            }
            (before, _) => {
                let (what, shift) = match before {
                    Extra::Nothing => ("additional properties allowed", Shift::Loosened),
                    _ => ("additional properties forbidden", Shift::Tightened),
                };
                let effects = match self.way {
                    _ if is_map => {
                        Effects::apart(Effect::Breaking, effect::values(self.way, shift))
                    }
                    Way::Request => effect::values(Way::Request, shift).into(),
                    // Unknown response fields are ignored.
                    Way::Response => Effect::Documentation.into(),
                };
                self.note(effects, what.to_owned());
            }
        }
    }

    fn items(&mut self) {
        if self.old.items.is_none() && self.new.items.is_none() {
            return;
        }
        let any = || Node { roots: Vec::new(), parts: Vec::new() };
        let before = self.old.items.clone().unwrap_or_else(any);
        let now = self.new.items.clone().unwrap_or_else(any);
        self.step("[]", before, now);
    }

    /// Goes down to what is no property: null or not shows in the Rust type there.
    fn step(&mut self, step: &str, before: Node<'a>, now: Node<'a>) {
        let found = nullability(self.sources, self.way, &before, &now, step.to_owned());
        self.found.differences.extend(found);
        self.found.below.push((step.to_owned(), before, now));
    }
}

/// Null allowed or not where the Rust type has no other reason to be an `Option`.
pub(super) fn nullability<'a>(
    sources: Sources<'_, 'a>,
    way: Way,
    old: &Node<'a>,
    new: &Node<'a>,
    path: String,
) -> Option<Difference<'a>> {
    let (before, now) = (sources.old.nullable(old)?, sources.new.nullable(new)?);
    let what = match (before, now) {
        (false, true) => " made nullable (`T` becomes `Option<T>`)",
        (true, false) => " no longer nullable (`Option<T>` becomes `T`)",
        _ => return None,
    };
    Some(Difference {
        path,
        what: what.to_owned(),
        effects: effect::nullability(way, now),
        site: new.site().map(Site::New),
    })
}
