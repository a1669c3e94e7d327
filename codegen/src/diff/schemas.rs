//! Two schemas: what differs in them, and everywhere below them.
//!
//! One pair of schemas is compared by its own facts only; what lies below is the next pairs. So a pair is compared once
//! for each way, however often it is used, and a walk over the pairs, shortest path first, ends on recursive schemas.

use super::effect::{self, Effect, Held, Shift, Way};
use super::schema::{Extra, Limit, Schema, Union};
use super::source::{Node, Source};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// Where a reader finds what changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site<'a> {
    Old(&'a Value),
    New(&'a Value),
}

/// One difference inside a schema.
#[derive(Clone, Debug)]
pub(super) struct Difference<'a> {
    /// From the schema down: `policy.statements[].action`; empty for the schema itself.
    pub(super) path: String,
    /// Follows the name of the place: ` added, optional` or `: default 20 added`.
    pub(super) what: String,
    pub(super) effect: Effect,
    pub(super) site: Option<Site<'a>>,
}

/// What differs in one pair of schemas, and the pairs below.
#[derive(Debug, Default)]
struct Local<'a> {
    differences: Vec<Difference<'a>>,
    below: Vec<(String, Node<'a>, Node<'a>)>,
}

type Pair = (Vec<usize>, Vec<usize>, Way);

/// Unions inside unions that are being matched at once.
const NESTED: usize = 40;
/// Pairs of variants that are compared to find out which belong together.
const MATCHED: usize = 2_500;

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

    /// Everything that differs between two schemas, each pair of schemas at the place nearest to the top.
    pub(super) fn compare(
        &mut self,
        way: Way,
        old: &Node<'a>,
        new: &Node<'a>,
    ) -> Vec<Difference<'a>> {
        let mut found: Vec<_> = self.nullability(old, new, String::new()).into_iter().collect();
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
            if local.differences.iter().any(|it| it.effect != Effect::Documentation) {
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
        let comparison = Comparison {
            way,
            site: new.site().map(Site::New).or(old.site().map(Site::Old)),
            old: &self.old.schema(old),
            new: &self.new.schema(new),
            found: Local::default(),
        };
        let local = Rc::new(comparison.run(self));
        self.under_way.remove(&pair);
        self.known.insert(pair, Rc::clone(&local));
        local
    }

    /// Null allowed or not where the Rust type has no other reason to be an `Option`.
    fn nullability(&self, old: &Node<'a>, new: &Node<'a>, path: String) -> Option<Difference<'a>> {
        let (before, now) = (self.old.nullable(old)?, self.new.nullable(new)?);
        let what = match (before, now) {
            (false, true) => " made nullable (`T` becomes `Option<T>`)",
            (true, false) => " no longer nullable (`Option<T>` becomes `T`)",
            _ => return None,
        };
        Some(Difference {
            path,
            what: what.to_owned(),
            effect: Effect::Breaking,
            site: new.site().map(Site::New),
        })
    }

    /// Which variants of two unions belong together; the rest came or went.
    fn matched(&mut self, way: Way, old: &Union<'a>, new: &Union<'a>) -> Vec<(usize, usize)> {
        let labels = |source: &Source<'a>, union: &Union<'a>| -> Vec<Label<'a>> {
            union.variants.iter().map(|node| Label::of(source, node, union.discriminator)).collect()
        };
        let (olds, news) = (labels(self.old, old), labels(self.new, new));
        let mut pairs = Pairs::new(olds.len(), news.len());
        pairs.by(|o, n| olds[o].tag.is_some() && olds[o].tag == news[n].tag);
        pairs.by(|o, n| olds[o].name.is_some() && olds[o].name == news[n].name);
        if pairs.left() <= MATCHED {
            pairs.by(|o, n| self.same(way, &old.variants[o], &new.variants[n]));
        }
        // What has a tag of its own is another variant, not a changed one.
        pairs.by(|o, n| {
            olds[o].tag.is_none() && news[n].tag.is_none() && olds[o].kind == news[n].kind
        });
        pairs.found
    }
}

fn joined(path: &str, step: &str) -> String {
    let joined = format!("{path}{step}");
    joined.strip_prefix('.').map(str::to_owned).unwrap_or(joined)
}

