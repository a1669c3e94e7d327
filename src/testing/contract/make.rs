//! Values of a schema: the same for the same request, with everything in them that may be there.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::check::check;
use super::document::{Choice, Contract, Kind, Schema};
use super::relations::settle;
use super::text::text;

/// What tells of an end or a failure is left out where it may be: things are well.
const UNTOLD: [&str; 4] = ["deleted_at", "error", "error_message", "error_code"];

/// What is true where nothing else is said.
const TRUE: [&str; 3] = ["success", "ok", "enabled"];

/// The states of things that have come to a good end, the best first.
const GOOD_ENDS: [&str; 5] = ["succeeded", "completed", "running", "ready", "connected"];

/// How deep values are nested at most, whatever a schema asks for.
const DEPTH: usize = 32;

pub(super) struct Maker {
    pub(super) contract: &'static Contract,
    /// What times are.
    pub(super) time: DateTime<Utc>,
    /// What ids and names end in.
    pub(super) number: u64,
    /// Whether what goes on by itself has come to its end.
    pub(super) has_ended: bool,
    /// The named schemas around what is being made.
    around: Vec<&'static str>,
}

impl Maker {
    pub(super) fn new(contract: &'static Contract, time: DateTime<Utc>, number: u64) -> Self {
        Self { contract, time, number, has_ended: false, around: Vec::new() }
    }

    /// A value of a schema, called so; of what is known, as much as the schema allows.
    pub(super) fn value(
        &mut self,
        schema: &'static Schema,
        name: &str,
        known: Option<&Value>,
    ) -> Value {
        let target = self.contract.resolve(schema);
        let nullable = schema.nullable || target.nullable;
        if nullable && (known.is_some_and(Value::is_null) || self.around.len() > DEPTH) {
            return Value::Null;
        }
        let names = self.around.len();
        self.around.extend(schema.reference.as_deref());
        let made = self.made(target, name, known);
        self.around.truncate(names);
        made
    }

    fn made(&mut self, schema: &'static Schema, name: &str, known: Option<&Value>) -> Value {
        if let Some(choice) = &schema.choice {
            return self.choice(choice, name, known);
        }
        if !schema.properties.is_empty() {
            return Value::Object(self.object(schema, known));
        }
        let fits = |it: &&Value| !it.is_null() && check(self.contract, schema, it, name).is_empty();
        if let Some(known) = known.filter(fits).or(schema.default.as_ref().filter(fits)) {
            return known.clone();
        }
        if let Some(values) = &schema.values {
            let ends = GOOD_ENDS.iter().filter(|_| self.has_ended && name == "status");
            let mut ends = ends.filter_map(|end| values.iter().find(|it| *it == end));
            return ends.next().or(values.first()).cloned().unwrap_or_default();
        }
        match schema.kind {
            Some(Kind::Null) => Value::Null,
            Some(Kind::Boolean) => Value::from(TRUE.contains(&name)),
            Some(Kind::Integer) => Value::from(number(schema) as i64),
            Some(Kind::Number) => Value::from(number(schema)),
            Some(Kind::Array) => self.array(schema, name, known),
            Some(Kind::Object) => Value::Object(self.object(schema, known)),
            Some(Kind::String) => Value::from(text(schema, name, self.time, self.number)),
            None => Value::from(name),
        }
    }

    fn array(&mut self, schema: &'static Schema, name: &str, known: Option<&Value>) -> Value {
        let Some(items) = &schema.items else { return Value::Array(Vec::new()) };
        let item = |index: usize| schema.item(index).unwrap_or(items);
        if let Some(Value::Array(known)) = known {
            let items = known.iter().enumerate();
            return items.map(|(at, it)| self.value(item(at), name, Some(it))).collect();
        }
        let usual = if self.is_around(items) { 0 } else { schema.places.len().max(1) };
        let count = usual.max(schema.min_items.unwrap_or(0)).min(schema.max_items.unwrap_or(8));
        (0..count).map(|at| self.value(item(at), name, None)).collect()
    }

