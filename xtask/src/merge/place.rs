//! A place in our document: the object there and, where it is a reference, what it refers to.

use super::grammar::{Kind, Role, role};
use crate::tree::Tree;
use onkernel_codegen::document::pointer::{join, of_reference};

/// An object of ours.
#[derive(Clone, Debug)]
pub(super) struct Place<'o> {
    pub(super) at: String,
    pub(super) node: &'o Tree,
    /// What its reference leads to.
    target: Option<(String, &'o Tree)>,
}

/// What stands at a key of a place, and where.
pub(super) type Found<'o> = (String, &'o Tree);

impl<'o> Place<'o> {
    pub(super) fn of(ours: &'o Tree, at: &str) -> Option<Self> {
        Some(Self::new(ours, at.to_owned(), ours.pointer(at)?))
    }

    pub(super) fn new(ours: &'o Tree, at: String, node: &'o Tree) -> Self {
        let target = node.get("$ref").and_then(Tree::as_str).and_then(|reference| {
            let at = of_reference(reference)?;
            let node = ours.pointer(&at)?;
            Some((at, node))
        });
        Self { at, node, target }
    }

    /// The name and the section of the component that it refers to.
    pub(super) fn reference(&self) -> Option<&'o str> {
        self.node.get("$ref").and_then(Tree::as_str)
    }

    /// The same place without what it refers to.
    pub(super) fn alone(self) -> Self {
        Self { target: None, ..self }
    }

    /// What stands at a key, here or in what is referred to.
    pub(super) fn get(&self, key: &str) -> Option<Found<'o>> {
        let own = self.node.get(key).map(|it| (join(&self.at, key), it));
        own.or_else(|| {
            let (at, node) = self.target.as_ref()?;
            Some((join(at, key), node.get(key)?))
        })
    }

    /// All keys, those of what is referred to after the own.
    pub(super) fn keys(&self) -> Vec<&'o str> {
        let own = self.node.members().iter().map(|(key, _)| key.as_str());
        let Some((_, target)) = &self.target else { return own.collect() };
        let mut keys: Vec<_> = own.filter(|key| *key != "$ref").collect();
        let further = target.members().iter().map(|(key, _)| key.as_str());
        let further: Vec<_> = further.filter(|key| !keys.contains(key)).collect();
        keys.extend(further);
        keys
    }
}

/// What of ours would be lost with its place.
#[derive(Debug, Default)]
pub(super) struct Owned {
    /// Pointers of words, the empty ones left out.
    pub(super) words: Vec<String>,
    /// Pointers of marks: keys of ours, and the format of a secret.
    pub(super) marks: Vec<String>,
}

/// The format of a string that is a secret.
pub(super) const SECRET: &str = "password";

impl Owned {
    pub(super) fn of(ours: &Tree) -> Self {
        let mut owned = Self::default();
        owned.collect(Kind::Document, ours, "");
        owned
    }

    fn collect(&mut self, kind: Kind, tree: &Tree, at: &str) {
        for (key, value) in tree.members() {
            let at = join(at, key);
            match role(kind, key) {
                Some(Role::Words) if value.as_str() != Some("") => self.words.push(at),
                Some(Role::Fact) if key == "format" && value.as_str() == Some(SECRET) => {
                    self.marks.push(at);
                }
                None if key.starts_with("x-onkernel-") => self.marks.push(at),
                Some(Role::One(kind)) => self.collect(kind, value, &at),
                Some(Role::Map(kind)) => {
                    let members = value.members().iter();
                    members.for_each(|(key, it)| self.collect(kind, it, &join(&at, key)));
                }
                Some(Role::List(kind)) => {
                    let items = value.items().iter().enumerate();
                    items.for_each(|(index, it)| self.collect(kind, it, &join(&at, index)));
                }
                _ => {}
            }
        }
    }
}
