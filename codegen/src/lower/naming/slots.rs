//! What a call takes gets its name: parameters, and the fields of the body side by side with them.
//!
//! | what | is called |
//! |---|---|
//! | a parameter, a field | by its name |
//! | the same where a parameter before it is called so | `query_…`, `header_…`, `body_…` |
//! | what has the name of a method of calls (`send`, `items`), or `set_` before the name of another | with a `_` at the end |
//! | what still is not alone | with a number |
//!
//! ```yaml
//! # before                                      # after
//! parameters: [{ name: sort, in: query }]       parameters: [{ …, x-onkernel-name: sort }]
//! requestBody: { content: { …: { schema: … } } }  requestBody: { …, x-onkernel-slots: { sort: body_sort } }
//! ```

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::members::NAME;
use super::spell::{self, strangeness};
use crate::openapi::walk;

/// The methods that every call may have.
const METHODS: [&str; 9] =
    ["clone", "download", "events", "fmt", "items", "new", "pages", "send", "send_raw"];

/// The most required fields of a body that are arguments of their own.
const MOST: usize = 4;

/// Who keeps a name that several have a right to: a field of the body makes way for parameters.
const PLACES: [&str; 4] = ["path", "query", "header", "body"];

/// Something to be named.
struct Slot {
    /// Its name on the wire.
    wire: String,
    /// As it would be called if it were alone.
    plain: String,
    /// Where it travels.
    place: &'static str,
}

pub(in crate::lower) fn apply(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    walk::operations(document, &mut |_, _, _, operation| {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let parameter = |it: &Value| {
            let wire = it["name"].as_str().unwrap_or_default().to_owned();
            let place = match it["in"].as_str() {
                Some("path") => "path",
                Some("header") => "header",
                _ => "query",
            };
            Slot { plain: spell::snake(&wire), wire, place }
        };
        let mut slots: Vec<Slot> = parameters.iter().map(parameter).collect();
        let body = operation.get("requestBody").map(|body| Body::of(body, &schemas));
        slots.extend(body.iter().flat_map(Body::slots));
        let mut names = named(&slots).into_iter();
        let list = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for (parameter, name) in
            list.into_iter().flatten().zip(names.by_ref().take(parameters.len()))
        {
            parameter[NAME] = json!(name);
        }
        if let Some(body) = body {
            body.write(&mut operation["requestBody"], names);
        }
    });
}

/// How a call takes its body.
struct Body {
    /// Whether it is an argument of its own, or a setter's.
    whole: bool,
    /// The fields that are, by their names on the wire and in Rust.
    fields: Vec<(String, String)>,
    /// What all else that it may hold is called in Rust.
    extra: Option<&'static str>,
}

impl Body {
    fn of(body: &Value, schemas: &Map<String, Value>) -> Self {
        let content = body["content"].as_object();
        let media = content.and_then(|content| content.values().next()).unwrap_or(&Value::Null);
        let name = media["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let schema = name.and_then(|name| schemas.get(name)).unwrap_or(&Value::Null);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        // A choice has no properties with names.
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields = properties.filter_map(|(wire, it)| {
            let name = it[NAME].as_str()?.to_owned();
            Some((wire.clone(), name, required.iter().any(|it| it == wire)))
        });
        let fields: Vec<(String, String, bool)> = fields.collect();
        let count = fields.iter().filter(|(.., required)| *required).count();
        let flat = !fields.is_empty() && (body["required"] == true || count == 0);
        let is_taken = fields.iter().any(|(_, name, _)| name == "extra");
        let has_more = flat && schema["additionalProperties"].is_object();
        let kept = fields.into_iter().filter(|(.., required)| flat && !(*required && count > MOST));
        Self {
            whole: !flat || count > MOST,
            fields: kept.map(|(wire, name, _)| (wire, name)).collect(),
            extra: has_more.then_some(if is_taken { "extra_" } else { "extra" }),
        }
    }

    fn slots(&self) -> Vec<Slot> {
        let slot = |wire: &str, plain: &str| Slot {
            wire: wire.to_owned(),
            plain: plain.to_owned(),
            place: "body",
        };
        let whole = self.whole.then(|| slot("body", "body"));
        let fields = self.fields.iter().map(|(wire, name)| slot(wire, name));
        let extra = self.extra.map(|name| slot(name, name));
        whole.into_iter().chain(fields).chain(extra).collect()
    }

    fn write(&self, body: &mut Value, mut names: impl Iterator<Item = String>) {
        if self.whole {
            body[NAME] = json!(names.next());
        }
        let fields: Map<String, Value> = self
            .fields
            .iter()
            .zip(names.by_ref())
            .map(|((wire, _), name)| (wire.clone(), json!(name)))
            .collect();
        body["x-onkernel-slots"] = json!(fields);
        if self.extra.is_some() {
            body["x-onkernel-extra"] = json!(names.next());
        }
    }
}

/// A name for each, in their order.
fn named(slots: &[Slot]) -> Vec<String> {
    let plain: BTreeSet<&str> = slots.iter().map(|slot| slot.plain.as_str()).collect();
    let spelt = |name: &str| {
        let of_another = name.strip_prefix("set_").is_some_and(|other| plain.contains(other));
        if METHODS.contains(&name) || of_another { format!("{name}_") } else { name.to_owned() }
    };
    let rank = |slot: &Slot| PLACES.iter().position(|place| *place == slot.place);
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by_key(|at| {
        let slot = &slots[*at];
        (slot.place == "body", strangeness(&slot.wire, &slot.plain), rank(slot), &slot.wire)
    });
    let mut names = vec![String::new(); slots.len()];
    let mut used = BTreeSet::new();
    for at in order {
        let Slot { plain: own, place, .. } = &slots[at];
        let bare = own.trim_end_matches('_');
        let placed = spelt(&format!("{place}_{bare}"));
        let is_free = |name: &String| {
            let claimed = *name != spelt(own) && plain.contains(name.as_str());
            !claimed && !used.contains(name) && !used.contains(&format!("set_{name}"))
        };
        let numbered = (2..).map(|count| spelt(&format!("{bare}{count}")));
        let free = [spelt(own), placed].into_iter().chain(numbered).find(is_free);
        let name = free.unwrap_or_default();
        used.insert(format!("set_{name}"));
        used.insert(name.clone());
        names[at] = name;
    }
    names
}
