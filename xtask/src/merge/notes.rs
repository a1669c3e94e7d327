//! What a person has to read or write after a document was taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What became of our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Places that have no words yet, as JSON pointers.
    pub wordless: BTreeSet<String>,
    /// Places whose words stand over facts that changed, and which ones.
    pub reread: BTreeMap<String, BTreeSet<String>>,
    /// Words of ours whose place is gone, as JSON pointers into the document before.
    pub dropped: BTreeSet<String>,
    /// The same of our marks: `format: password` on a secret, and keys of ours.
    pub unmarked: BTreeSet<String>,
}

impl Notes {
    /// The notes for a person; empty if there is nothing to do.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if !self.wordless.is_empty() {
            let _ = writeln!(text, "\nWithout words yet ({}); write them:", self.wordless.len());
            for at in &self.wordless {
                let _ = writeln!(text, "  #{at}");
            }
        }
        if !self.reread.is_empty() {
            let count = self.reread.len();
            let _ =
                writeln!(text, "\nFacts changed under words of ours ({count}); read them again:");
            for (at, facts) in &self.reread {
                let facts: Vec<_> = facts.iter().map(String::as_str).collect();
                let _ = writeln!(text, "  #{at}: {}", facts.join(", "));
            }
        }
        if !self.unmarked.is_empty() {
            let count = self.unmarked.len();
            let _ = writeln!(
                text,
                "\nMarks dropped with their place ({count}); see whether something new needs them:"
            );
            for at in &self.unmarked {
                let _ = writeln!(text, "  #{at}");
            }
        }
        if !self.dropped.is_empty() {
            let _ = writeln!(
                text,
                "\nWords dropped with their place ({}); `git diff` shows them.",
                self.dropped.len()
            );
        }
        text
    }
}