    /// An object of a schema.
    pub(super) fn object(
        &mut self,
        schema: &'static Schema,
        known: Option<&Value>,
    ) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, property) in &schema.properties {
            let known = known.and_then(|it| it.get(name));
            let untold = UNTOLD.contains(&name.as_str()) && known.is_none();
            if !schema.requires(name) && (untold || self.is_around(property)) {
                continue;
            }
            if self.beside(property).is_none() {
                fields.insert(name.clone(), self.value(property, name, known));
            }
        }
        for (name, property) in &schema.properties {
            let Some(choice) = self.beside(property) else { continue };
            let known = known.and_then(|it| it.get(name));
            let tag = choice.tag.as_ref().and_then(|tag| fields.get(tag)?.as_str());
            if let Some(kind) = tag.and_then(|tag| choice.tagged(tag)) {
                fields.insert(name.clone(), self.value(kind, name, known));
            }
        }
        if let Some(rest) = schema.rest.as_deref().filter(|_| schema.properties.is_empty())
            && !self.is_around(rest)
        {
            fields.insert("key".to_owned(), self.value(rest, "value", None));
        }
        settle(&schema.relations, schema.sets.as_ref(), known, &mut fields);
        fields
    }

    /// The choice of a property whose kind another one says.
    fn beside(&self, property: &'static Schema) -> Option<&'static Choice> {
        self.contract.resolve(property).choice.as_ref().filter(|it| it.beside)
    }

    fn choice(&mut self, choice: &'static Choice, name: &str, known: Option<&Value>) -> Value {
        let tag = choice.tag.as_deref();
        let known_tag = tag.and_then(|tag| known?.get(tag)?.as_str());
        let fits = |it: &Schema| {
            known.is_some_and(|known| check(self.contract, it, known, name).is_empty())
        };
        let mut kinds = choice.kinds.iter();
        let kind = kinds
            .clone()
            .find(|it| match tag {
                Some(_) => it.tags.iter().any(|it| Some(it.as_str()) == known_tag),
                None => fits(&it.schema),
            })
            .or_else(|| kinds.clone().find(|it| !self.is_around(&it.schema)))
            .or_else(|| kinds.next());
        let Some(kind) = kind else { return Value::Null };
        let said = known_tag.filter(|it| kind.tags.iter().any(|tag| tag == it));
        let said = said.or(kind.tags.first().map(String::as_str));
        let mut value = self.value(&kind.schema, name, known);
        if let (Some(tag), Some(said), Value::Object(fields)) = (tag, said, &mut value) {
            fields.insert(tag.to_owned(), Value::from(said));
        }
        value
    }

    /// Whether a schema, or that of its items, would be made inside itself.
    fn is_around(&self, schema: &Schema) -> bool {
        let own = schema.reference.as_deref().is_some_and(|name| self.around.contains(&name));
        let target = self.contract.resolve(schema);
        let mut inner = target.items.iter().chain(&target.rest);
        own || self.around.len() > DEPTH
            || inner.any(|it| it.reference.as_deref().is_some_and(|it| self.around.contains(&it)))
    }
}

/// The number nearest to zero that the bounds allow.
fn number(schema: &Schema) -> f64 {
    let step = schema.multiple_of.unwrap_or(1.0);
    let up = |it: f64| (it / step).ceil() * step;
    let least = schema.minimum.map_or(f64::MIN, |it| {
        if schema.exclusive_minimum && up(it) == it { up(it) + step } else { up(it) }
    });
    let down = |it: f64| (it / step).floor() * step;
    let most = schema.maximum.map_or(f64::MAX, |it| {
        if schema.exclusive_maximum && down(it) == it { down(it) - step } else { down(it) }
    });
    0.0_f64.min(most).max(least)
}
