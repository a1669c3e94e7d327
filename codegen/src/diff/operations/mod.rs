//! The operations of two documents: which belong together, and what changed around their schemas.

mod bodies;
mod comparison;
mod parameters;
mod responses;
mod security;

use super::effect::{self, Effect, Effects};
use super::read::{Endpoint, Operation, Source, blanked, names, words};
use super::report::Report;
use super::schemas::Schemas;
use super::words::{code, presence};
use comparison::Comparison;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The keys that name an operation, whose change is one of the name.
const NAMES: [&str; 2] = ["x-onkernel-resource", "x-onkernel-method"];

pub(super) fn compare(old: &Value, new: &Value) -> Report {
    let (old, new) = (Source::new(old), Source::new(new));
    let mut comparison =
        Comparison { schemas: Schemas::new(&old, &new), operation: None, found: Vec::new() };
    comparison.document();
    comparison.operations();
    comparison.report()
}

impl<'a> Comparison<'_, 'a> {
    fn document(&mut self) {
        let (old, new) = (self.schemas.old.root, self.schemas.new.root);
        let text = |root: &'a Value, pointer: &str| words(root.pointer(pointer));
        let versions = (text(old, "/info/version"), text(new, "/info/version"));
        if versions.0 != versions.1 {
            let what = format!("`info.version` changed from `{}` to `{}`", versions.0, versions.1);
            self.at(new.pointer("/info/version").unwrap_or(new), Effect::Documentation, what);
        }
        let about = |root: &'a Value| {
            let fields = ["/info/title", "/info/summary", "/info/description"];
            let mut about: Vec<_> = fields.iter().map(|field| text(root, field)).collect();
            for tag in root.get("tags").and_then(Value::as_array).into_iter().flatten() {
                about.push(format!(
                    "{}: {}",
                    words(tag.get("name")),
                    words(tag.get("description"))
                ));
            }
            about.sort();
            about
        };
        if about(old) != about(new) {
            let site = new.get("info").unwrap_or(new);
            self.at(
                site,
                Effect::Documentation,
                "words about the API or its tags changed".to_owned(),
            );
        }
        self.servers(old, new);
    }

    fn servers(&mut self, old: &'a Value, new: &'a Value) {
        let urls = |owner: &'a Value| -> Vec<&'a str> {
            let servers = owner.get("servers").and_then(Value::as_array).into_iter().flatten();
            servers.filter_map(|server| server.get("url").and_then(Value::as_str)).collect()
        };
        let (before, now) = (urls(old), urls(new));
        if before == now {
            return;
        }
        let site = new.get("servers").unwrap_or(new);
        if before.first() == now.first() {
            // The client talks to the first one, or to the one it is given.
            self.at(site, Effect::Documentation, "other servers changed".to_owned());
        } else {
            let first = |urls: &[&str]| urls.first().map(|url| code(url));
            let what = presence("default server", first(&before), first(&now));
            self.at(site, Effect::Behaviour, what);
        }
    }

    fn operations(&mut self) {
        let mut old = Operation::all(self.schemas.old);
        let mut new = Operation::all(self.schemas.new);
        let both: Vec<_> = old.keys().filter(|key| new.contains_key(key)).cloned().collect();
        let old_names = names(self.schemas.old, &old);
        let new_names = names(self.schemas.new, &new);
        let mut pairs = Vec::new();
        for key in both {
            let name = (old_names.get(&key), new_names.get(&key));
            pairs.extend(old.remove(&key).zip(new.remove(&key)).map(|pair| (pair, name)));
        }
        // What left one place and came to another under the same id has moved.
        let moved: Vec<_> = old
            .iter()
            .filter_map(|(key, operation)| {
                let id = operation.id()?;
                let same = |(_, other): &(&Endpoint, &Operation<'a>)| other.id() == Some(id);
                let alone = old.iter().filter(same).count() == 1;
                let mut matches = new.iter().filter(same);
                let (there, _) = matches.next().filter(|_| alone && matches.next().is_none())?;
                Some((key.clone(), there.clone()))
            })
            .collect();
        for (before, now) in moved {
            let name = (old_names.get(&before), new_names.get(&now));
            pairs.extend(old.remove(&before).zip(new.remove(&now)).map(|pair| (pair, name)));
        }
        for operation in old.into_values() {
            self.operation = Some(operation.clone());
            self.gone(operation.value, Effect::Breaking, "operation removed".to_owned());
        }
        for operation in new.into_values() {
            self.operation = Some(operation.clone());
            self.at(operation.value, Effect::Additive, "operation added".to_owned());
        }
        for ((old, new), (was, is)) in pairs {
            self.operation = Some(new.clone());
            if let (Some(was), Some(is)) = (was, is)
                && was != is
            {
                let what = format!("method `{was}` renamed to `{is}`");
                self.at(new.value, Effects::callers_only(Effect::Breaking), what);
            }
            self.pair(&old, &new);
        }
        self.operation = None;
    }

    fn pair(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        if (blanked(old.path), old.method) != (blanked(new.path), new.method) {
            let what = format!("operation moved here from `{}`", old.name());
            self.at(new.value, Effects::apart(Effect::Behaviour, Effect::Breaking), what);
        }
        if old.flag("deprecated") != new.flag("deprecated") {
            let now = new.flag("deprecated");
            let what = if now { "operation deprecated" } else { "operation no longer deprecated" };
            self.at(new.value, effect::deprecation(now), what.to_owned());
        }
        let said = |operation: &Operation<'a>| {
            ["summary", "description"].map(|keyword| words(operation.value.get(keyword)))
        };
        if said(old) != said(new) {
            self.at(new.value, Effect::Documentation, "words changed".to_owned());
        }
        let tags = |operation: &Operation<'a>| -> BTreeSet<String> {
            let tags = operation.value.get("tags").and_then(Value::as_array);
            tags.into_iter().flatten().map(|tag| words(Some(tag))).collect()
        };
        if tags(old) != tags(new) {
            self.at(new.value, Effect::Documentation, "tags changed".to_owned());
        }
        for keyword in ["callbacks", "externalDocs"] {
            let text = |source: &Source<'a>, operation: &Operation<'a>| {
                operation.value.get(keyword).map(|value| source.canonical(value))
            };
            if text(self.schemas.old, old) != text(self.schemas.new, new) {
                // The client has neither.
                self.at(new.value, Effect::Documentation, format!("`{keyword}` changed"));
            }
        }
        self.own_extensions(old, new);
        for (before, now) in [(old.item, new.item), (old.value, new.value)] {
            self.servers(before, now);
        }
        self.security(old, new);
        self.parameters(old, new);
        self.request_body(old, new);
        self.responses(old, new);
    }

    /// `x-onkernel-*` steers the generator.
    fn own_extensions(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let own = |source: &Source<'a>, operation: &Operation<'a>| -> BTreeMap<&'a str, String> {
            let fields = operation.value.as_object().into_iter().flatten();
            fields
                .filter(|(key, _)| key.starts_with("x-onkernel-") && !NAMES.contains(&key.as_str()))
                .map(|(key, value)| (key.as_str(), source.canonical(value)))
                .collect()
        };
        let (before, now) = (own(self.schemas.old, old), own(self.schemas.new, new));
        let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        for key in keys {
            if before.get(key) != now.get(key) {
                let what = presence(&code(key), before.get(key).cloned(), now.get(key).cloned());
                self.at(new.value, Effects::callers_only(Effect::Behaviour), what);
            }
        }
    }
}
