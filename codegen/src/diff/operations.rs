//! The operations of two documents: which belong together, and what changed around their schemas.

use super::effect::{self, Effect, Shift, Way};
use super::report::{Change, Report};
use super::schemas::{Difference, Schemas, Site, code, presence};
use super::source::{Node, Source, address, plain, words};
use crate::lower::names;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const METHODS: [&str; 8] = ["get", "put", "post", "patch", "delete", "head", "options", "trace"];
/// Headers that OpenAPI leaves to other parts of the document when they are listed as parameters.
const NOT_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];
/// The headers from which a list operation gets its `stream()`.
const PAGING: [&str; 2] = ["x-has-more", "x-next-offset"];

/// One method on one path.
#[derive(Clone)]
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    item: &'a Value,
    value: &'a Value,
}

/// What identifies an operation to the server: names of path parameters are our affair only.
type Endpoint = (String, &'static str);

impl<'a> Operation<'a> {
    fn all(source: &Source<'a>) -> BTreeMap<Endpoint, Self> {
        let mut all = BTreeMap::new();
        let paths = source.root.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            let item = source.deref(item);
            for method in METHODS {
                if let Some(value) = item.get(method) {
                    let operation = Operation { method, path, item, value };
                    all.insert((blanked(path), method), operation);
                }
            }
        }
        all
    }

    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    fn id(&self) -> Option<&'a str> {
        self.value.get("operationId").and_then(Value::as_str)
    }

    fn flag(&self, keyword: &str) -> bool {
        self.value.get(keyword) == Some(&Value::Bool(true))
    }

    /// What its method is called in Rust.
    fn method_name(&self, source: &Source<'a>) -> String {
        if let Some(given) = self.value.get("x-onkernel-name").and_then(Value::as_str) {
            return given.to_owned();
        }
        // The rule looks at what kind of thing comes back, and expects no references.
        let mut resolved = json!({ "responses": {} });
        for (status, response) in responses(source, self) {
            for (media, (_, node)) in media(source, response) {
                let schema = source.schema(&node);
                resolved["responses"][&status]["content"][media] = json!({
                    "schema": { "type": schema.type_words(), "format": schema.format }
                });
            }
        }
        names::by_rule(self.id().unwrap_or_default(), self.method, self.path, &resolved)
    }

    /// The path's parameters and its own, which win.
    fn parameters(&self, source: &Source<'a>) -> BTreeMap<(String, String), Parameter<'a>> {
        let mut all = BTreeMap::new();
        for owner in [self.item, self.value] {
            for raw in owner.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                let value = source.deref(raw);
                let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
                let (Some(place), Some(name)) = (text("in"), text("name")) else {
                    continue;
                };
                let name =
                    if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
                if place != "header" || !NOT_PARAMETERS.contains(&name.as_str()) {
                    all.insert((place.to_owned(), name), Parameter::read(source, place, value));
                }
            }
        }
        all
    }
}

/// `/org/api_keys/{id}` as `/org/api_keys/{}`.
fn blanked(path: &str) -> String {
    let mut blank = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        if character == '}' {
            inside = false;
        }
        if !inside {
            blank.push(character);
        }
        if character == '{' {
            inside = true;
        }
    }
    blank
}

/// The names of path parameters in the order in which they stand.
fn template_names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

#[derive(Clone)]
struct Parameter<'a> {
    value: &'a Value,
    required: bool,
    /// How the value is written on the wire.
    wire: String,
    schema: Node<'a>,
}

