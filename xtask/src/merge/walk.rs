//! Walks through two documents side by side, and writes the facts of theirs with the words of ours.

use super::grammar::{Kind, Role, always_worded, keys, role};
use super::matching::{self, Items};
use super::names::{Names, component};
use super::notes::Notes;
use super::order;
use super::place::{Found, Owned, Place, SECRET};
use crate::tree::Tree;
use onkernel_codegen::document::pointer::{join, of_reference};
use std::collections::BTreeSet;

/// Where something is written, and the pointer of the words that it stands under.
#[derive(Clone, Debug)]
struct Spot {
    at: String,
    worded: Option<String>,
}

impl Spot {
    fn below(&self, token: impl std::fmt::Display) -> Self {
        Self { at: join(&self.at, token), worded: self.worded.clone() }
    }
}

/// One walk.
pub(super) struct Walk<'o> {
    ours: &'o Tree,
    /// Their facts as they are.
    original: &'o Tree,
    /// The same with the components that are ours alone.
    theirs: &'o Tree,
    names: &'o Names,
    found: Names,
    notes: Notes,
    /// Where the words stood that were kept.
    kept: BTreeSet<String>,
    /// The path below which both stand, as ours and as theirs.
    path: (String, String),
}

impl<'o> Walk<'o> {
    pub(super) fn new(
        ours: &'o Tree,
        original: &'o Tree,
        theirs: &'o Tree,
        names: &'o Names,
    ) -> Self {
        let found = Names { renamed: names.renamed.clone(), ..Names::default() };
        Self {
            ours,
            original,
            theirs,
            names,
            found,
            notes: Notes::default(),
            kept: BTreeSet::new(),
            path: Default::default(),
        }
    }

    pub(super) fn document(&mut self) -> Tree {
        let place = Place::of(self.ours, "");
        let spot = Spot { at: String::new(), worded: None };
        self.value(Kind::Document, self.theirs, place, &spot)
    }

    /// The names that were found, and what a person has to do.
    pub(super) fn finish(self) -> (Names, Notes) {
        let mut notes = self.notes;
        let owned = Owned::of(self.ours);
        let lost = |it: &String| !self.kept.contains(it);
        notes.dropped = owned.words.into_iter().filter(lost).collect();
        notes.unmarked = owned.marks.into_iter().filter(lost).collect();
        (self.found, notes)
    }

