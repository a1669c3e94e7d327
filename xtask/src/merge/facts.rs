//! The facts of a document, without a word of its prose, spelled as ours spells them.

use super::grammar::{Kind, Role, role};
use crate::error::Error;
use crate::tree::Tree;
use onkernel_codegen::document::pointer::join;
use onkernel_codegen::{Document, Problem};
use serde_json::Value;

/// The facts of a document.
///
/// # Errors
/// Every key that is neither known to hold facts nor known to hold words: what it holds must not get
/// into the repository by accident.
pub(super) fn of(document: &Document) -> Result<Tree, Error> {
    let version = document.root().get("openapi").and_then(Value::as_str).unwrap_or_default();
    let is_3_1 = !version.starts_with("3.0");
    let mut reading = Reading { document, problems: Vec::new(), is_3_1 };
    let facts = reading.value(Kind::Document, &Tree::of(document), "");
    match reading.problems.is_empty() {
        true => Ok(facts),
        false => Err(Error {
            lines: reading.problems.iter().map(ToString::to_string).collect(),
            code: 1,
        }),
    }
}

struct Reading<'d> {
    document: &'d Document,
    problems: Vec<Problem>,
    is_3_1: bool,
}

impl Reading<'_> {
    fn value(&mut self, kind: Kind, value: &Tree, at: &str) -> Tree {
        match value {
            Tree::Map(members) => self.object(kind, members, at),
            // `true` and `false` are schemas, too.
            Tree::Scalar(Value::Bool(_)) if kind == Kind::Schema || kind == Kind::Field => {
                value.clone()
            }
            _ => self.unexpected(at, "a mapping"),
        }
    }

    fn object(&mut self, kind: Kind, members: &[(String, Tree)], at: &str) -> Tree {
        let mut facts = Vec::new();
        for (key, value) in members {
            let at = join(at, key);
            let fact = match role(kind, key) {
                None if key.starts_with("x-") => continue,
                None => {
                    self.unknown(key, &at);
                    continue;
                }
                Some(Role::Words | Role::Unused) => continue,
                Some(Role::Fact | Role::Set) => value.clone(),
                Some(Role::One(inner)) => self.value(inner, value, &at),
                Some(Role::Map(inner)) => self.map(inner, value, &at),
                Some(Role::List(inner)) => self.list(inner, value, &at),
            };
            facts.push((key.clone(), fact));
        }
        if self.is_3_1 && matches!(kind, Kind::Schema | Kind::Field) {
            spell_null(&mut facts);
        }
        Tree::Map(facts)
    }

    fn map(&mut self, kind: Kind, value: &Tree, at: &str) -> Tree {
        let Tree::Map(members) = value else { return self.unexpected(at, "a mapping") };
        // Anywhere else `x-` begins a name: that of a property or a header.
        let extensible = matches!(kind, Kind::PathItem | Kind::Response);
        let members = members.iter().filter(|(name, _)| !(extensible && name.starts_with("x-")));
        let facts = members.map(|(name, value)| {
            let facts = self.value(kind, value, &join(at, name));
            (name.clone(), facts)
        });
        Tree::Map(facts.collect())
    }

    fn list(&mut self, kind: Kind, value: &Tree, at: &str) -> Tree {
        let Tree::List(items) = value else { return self.unexpected(at, "a list") };
        let items = items.iter().enumerate();
        Tree::List(items.map(|(index, it)| self.value(kind, it, &join(at, index))).collect())
    }

    fn unexpected(&mut self, at: &str, wanted: &str) -> Tree {
        let message = format!("{wanted} is expected here");
        self.problems.push(self.document.problem(at, message, "correct it here"));
        Tree::Scalar(Value::Null)
    }

    fn unknown(&mut self, key: &str, at: &str) {
        let message = format!("nothing says whether `{key}` holds facts or words");
        let help = "add it to xtask/src/merge/grammar.rs";
        self.problems.push(self.document.problem(at, message, help));
    }
}

/// `nullable`, which 3.1 does not have and documents of 3.1 use all the same, as 3.1 says it.
fn spell_null(schema: &mut Vec<(String, Tree)>) {
    let Some(at) = schema.iter().position(|(key, _)| key == "nullable") else { return };
    let (_, nullable) = schema.remove(at);
    if nullable != Tree::Scalar(Value::Bool(true)) {
        return;
    }
    let null = || Tree::pair("type", Tree::string("null"));
    let position = |key: &str| schema.iter().position(|(name, _)| name == key);
    if let Some(at) = position("type") {
        let values = position("enum");
        if let (_, Tree::Scalar(_)) = &schema[at] {
            let name = schema[at].1.clone();
            schema[at].1 = Tree::List(vec![name, Tree::string("null")]);
        }
        if let Some((_, Tree::List(values))) = values.map(|at| &mut schema[at]) {
            let null = Tree::Scalar(Value::Null);
            if !values.contains(&null) {
                values.push(null);
            }
        }
    } else if let Some(at) = position("$ref") {
        let (_, reference) = schema.remove(at);
        let choices = vec![Tree::pair("$ref", reference), null()];
        schema.insert(at, ("anyOf".to_owned(), Tree::List(choices)));
    } else if let Some((_, Tree::List(choices))) = position("anyOf").map(|at| &mut schema[at]) {
        choices.push(null());
    } else {
        schema.insert(at, ("nullable".to_owned(), nullable));
    }
}