impl<'a> Parameter<'a> {
    fn read(source: &Source<'a>, place: &str, value: &'a Value) -> Self {
        let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
        let flag = |keyword: &str| value.get(keyword).and_then(Value::as_bool);
        let media =
            value.get("content").and_then(Value::as_object).and_then(|map| map.iter().next());
        let (wire, schema) = match media {
            Some((media, content)) => (media_type(media), content.get("schema")),
            None => {
                let usual = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
                let style = text("style").unwrap_or(usual);
                let mut wire = style.to_owned();
                let explode = flag("explode").unwrap_or(style == "form");
                for (said, word) in [
                    (explode, " exploded"),
                    (flag("allowReserved") == Some(true), " reserved characters allowed"),
                    (flag("allowEmptyValue") == Some(true), " empty value allowed"),
                ] {
                    if said {
                        wire.push_str(word);
                    }
                }
                (wire, value.get("schema"))
            }
        };
        Self {
            value,
            required: place == "path" || flag("required") == Some(true),
            wire,
            schema: source.node(schema.into_iter().collect()),
        }
    }
}

/// `Application/JSON; charset=utf-8` is `application/json`.
fn media_type(name: &str) -> String {
    name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

type Media<'a> = BTreeMap<String, (&'a Value, Node<'a>)>;

fn media<'a>(source: &Source<'a>, owner: &'a Value) -> Media<'a> {
    let content = owner.get("content").and_then(Value::as_object).into_iter().flatten();
    content
        .map(|(name, value)| {
            let schema = value.get("schema").into_iter().collect();
            (media_type(name), (value, source.node(schema)))
        })
        .collect()
}

/// Where in an operation schemas are being compared, in the words of messages.
#[derive(Clone)]
struct Place {
    /// Followed by a change of the whole: `request body`.
    whole: String,
    /// Followed by the path of a property: `request property`.
    part: String,
}

pub(super) fn compare(old: &Value, new: &Value) -> Report {
    let (old, new) = (Source::new(old), Source::new(new));
    let mut comparison =
        Comparison { schemas: Schemas::new(&old, &new), operation: None, found: Vec::new() };
    comparison.document();
    comparison.operations();
    comparison.report()
}

struct Found<'a> {
    operation: Option<Operation<'a>>,
    message: String,
    effect: Effect,
    site: Option<Site<'a>>,
}

struct Comparison<'s, 'a> {
    schemas: Schemas<'s, 'a>,
    /// The operation that is being compared.
    operation: Option<Operation<'a>>,
    found: Vec<Found<'a>>,
}