/// One-to-one pairs of two lists, found by one test after the other.
struct Pairs {
    olds: Vec<usize>,
    news: Vec<usize>,
    found: Vec<(usize, usize)>,
}

impl Pairs {
    fn new(olds: usize, news: usize) -> Self {
        Self { olds: (0..olds).collect(), news: (0..news).collect(), found: Vec::new() }
    }

    fn left(&self) -> usize {
        self.olds.len() * self.news.len()
    }

    fn by(&mut self, mut belong: impl FnMut(usize, usize) -> bool) {
        let (news, found) = (&mut self.news, &mut self.found);
        self.olds.retain(|&old| match news.iter().position(|&new| belong(old, new)) {
            Some(position) => {
                found.push((old, news.remove(position)));
                false
            }
            None => true,
        });
    }
}

/// What a variant is recognised by.
struct Label<'a> {
    /// The properties that have one value only, or the discriminating one: `type=console_log`.
    tag: Option<String>,
    name: Option<&'a str>,
    /// For a variant with neither.
    kind: String,
}

impl<'a> Label<'a> {
    fn of(source: &Source<'a>, node: &Node<'a>, discriminator: Option<&str>) -> Self {
        let schema = source.schema(node);
        let tag = |name: &str| {
            let property = source.schema(schema.properties.get(name)?);
            let values = property.values.as_ref()?;
            let value = values.first().filter(|_| values.len() == 1)?;
            Some(format!("{name}={}", value.trim_matches('"')))
        };
        let tag = discriminator.and_then(tag).or_else(|| {
            let tags: Vec<_> = schema.properties.keys().filter_map(|name| tag(name)).collect();
            (!tags.is_empty()).then(|| tags.join(", "))
        });
        let kind = if schema.is_only_required() {
            let names: Vec<_> = schema.required.iter().copied().collect();
            format!("with {}", names.join(", "))
        } else {
            schema.type_words()
        };
        let title = Some(schema.title.clone()).filter(|title| !title.is_empty());
        Self { tag, name: node.ref_name(), kind: title.unwrap_or(kind) }
    }

    fn words(&self) -> &str {
        self.tag.as_deref().or(self.name).unwrap_or(&self.kind)
    }
}

/// The comparison of one pair.
struct Comparison<'c, 'a> {
    way: Way,
    site: Option<Site<'a>>,
    old: &'c Schema<'a>,
    new: &'c Schema<'a>,
    found: Local<'a>,
}