    fn place(&self, (at, node): Found<'o>) -> Place<'o> {
        Place::new(self.ours, at, node)
    }

    fn value(&mut self, kind: Kind, theirs: &Tree, ours: Option<Place<'o>>, spot: &Spot) -> Tree {
        if !matches!(theirs, Tree::Map(_)) {
            if ours.is_some_and(|ours| !ours.node.says_the_same(theirs)) {
                self.changed(spot, "");
            }
            return theirs.clone();
        }
        let Some(ours) = ours else { return self.object(kind, theirs, None, spot) };
        match (theirs.get("$ref").and_then(Tree::as_str), ours.reference()) {
            (Some(theirs_leads), _) => {
                let theirs_leads = theirs_leads.to_owned();
                self.reference(kind, theirs, &theirs_leads, ours, spot)
            }
            (None, Some(reference)) if self.is_named_by_us(reference, theirs) => {
                let named = Tree::pair("$ref", Tree::string(reference));
                self.object(kind, &named, Some(ours.alone()), spot)
            }
            (None, _) => self.object(kind, theirs, Some(ours), spot),
        }
    }

    /// Whether a component of ours that the vendor does not have names what they write out here.
    fn is_named_by_us(&mut self, reference: &str, theirs: &Tree) -> bool {
        let Some(pointer) = of_reference(reference) else { return false };
        if component(&pointer).is_none() || self.original.pointer(&pointer).is_some() {
            return false;
        }
        let is_known = self.names.shared(&pointer).is_some_and(|it| it.says_the_same(theirs));
        self.found.inlined.entry(pointer).or_default().push(theirs.clone());
        is_known
    }

    /// A reference of theirs.
    fn reference(
        &mut self,
        kind: Kind,
        theirs: &Tree,
        leads: &str,
        ours: Place<'o>,
        spot: &Spot,
    ) -> Tree {
        let pointer = of_reference(leads).unwrap_or_default();
        let is_new = component(&pointer).is_some() && self.ours.pointer(&pointer).is_none();
        let before = match ours.reference() {
            Some(reference) => of_reference(reference).filter(|it| {
                // What they still have was not renamed.
                self.original.pointer(it).is_none()
            }),
            None => Some(ours.at.clone()),
        };
        let is_known = before.is_some() && self.names.renamed.get(&pointer) == before.as_ref();
        if let (true, Some(before)) = (is_new, before) {
            self.found.renamed.entry(pointer).or_insert(before);
        }
        if ours.reference() != Some(leads) && !is_known {
            self.changed(&spot.below("$ref"), "");
        }
        let place = match ours.reference() {
            Some(_) => Some(ours.alone()),
            // The words went with what they describe.
            None if is_known => None,
            None if matches!(kind, Kind::Schema | Kind::Field) => Some(ours),
            None => None,
        };
        self.object(kind, theirs, place, spot)
    }

    fn object(&mut self, kind: Kind, theirs: &Tree, ours: Option<Place<'o>>, spot: &Spot) -> Tree {
        let is_reference = theirs.get("$ref").is_some();
        let mut written = self.words_of(kind, ours.as_ref(), is_reference);
        let has_words = |(key, it): &(String, Tree)| {
            role(kind, key) == Some(Role::Words) && it.as_str() != Some("")
        };
        let worded =
            if written.iter().any(has_words) { Some(spot.at.clone()) } else { spot.worded.clone() };
        let spot = Spot { at: spot.at.clone(), worded };

        // Beside a reference there is nothing to compare.
        let compared = ours.as_ref().filter(|_| !is_reference);
        let mut our_keys = ours.as_ref().map(Place::keys).unwrap_or_default();
        let secret = ours.as_ref().and_then(|ours| secret(kind, ours, theirs));
        let is_secret = secret.is_some();
        if let Some(at) = secret {
            self.kept.insert(at);
            written.push(("format".to_owned(), Tree::string(SECRET)));
        }
        for (key, value) in theirs.members().iter().filter(|(key, _)| !is_secret || key != "format")
        {
            let found = ours.as_ref().and_then(|ours| ours.get(key));
            if compared.is_some() && found.is_none() {
                self.changed(&spot.below(key), " added");
            }
            let fact = self.member(kind, key, value, found, &spot);
            written.push((key.clone(), fact));
        }
        let is_fact =
            |key: &&&str| !matches!(role(kind, key), None | Some(Role::Words | Role::Unused));
        if compared.is_some() {
            for key in our_keys.iter().filter(is_fact).filter(|key| theirs.get(key).is_none()) {
                if !written.iter().any(|(name, _)| name == key) {
                    self.changed(&spot.below(key), " removed");
                }
            }
        }
        if kind == Kind::Response
            && !is_reference
            && !written.iter().any(|(key, _)| key == "description")
        {
            // It may be empty, but not absent.
            written.push(("description".to_owned(), Tree::string("")));
        }
        self.note_wordless(kind, &written, ours.is_none(), &spot);
        our_keys.retain(|key| written.iter().any(|(name, _)| name == key));
        Tree::Map(in_our_order(kind, &our_keys, written))
    }

    /// What of ours stays, whatever they say: words, keys of ours, and that a string is a secret.
    fn words_of(
        &mut self,
        kind: Kind,
        ours: Option<&Place<'o>>,
        is_reference: bool,
    ) -> Vec<(String, Tree)> {
        let mut written = Vec::new();
        let Some(ours) = ours else { return written };
        let is_moved = is_reference && ours.reference().is_none();
        for key in ours.keys() {
            let is_words = role(kind, key) == Some(Role::Words);
            if !is_words && !key.starts_with("x-onkernel-") || is_moved && key != "description" {
                continue;
            }
            if let Some((at, value)) = ours.get(key) {
                self.kept.insert(at);
                written.push((key.to_owned(), value.clone()));
            }
        }
        written
    }

    fn note_wordless(&mut self, kind: Kind, written: &[(String, Tree)], is_new: bool, spot: &Spot) {
        let get = |key: &str| written.iter().find(|(name, _)| name == key).map(|(_, it)| it);
        let wanted = always_worded(kind).or_else(|| {
            let is_named = matches!(kind, Kind::Parameter | Kind::Header | Kind::Field);
            (is_named && is_new && get("const").is_none()).then_some("description")
        });
        let Some(wanted) = wanted.filter(|_| get("$ref").is_none()) else { return };
        if get(wanted).and_then(Tree::as_str).unwrap_or_default().is_empty() {
            self.notes.wordless.insert(spot.at.clone());
        }
    }

    fn member(
        &mut self,
        kind: Kind,
        key: &str,
        theirs: &Tree,
        ours: Option<Found<'o>>,
        spot: &Spot,
    ) -> Tree {
        let spot = spot.below(key);
        match role(kind, key) {
            Some(Role::One(kind)) => {
                let place = ours.map(|ours| self.place(ours));
                self.value(kind, theirs, place, &spot)
            }
            Some(Role::Map(kind)) => self.map(kind, theirs, ours, &spot),
            Some(Role::List(kind)) => self.list(kind, theirs, ours, &spot),
            // `value` has compared it.
            _ if key == "$ref" => theirs.clone(),
            role => match ours {
                Some((_, ours)) => self.fact(role == Some(Role::Set), theirs, ours, &spot),
                None => theirs.clone(),
            },
        }
    }

    fn fact(&mut self, is_set: bool, theirs: &Tree, ours: &Tree, spot: &Spot) -> Tree {
        if let (Tree::List(new), Tree::List(old), true) = (theirs, ours, is_set) {
            if new.len() != old.len() || new.iter().any(|it| !old.contains(it)) {
                self.changed(spot, "");
            }
            return Tree::List(order::beside(old, new));
        }
        if !self.names.say_the_same(ours, theirs) {
            self.changed(spot, "");
        }
        order::keys(ours, theirs)
    }

    fn map(&mut self, kind: Kind, theirs: &Tree, ours: Option<Found<'o>>, spot: &Spot) -> Tree {
        let our_members = ours.as_ref().map_or(&[][..], |(_, it)| it.members());
        let our_names: Vec<&str> = our_members.iter().map(|(name, _)| name.as_str()).collect();
        let their_names: Vec<&str> =
            theirs.members().iter().map(|(name, _)| name.as_str()).collect();
        let mut same = matching::names(kind, &our_names, &their_names);
        for (name, same) in their_names.iter().zip(&mut same).filter(|(_, same)| same.is_none()) {
            let renamed = self.names.renamed.get(&join(&spot.at, name));
            let before = renamed.and_then(|at| component(at)).map(|(_, name)| name);
            *same = our_names.iter().find(|it| Some(**it) == before).copied();
        }
        let named_as_theirs: Vec<String> = our_names
            .iter()
            .filter_map(|name| same.iter().position(|it| it == &Some(*name)))
            .map(|index| their_names[index].to_owned())
            .collect();
        let owned: Vec<String> = their_names.iter().map(|name| (*name).to_owned()).collect();
        let order = match spot.at.as_str() {
            "/paths" => order::paths(&named_as_theirs, &owned),
            "/components/schemas" => order::schemas(&named_as_theirs, theirs.members()),
            _ => order::beside(&named_as_theirs, &owned),
        };
        if ours.is_some() {
            for name in our_names.iter().filter(|name| !same.contains(&Some(**name))) {
                self.changed(&spot.below(name), " removed");
            }
        }
        let members = order.into_iter().map(|name| {
            let before = their_names.iter().position(|it| *it == name).and_then(|at| same[at]);
            let place = before.zip(ours.as_ref()).and_then(|(before, (at, node))| {
                Some(self.place((join(at, before), node.get(before)?)))
            });
            let spot = spot.below(&name);
            if ours.is_some() && place.is_none() {
                self.changed(&spot, " added");
            }
            // A component whose words stood in place.
            let place = place.or_else(|| Place::of(self.ours, self.names.renamed.get(&spot.at)?));
            if kind == Kind::PathItem {
                self.path = (before.unwrap_or_default().to_owned(), name.clone());
            }
            let value = theirs.get(&name).map(|it| self.value(kind, it, place, &spot));
            (name, value.unwrap_or(Tree::Map(Vec::new())))
        });
        Tree::Map(members.collect())
    }

    fn list(&mut self, kind: Kind, theirs: &Tree, ours: Option<Found<'o>>, spot: &Spot) -> Tree {
        let our_items = ours.as_ref().map_or(&[][..], |(_, it)| it.items());
        let new = Items { root: self.theirs, path: &self.path.1, items: theirs.items() };
        let old = Items { root: self.ours, path: &self.path.0, items: our_items };
        let same =
            matching::items(kind, &old, &new, |ours, theirs| self.names.are_same(ours, theirs));
        let their_order: Vec<usize> = (0..theirs.items().len()).collect();
        let our_order =
            (0..our_items.len()).filter_map(|ours| same.iter().position(|it| *it == Some(ours)));
        let our_order: Vec<usize> = our_order.collect();
        // The first server is the one that a client calls.
        let order = if kind == Kind::Server {
            their_order
        } else {
            order::beside(&our_order, &their_order)
        };
        for (index, item) in
            our_items.iter().enumerate().filter(|(it, _)| !same.contains(&Some(*it)))
        {
            self.changed(&spot.below(label(item, index)), " removed");
        }
        let items = order.into_iter().enumerate().map(|(index, theirs_index)| {
            let item = &theirs.items()[theirs_index];
            let place = same[theirs_index]
                .zip(ours.as_ref())
                .map(|(before, (at, _))| self.place((join(at, before), &our_items[before])));
            if ours.is_some() && place.is_none() {
                self.changed(&spot.below(label(item, index)), " added");
            }
            self.value(kind, item, place, &spot.below(index))
        });
        Tree::List(items.collect())
    }

    /// Notes that a fact under words of ours is another than before.
    fn changed(&mut self, fact: &Spot, how: &str) {
        let Some(worded) = &fact.worded else { return };
        let below = fact.at.strip_prefix(worded.as_str()).unwrap_or(&fact.at);
        let fact = format!("`{}`{how}", below.trim_start_matches('/'));
        self.notes.reread.entry(worded.clone()).or_default().insert(fact);
    }
}

/// Where we say that a string of theirs is a secret, which the vendor seldom does.
fn secret(kind: Kind, ours: &Place<'_>, theirs: &Tree) -> Option<String> {
    let is = |it: &Tree, text: &str| it.as_str() == Some(text);
    let types = theirs.get("type")?;
    let is_string = is(types, "string") || types.items().iter().any(|it| is(it, "string"));
    let is_schema = matches!(kind, Kind::Schema | Kind::Field);
    let (at, format) = ours.get("format")?;
    (is_schema && is_string && is(format, SECRET)).then_some(at)
}

/// An item of a list, for a person.
fn label(item: &Tree, index: usize) -> String {
    let name = item.get("name").or_else(|| item.get("$ref")).and_then(Tree::as_str);
    name.map_or(index.to_string(), |name| name.rsplit('/').next().unwrap_or(name).to_owned())
}

/// The members in the order in which ours has them, new ones where they usually stand.
fn in_our_order(kind: Kind, ours: &[&str], members: Vec<(String, Tree)>) -> Vec<(String, Tree)> {
    let usual = keys(kind).iter().map(|(key, _)| *key);
    let mut names: Vec<&str> =
        usual.filter(|key| members.iter().any(|(it, _)| it == key)).collect();
    names.extend(
        members.iter().map(|(key, _)| key.as_str()).filter(|key| role(kind, key).is_none()),
    );
    let order = order::beside(ours, &names);
    let member = |key: &&str| members.iter().find(|(name, _)| name == key).cloned();
    order.iter().filter_map(member).collect()
}