impl<'a> Comparison<'_, 'a> {
    fn note(&mut self, effect: Effect, message: String, site: Option<Site<'a>>) {
        let operation = self.operation.clone();
        self.found.push(Found { operation, message, effect, site });
    }

    /// A change at a value of the new document.
    fn at(&mut self, new: &'a Value, effect: Effect, message: String) {
        self.note(effect, message, Some(Site::New(new)));
    }

    fn gone(&mut self, old: &'a Value, effect: Effect, message: String) {
        self.note(effect, message, Some(Site::Old(old)));
    }

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
            self.at(site, Effect::Documentation, "further servers changed".to_owned());
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
        let mut pairs = Vec::new();
        for key in both {
            pairs.extend(old.remove(&key).zip(new.remove(&key)));
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
            pairs.extend(old.remove(&before).zip(new.remove(&now)));
        }
        for operation in old.into_values() {
            self.operation = Some(operation.clone());
            self.gone(operation.value, Effect::Breaking, "operation removed".to_owned());
        }
        for operation in new.into_values() {
            self.operation = Some(operation.clone());
            self.at(operation.value, Effect::Additive, "operation added".to_owned());
        }
        for (old, new) in pairs {
            self.operation = Some(new.clone());
            self.pair(&old, &new);
        }
        self.operation = None;
    }

    fn pair(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        if (blanked(old.path), old.method) != (blanked(new.path), new.method) {
            let what = format!("operation moved here from `{}`", old.name());
            self.at(new.value, Effect::Behaviour, what);
        }
        let (was, is) = (old.method_name(self.schemas.old), new.method_name(self.schemas.new));
        if was != is {
            self.at(new.value, Effect::Breaking, format!("method `{was}` renamed to `{is}`"));
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
                .filter(|(key, _)| key.starts_with("x-onkernel-") && *key != "x-onkernel-name")
                .map(|(key, value)| (key.as_str(), source.canonical(value)))
                .collect()
        };
        let (before, now) = (own(self.schemas.old, old), own(self.schemas.new, new));
        let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        for key in keys {
            if before.get(key) != now.get(key) {
                let what = presence(&code(key), before.get(key).cloned(), now.get(key).cloned());
                self.at(new.value, Effect::Behaviour, what);
            }
        }
    }

    fn security(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let before = Credentials::of(self.schemas.old, old);
        let now = Credentials::of(self.schemas.new, new);
        if before == now {
            return;
        }
        let effect = if before.still_accepted(&now) { Effect::Additive } else { Effect::Breaking };
        let what = format!("credentials changed from {before} to {now}");
        self.at(new.value.get("security").unwrap_or(new.value), effect, what);
    }

    fn parameters(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
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
                let what = format!("path parameter `{was}` renamed to `{is}`");
                self.at(pair.1.value, Effect::Breaking, what);
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
                self.at(pair.1.value, Effect::Behaviour, what);
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

    fn parameter(&mut self, place: String, old: &Parameter<'a>, new: &Parameter<'a>) {
        if old.required != new.required {
            // The setter takes the same values; only leaving it out is new.
            let (word, effect) = match new.required {
                true => ("required", Effect::Breaking),
                false => ("optional", Effect::Additive),
            };
            self.at(new.value, effect, format!("{place} made {word}"));
        }
        if old.wire != new.wire {
            let what = format!("{place}: written as {} instead of {}", new.wire, old.wire);
            self.at(new.value, Effect::Behaviour, what);
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

    fn words(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        if words(old.get("description")) != words(new.get("description")) {
            self.at(new, Effect::Documentation, format!("{place}: words changed"));
        }
    }

    fn schemas(
        &mut self,
        way: Way,
        place: &Place,
        old: &Node<'a>,
        new: &Node<'a>,
        weigh: impl Fn(Effect) -> Effect,
    ) {
        for Difference { path, what, effect, site } in self.schemas.compare(way, old, new) {
            let message = if path.is_empty() {
                format!("{}{what}", place.whole)
            } else {
                format!("{} `{path}`{what}", place.part)
            };
            self.note(weigh(effect), message, site);
        }
    }

    fn request_body(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let body = |source: &Source<'a>, operation: &Operation<'a>| {
            operation.value.get("requestBody").map(|body| source.deref(body))
        };
        let required = |body: &Value| body.get("required") == Some(&Value::Bool(true));
        let (before, now) = match (body(self.schemas.old, old), body(self.schemas.new, new)) {
            (None, None) => return,
            (None, Some(now)) => {
                let word = if required(now) { "required" } else { "optional" };
                let effect = effect::property_added(Way::Request, required(now));
                return self.at(now, effect, format!("request body added, {word}"));
            }
            (Some(before), None) => {
                return self.gone(before, Effect::Breaking, "request body removed".to_owned());
            }
            (Some(before), Some(now)) => (before, now),
        };
        if required(before) != required(now) {
            let (word, effect) = match required(now) {
                true => ("required", Effect::Breaking),
                false => ("optional", Effect::Additive),
            };
            self.at(now, effect, format!("request body made {word}"));
        }
        self.words("request body", before, now);
        let place = Place { whole: "request body".to_owned(), part: "request property".to_owned() };
        self.media(Way::Request, &place, before, now, |change| match change {
            MediaChange::Added => Effect::Additive,
            MediaChange::Removed => Effect::Breaking,
        });
    }

    /// The content types of a body, and the schema of each.
    fn media(
        &mut self,
        way: Way,
        place: &Place,
        old: &'a Value,
        new: &'a Value,
        effect: impl Fn(MediaChange) -> Effect,
    ) {
        let (before, now) = (media(self.schemas.old, old), media(self.schemas.new, new));
        let several = before.len() > 1 || now.len() > 1;
        for (name, (value, _)) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let what = format!("{}: content type `{name}` removed", place.whole);
            self.gone(value, effect(MediaChange::Removed), what);
        }
        for (name, (value, now)) in &now {
            let Some((old_value, before)) = before.get(name) else {
                let what = format!("{}: content type `{name}` added", place.whole);
                self.at(value, effect(MediaChange::Added), what);
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

    fn responses(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
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
                _ if success && from_or_to_nothing => Effect::Breaking,
                MediaChange::Removed if success => Effect::Breaking,
                _ => Effect::Behaviour,
            });
        }
    }

    /// One success status for another: the same answer under a new number, as far as the bodies go.
    fn success_moved(
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
    fn of_success(&mut self, others: BTreeMap<String, &'a Value>, site: Site<'a>) -> Effect {
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
    fn bodies(&self, old: &'a Value, new: &'a Value) -> [Vec<(String, Vec<usize>)>; 2] {
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

    fn headers(&mut self, status: &str, old: &'a Value, new: &'a Value) {
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
            let effect = if paging { Effect::Breaking } else { Effect::Behaviour };
            self.gone(was, effect, format!("{} removed", place(name)));
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

    fn report(self) -> Report {
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
                    effect: found.effect,
                };
                ((rank, change.effect, change.message.clone()), change)
            })
            .collect();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        changes.dedup();
        Report::new(changes.into_iter().map(|(_, change)| change).collect())
    }
}

#[derive(Clone, Copy)]
enum MediaChange {
    Added,
    Removed,
}

fn responses<'a>(source: &Source<'a>, operation: &Operation<'a>) -> BTreeMap<String, &'a Value> {
    let responses = operation.value.get("responses").and_then(Value::as_object);
    responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| !status.starts_with("x-"))
        .map(|(status, response)| (status.to_ascii_uppercase(), source.deref(response)))
        .collect()
}

fn is_success(status: &str) -> bool {
    status.starts_with('2')
}

/// What an operation accepts as credentials: any one of the sets.
#[derive(PartialEq, Eq)]
struct Credentials(BTreeSet<BTreeSet<String>>);

impl Credentials {
    fn of<'a>(source: &Source<'a>, operation: &Operation<'a>) -> Self {
        let stated = operation.value.get("security").or_else(|| source.root.get("security"));
        let alternatives = stated.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut sets: BTreeSet<BTreeSet<String>> = BTreeSet::new();
        for alternative in alternatives {
            let mut set = BTreeSet::new();
            for (name, scopes) in alternative.as_object().into_iter().flatten() {
                let scheme = scheme(source, name);
                set.insert(scheme.clone());
                for scope in scopes.as_array().into_iter().flatten() {
                    set.insert(format!("{scheme} with scope {}", plain(scope)));
                }
            }
            sets.insert(set);
        }
        if sets.is_empty() {
            sets.insert(BTreeSet::new());
        }
        Self(sets)
    }

    /// Whether everyone who was let in still is.
    fn still_accepted(&self, now: &Self) -> bool {
        self.0.iter().all(|before| now.0.iter().any(|now| now.is_subset(before)))
    }
}

impl std::fmt::Display for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sets: Vec<_> = self
            .0
            .iter()
            .map(|set| match set.len() {
                0 => "none".to_owned(),
                _ => set.iter().cloned().collect::<Vec<_>>().join(" and "),
            })
            .collect();
        f.write_str(&sets.join(" or "))
    }
}

/// A security scheme by what it asks for; its name does not matter.
fn scheme<'a>(source: &Source<'a>, name: &str) -> String {
    let schemes = source.root.pointer("/components/securitySchemes");
    let Some(scheme) = schemes.and_then(|schemes| schemes.get(name)) else {
        return code(name);
    };
    let scheme = source.deref(scheme);
    let text = |keyword: &str| scheme.get(keyword).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "http" => format!("HTTP {}", text("scheme").to_ascii_lowercase()),
        "apiKey" => format!("key in {} `{}`", text("in"), text("name")),
        "openIdConnect" => format!("OpenID Connect by {}", code(text("openIdConnectUrl"))),
        "oauth2" => "OAuth 2".to_owned(),
        _ => code(name),
    }
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