impl<'a> Comparison<'_, 'a> {
    fn run(mut self, schemas: &mut Schemas<'_, 'a>) -> Local<'a> {
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
        self.default(schemas);
        self.unions(schemas);
        self.properties(schemas);
        self.extra(schemas);
        self.items(schemas);
        self.found
    }

    /// A change of the schema itself.
    fn note(&mut self, effect: Effect, what: String) {
        self.add(String::new(), format!(": {what}"), effect, self.site);
    }

    fn add(&mut self, path: String, what: String, effect: Effect, site: Option<Site<'a>>) {
        self.found.differences.push(Difference { path, what, effect, site });
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
        let retyped = |effect| if is_string { Effect::Breaking } else { effect };
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
                for (values, what, effect) in [
                    (gone.collect::<Vec<_>>(), "removed", Effect::Breaking),
                    (come.collect::<Vec<_>>(), "added", Effect::Additive),
                ] {
                    if !values.is_empty() {
                        let noun = if values.len() == 1 { "value" } else { "values" };
                        let values = listed(values.into_iter());
                        self.note(effect, format!("{noun} {values} {what}"));
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
        let effect = if effect::format_retypes(old, new) {
            Effect::Breaking
        } else if is_string {
            effect::values(self.way, Shift::of_presence(old.is_some(), new.is_some()))
        } else {
            // `int64` is what an integer is anyway.
            Effect::Documentation
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

    fn default(&mut self, schemas: &Schemas<'_, 'a>) {
        let before = self.old.default.map(|value| schemas.old.canonical(value));
        let now = self.new.default.map(|value| schemas.new.canonical(value));
        if before != now {
            let what =
                presence("default", before.as_deref().map(literal), now.as_deref().map(literal));
            self.note(effect::default_value(self.way), what);
        }
    }

    fn properties(&mut self, schemas: &Schemas<'_, 'a>) {
        let (old, new) = (self.old, self.new);
        let names: BTreeSet<_> = old.properties.keys().chain(new.properties.keys()).collect();
        for name in names {
            let path = format!(".{name}");
            let required = (old.required.contains(name), new.required.contains(name));
            match (old.properties.get(name), new.properties.get(name)) {
                (Some(before), Some(now)) => {
                    self.held(schemas, &path, required, before, now);
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

    /// A property that was made required, optional, nullable or not.
    fn held(
        &mut self,
        schemas: &Schemas<'_, 'a>,
        path: &str,
        required: (bool, bool),
        before: &Node<'a>,
        now: &Node<'a>,
    ) {
        // Where nothing is said about types on one side, the change of the type is the news.
        let nullable = match (schemas.old.nullable(before), schemas.new.nullable(now)) {
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

    fn extra(&mut self, schemas: &Schemas<'_, 'a>) {
        // Beside named properties the Rust type has no room for others; alone they are a map.
        let is_map = self.old.properties.is_empty() && self.new.properties.is_empty();
        let nothing = || Node { roots: Vec::new(), parts: Vec::new() };
        match (&self.old.extra, &self.new.extra) {
            (Extra::Anything, Extra::Anything) | (Extra::Nothing, Extra::Nothing) => {}
            (Extra::Schema(before), Extra::Schema(now)) => {
                self.step(schemas, ".*", before.clone(), now.clone());
            }
            (Extra::Schema(before), Extra::Anything) => {
                self.step(schemas, ".*", before.clone(), nothing());
            }
            (Extra::Anything, Extra::Schema(now)) => {
                self.step(schemas, ".*", nothing(), now.clone());
            }
            (Extra::Nothing, Extra::Schema(_)) => {
                let effect = if is_map { Effect::Breaking } else { Effect::Additive };
                self.note(effect, "further properties allowed".to_owned());
            }
            (Extra::Schema(_), Extra::Nothing) => {
                self.note(Effect::Breaking, "further properties refused".to_owned());
            }
            (before, _) => {
                let (what, shift) = match before {
                    Extra::Nothing => ("further properties allowed", Shift::Loosened),
                    _ => ("further properties refused", Shift::Tightened),
                };
                let effect = match self.way {
                    _ if is_map => Effect::Breaking,
                    Way::Request => effect::values(Way::Request, shift),
                    // Unknown response fields are ignored.
                    Way::Response => Effect::Documentation,
                };
                self.note(effect, what.to_owned());
            }
        }
    }

    fn items(&mut self, schemas: &Schemas<'_, 'a>) {
        if self.old.items.is_none() && self.new.items.is_none() {
            return;
        }
        let any = || Node { roots: Vec::new(), parts: Vec::new() };
        let before = self.old.items.clone().unwrap_or_else(any);
        let now = self.new.items.clone().unwrap_or_else(any);
        self.step(schemas, "[]", before, now);
    }

    /// Goes down to what is no property: null or not shows in the Rust type there.
    fn step(&mut self, schemas: &Schemas<'_, 'a>, step: &str, before: Node<'a>, now: Node<'a>) {
        let nullability = schemas.nullability(&before, &now, step.to_owned());
        self.found.differences.extend(nullability);
        self.found.below.push((step.to_owned(), before, now));
    }

    fn unions(&mut self, schemas: &mut Schemas<'_, 'a>) {
        let (old, new) = (&self.old.unions, &self.new.unions);
        for (before, now) in old.iter().zip(new) {
            self.union(schemas, before, now);
        }
        for gone in old.iter().skip(new.len()) {
            let labels = labels(schemas.old, gone);
            let effect = self.of_union(schemas.old, gone, Shift::Loosened);
            self.note(effect, format!("no longer one of {labels}"));
        }
        for come in new.iter().skip(old.len()) {
            let labels = labels(schemas.new, come);
            let effect = self.of_union(schemas.new, come, Shift::Tightened);
            self.note(effect, format!("now one of {labels}"));
        }
    }

    /// A union is an enum in Rust, unless its variants only say which properties go together.
    fn of_union(&self, source: &Source<'a>, union: &Union<'a>, shift: Shift) -> Effect {
        let mut variants = union.variants.iter();
        if variants.all(|variant| source.schema(variant).is_only_required()) {
            effect::values(self.way, shift)
        } else {
            Effect::Breaking
        }
    }

    fn union(&mut self, schemas: &mut Schemas<'_, 'a>, old: &Union<'a>, new: &Union<'a>) {
        if old.exactly_one != new.exactly_one {
            let (what, shift) = if new.exactly_one {
                ("exactly one variant applies, no longer any", Shift::Tightened)
            } else {
                ("any variants may apply, no longer exactly one", Shift::Loosened)
            };
            let effect = self.of_union(schemas.new, new, shift);
            self.note(effect, what.to_owned());
        }
        if old.discriminator != new.discriminator {
            let effect = match (old.discriminator, new.discriminator) {
                (Some(_), Some(_)) => Effect::Breaking,
                _ => Effect::Behaviour,
            };
            let what =
                presence("discriminator", old.discriminator.map(code), new.discriminator.map(code));
            self.note(effect, what);
        } else if old.mapped != new.mapped {
            let gone: Vec<_> = old.mapped.difference(&new.mapped).collect();
            let effect = if gone.is_empty() || new.mapped.is_empty() {
                Effect::Behaviour
            } else {
                Effect::Breaking
            };
            let changed: Vec<_> =
                old.mapped.symmetric_difference(&new.mapped).map(|value| code(value)).collect();
            self.note(effect, format!("discriminator values changed: {}", changed.join(", ")));
        }
        let pairs = schemas.matched(self.way, old, new);
        for (index, variant) in old.variants.iter().enumerate() {
            let label = Label::of(schemas.old, variant, old.discriminator);
            match pairs.iter().find(|(before, _)| *before == index) {
                Some((_, now)) => {
                    let step = format!("({})", label.words());
                    self.found.below.push((step, variant.clone(), new.variants[*now].clone()));
                }
                None => {
                    let only_required = schemas.old.schema(variant).is_only_required();
                    let effect = match only_required {
                        true => effect::values(self.way, Shift::Tightened),
                        false => Effect::Breaking,
                    };
                    let what = format!(": variant `{}` removed", label.words());
                    self.add(String::new(), what, effect, variant.site().map(Site::Old));
                }
            }
        }
        for (index, variant) in new.variants.iter().enumerate() {
            if pairs.iter().all(|(_, now)| *now != index) {
                let label = Label::of(schemas.new, variant, new.discriminator);
                let effect = match schemas.new.schema(variant).is_only_required() {
                    true => effect::values(self.way, Shift::Loosened),
                    false => Effect::Additive,
                };
                let what = format!(": variant `{}` added", label.words());
                self.add(String::new(), what, effect, variant.site().map(Site::New));
            }
        }
    }
}

fn labels<'a>(source: &Source<'a>, union: &Union<'a>) -> String {
    let labels: Vec<_> = union
        .variants
        .iter()
        .map(|node| code(Label::of(source, node, union.discriminator).words()))
        .collect();
    labels.join(", ")
}

/// `default 20 added`, `default 20 removed`, `default changed from 20 to 50`.
pub(super) fn presence(label: &str, before: Option<String>, now: Option<String>) -> String {
    match (before, now) {
        (None, Some(now)) => format!("{label} {now} added"),
        (Some(before), None) => format!("{label} {before} removed"),
        (before, now) => format!(
            "{label} changed from {} to {}",
            before.unwrap_or_default(),
            now.unwrap_or_default()
        ),
    }
}

/// In backquotes, as messages show names.
pub(super) fn code(name: &str) -> String {
    format!("`{name}`")
}

/// A JSON value in backquotes, a plain string without its quotes.
fn literal(json: &str) -> String {
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    code(text.filter(|text| !text.is_empty()).unwrap_or(json))
}

fn listed<'t>(values: impl Iterator<Item = &'t String>) -> String {
    values.map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}
