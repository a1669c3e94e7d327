//! Which variants of two unions belong together, and which came or went.

use super::difference::{Same, Site};
use super::pair::Comparison;
use crate::diff::effect::{self, Effect, Effects, Shift};
use crate::diff::read::{Node, Source, Union};
use crate::diff::words::{code, presence};

/// Pairs of variants that are compared to find out which belong together.
const MATCHED: usize = 2_500;

impl<'a> Comparison<'_, 'a> {
    pub(super) fn unions(&mut self, same: Same<'_, 'a>) {
        let (old, new) = (&self.old.unions, &self.new.unions);
        for (before, now) in old.iter().zip(new) {
            self.union(same, before, now);
        }
        for gone in old.iter().skip(new.len()) {
            let labels = labels(self.sources.old, gone);
            let effect = self.of_union(self.sources.old, gone, Shift::Loosened);
            self.note(effect, format!("no longer one of {labels}"));
        }
        for come in new.iter().skip(old.len()) {
            let labels = labels(self.sources.new, come);
            let effect = self.of_union(self.sources.new, come, Shift::Tightened);
            self.note(effect, format!("now one of {labels}"));
        }
    }

    /// A union is an enum in Rust, unless its variants only say which properties go together.
    fn of_union(&self, source: &Source<'a>, union: &Union<'a>, shift: Shift) -> Effects {
        let mut variants = union.variants.iter();
        if variants.all(|variant| source.schema(variant).is_only_required()) {
            effect::values(self.way, shift).into()
        } else {
            Effects::apart(Effect::Breaking, effect::values(self.way, shift))
        }
    }

    fn union(&mut self, same: Same<'_, 'a>, old: &Union<'a>, new: &Union<'a>) {
        if old.exactly_one != new.exactly_one {
            let (what, shift) = if new.exactly_one {
                ("exactly one variant applies, no longer any", Shift::Tightened)
            } else {
                ("any variants may apply, no longer exactly one", Shift::Loosened)
            };
            let effect = self.of_union(self.sources.new, new, shift);
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
        let pairs = self.matched(same, old, new);
        for (index, variant) in old.variants.iter().enumerate() {
            let label = Label::of(self.sources.old, variant, old.discriminator);
            match pairs.iter().find(|(before, _)| *before == index) {
                Some((_, now)) => {
                    let step = format!("({})", label.words());
                    self.found.below.push((step, variant.clone(), new.variants[*now].clone()));
                }
                None => {
                    let only_required = self.sources.old.schema(variant).is_only_required();
                    let effect = match only_required {
                        true => effect::values(self.way, Shift::Tightened).into(),
                        false => effect::alternative(self.way, Shift::Tightened),
                    };
                    let what = format!(": variant `{}` removed", label.words());
                    self.add(String::new(), what, effect, variant.site().map(Site::Old));
                }
            }
        }
        for (index, variant) in new.variants.iter().enumerate() {
            if pairs.iter().all(|(_, now)| *now != index) {
                let label = Label::of(self.sources.new, variant, new.discriminator);
                let effect = match self.sources.new.schema(variant).is_only_required() {
                    true => effect::values(self.way, Shift::Loosened).into(),
                    false => effect::alternative(self.way, Shift::Loosened),
                };
                let what = format!(": variant `{}` added", label.words());
                self.add(String::new(), what, effect, variant.site().map(Site::New));
            }
        }
    }

    /// Which variants of two unions belong together; the rest came or went.
    fn matched(&self, same: Same<'_, 'a>, old: &Union<'a>, new: &Union<'a>) -> Vec<(usize, usize)> {
        let labels = |source: &Source<'a>, union: &Union<'a>| -> Vec<Label<'a>> {
            union.variants.iter().map(|node| Label::of(source, node, union.discriminator)).collect()
        };
        let (olds, news) = (labels(self.sources.old, old), labels(self.sources.new, new));
        let mut pairs = Pairs::new(olds.len(), news.len());
        pairs.by(|o, n| olds[o].tag.is_some() && olds[o].tag == news[n].tag);
        pairs.by(|o, n| olds[o].name.is_some() && olds[o].name == news[n].name);
        if pairs.left() <= MATCHED {
            pairs.by(|o, n| same(&old.variants[o], &new.variants[n]));
        }
        // What has a tag of its own is another variant, not a changed one.
        pairs.by(|o, n| {
            olds[o].tag.is_none() && news[n].tag.is_none() && olds[o].kind == news[n].kind
        });
        pairs.found
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
