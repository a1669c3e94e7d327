//! Takes over what another document says: its facts, under our words.
//!
//! The vendor's prose never gets into our document: of theirs, only what is known to be a fact is
//! read. Our words stay where their place stays, whatever it is called now. Paths are known by their
//! shape, parameters by name or by place in the path, components by name or by who refers to them.

mod facts;
mod grammar;
mod matching;
mod names;
mod notes;
mod order;
mod place;
mod walk;

use crate::error::Error;
use crate::tree::Tree;
use names::Names;
pub use notes::Notes;
use onkernel_codegen::Document;
use walk::Walk;

/// How many names deep a renamed component can lie behind other renamed ones.
const DEPTH: usize = 100;

/// Our document with the facts of another.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The document, in our order.
    pub tree: Tree,
    /// What a person has to do about it.
    pub notes: Notes,
}

/// Our document with the facts of theirs.
///
/// # Errors
/// What of theirs is neither known to be a fact nor known to be words.
pub fn merge(ours: &Document, theirs: &Document) -> Result<Merged, Error> {
    let mut facts = facts::of(theirs)?;
    // Ours is kept whole.
    let has_info = facts.get("info").is_some();
    if let (false, Tree::Map(members)) = (has_info, &mut facts) {
        members.push(("info".to_owned(), Tree::Map(Vec::new())));
    }
    let ours = Tree::of(ours);
    let mut names = Names::default();
    for _ in 0..DEPTH {
        let shared = with_shared(&facts, &names);
        let mut walk = Walk::new(&ours, &facts, &shared, &names);
        let tree = walk.document();
        let (found, notes) = walk.finish();
        if found == names {
            return Ok(Merged { tree, notes });
        }
        names = found;
    }
    Err(Error::new(format!("{}: its components refer to each other without end", theirs.name())))
}

/// Their facts, with the components that are ours alone.
fn with_shared(facts: &Tree, names: &Names) -> Tree {
    let mut facts = facts.clone();
    for (section, name, value) in names.all_shared() {
        let Some(Tree::Map(sections)) = facts.get_mut("components") else { continue };
        if !sections.iter().any(|(it, _)| it == section) {
            sections.push((section.to_owned(), Tree::Map(Vec::new())));
        }
        let section = sections.iter_mut().find(|(it, _)| it == section);
        if let Some((_, Tree::Map(members))) = section {
            members.push((name.to_owned(), value.clone()));
        }
    }
    facts
}
