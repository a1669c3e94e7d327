//! Parameters of two operations.

use super::comparison::{Comparison, Place};
use crate::diff::effect::{self, Effect, Effects, Way};
use crate::diff::read::{Operation, Parameter, template_names};
use serde_json::Value;

impl<'a> Comparison<'_, 'a> {
    pub(super) fn parameters(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let order = |one: &Operation<'a>, source, other: &Operation<'a>, others| {
            let others = other.required_query(others);
            let names = one.required_query(source);
            names.into_iter().filter(|name| others.contains(name)).collect::<Vec<_>>()
        };
        let sources = (self.schemas.old, self.schemas.new);
        if order(old, sources.0, new, sources.1) != order(new, sources.1, old, sources.0) {
            let what = "required query parameters in another order".to_owned();
            self.at(new.value, Effects::callers_only(Effect::Breaking), what);
        }
        let mut before = old.parameters(self.schemas.old);
        let mut now = new.parameters(self.schemas.new);
        let mut pairs = Vec::new();
        let both: Vec<_> = before.keys().filter(|key| now.contains_key(key)).cloned().collect();
        for key in both {
            if let Some(pair) = before.remove(&key).zip(now.remove(&key)) {
                pairs.push((key, pair));
            }
        }
        for (was, is) in template_names(old.path).into_iter().zip(template_names(new.path)) {
            let key = |name: &str| ("path".to_owned(), name.to_owned());
            if !before.contains_key(&key(was)) || !now.contains_key(&key(is)) {
                continue;
            }
            if let Some(pair) = before.remove(&key(was)).zip(now.remove(&key(is))) {
                // An argument, which callers do not name.
                let what = format!("path parameter `{was}` renamed to `{is}`");
                self.at(pair.1.value, Effect::Documentation, what);
                pairs.push((key(is), pair));
            }
        }
        let elsewhere: Vec<_> = before
            .keys()
            .filter_map(|was| {
                let is = now.keys().find(|is| is.1 == was.1)?;
                Some((was.clone(), is.clone()))
            })
            .collect();
        for (was, is) in elsewhere {
            if let Some(mut pair) = before.remove(&was).zip(now.remove(&is)) {
                pair.0.wire.clone_from(&pair.1.wire);
                // The setter stays.
                let what = format!("parameter `{}` moved from {} to {}", is.1, was.0, is.0);
                self.at(pair.1.value, Effects::apart(Effect::Behaviour, Effect::Breaking), what);
                pairs.push((is, pair));
            }
        }
        for ((place, name), parameter) in before {
            let what = format!("{place} parameter `{name}` removed");
            self.gone(parameter.value, Effect::Breaking, what);
        }
        for ((place, name), parameter) in now {
            let word = if parameter.required { "required" } else { "optional" };
            let effect = effect::property_added(Way::Request, parameter.required);
            self.at(parameter.value, effect, format!("{place} parameter `{name}` added, {word}"));
        }
        for ((place, name), (before, now)) in pairs {
            self.parameter(format!("{place} parameter `{name}`"), &before, &now);
        }
    }

    pub(super) fn parameter(&mut self, place: String, old: &Parameter<'a>, new: &Parameter<'a>) {
        if old.required != new.required {
            // An argument becomes a setter, or the other way round.
            let (word, http) = match new.required {
                true => ("required", Effect::Breaking),
                false => ("optional", Effect::Additive),
            };
            let effects = Effects::apart(Effect::Breaking, http);
            self.at(new.value, effects, format!("{place} made {word}"));
        }
        if old.wire != new.wire {
            let what = format!("{place}: written as {} instead of {}", new.wire, old.wire);
            self.at(new.value, Effects::apart(Effect::Behaviour, Effect::Breaking), what);
        }
        let deprecated =
            |it: &Parameter<'a>| it.value.get("deprecated") == Some(&Value::Bool(true));
        if deprecated(old) != deprecated(new) {
            let now = deprecated(new);
            let word = if now { "deprecated" } else { "no longer deprecated" };
            self.at(new.value, effect::deprecation(now), format!("{place} {word}"));
        }
        self.words(&place, old.value, new.value);
        let place = Place { part: format!("{place}, property"), whole: place };
        self.schemas(Way::Request, &place, &old.schema, &new.schema, |effect| effect);
    }
}
