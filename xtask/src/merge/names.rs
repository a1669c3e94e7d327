//! What we and the vendor call the same thing by different names.

use crate::tree::Tree;
use onkernel_codegen::document::pointer::of_reference;
use std::collections::BTreeMap;

/// Found while the two documents are walked through side by side; with what is known, the next walk
/// finds more.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    /// By the pointer of a component of theirs that we do not have: the place of ours that it
    /// describes, a component of another name or an object that we do not share.
    pub(super) renamed: BTreeMap<String, String>,
    /// By the pointer of a component of ours that they do not have: what they say in its stead,
    /// wherever we refer to it.
    pub(super) inlined: BTreeMap<String, Vec<Tree>>,
}

impl Names {
    /// The component of ours that names what the vendor writes out in place, if it says the same
    /// in all places.
    pub(super) fn shared(&self, pointer: &str) -> Option<&Tree> {
        let (first, others) = self.inlined.get(pointer)?.split_first()?;
        others.iter().all(|other| other.says_the_same(first)).then_some(first)
    }

    /// The components that are ours alone, as the vendor describes them.
    pub(super) fn all_shared(&self) -> impl Iterator<Item = (&str, &str, &Tree)> {
        self.inlined.keys().filter_map(|pointer| {
            let (section, name) = component(pointer)?;
            Some((section, name, self.shared(pointer)?))
        })
    }

    /// Whether their reference leads to what ours does.
    pub(super) fn are_same(&self, ours: &str, theirs: &str) -> bool {
        let before = of_reference(theirs).and_then(|it| self.renamed.get(&it).cloned());
        before.is_some_and(|before| of_reference(ours) == Some(before))
    }

    /// Whether both values say the same, by whatever names.
    pub(super) fn say_the_same(&self, ours: &Tree, theirs: &Tree) -> bool {
        match (ours, theirs) {
            (Tree::Map(old), Tree::Map(new)) => {
                let has = |(key, theirs): &(String, Tree)| {
                    ours.get(key).is_some_and(|ours| self.say_the_same(ours, theirs))
                };
                old.len() == new.len() && new.iter().all(has)
            }
            _ => {
                let texts = ours.as_str().zip(theirs.as_str());
                ours == theirs || texts.is_some_and(|(ours, theirs)| self.are_same(ours, theirs))
            }
        }
    }
}

/// The section and the name of a component, by its pointer.
pub(super) fn component(pointer: &str) -> Option<(&str, &str)> {
    pointer.strip_prefix("/components/")?.split_once('/').filter(|(_, name)| !name.contains('/'))
}
