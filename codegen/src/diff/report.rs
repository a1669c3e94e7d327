//! The result of a comparison, as data and as something to read.

use super::effect::{Effect, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything that changed, and what it amounts to.
///
/// Serialised it is `{"verdict": …, "changes": [{"operation", "pointer", "message", "effect"}]}`; these names and their
/// meaning are stable, the wording of messages is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What a release with these changes has to be.
    pub verdict: Verdict,
    /// By path and method, the gravest first; what concerns no single operation comes before all.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// `POST /org/api_keys`, as the new document spells it; none where no single operation is concerned.
    pub operation: Option<String>,
    /// Where it stands: a JSON pointer (RFC 6901) into the new document, or into the old one for what is no longer there.
    pub pointer: String,
    /// What changed, in one line; code in backquotes.
    pub message: String,
    /// What it does to callers.
    pub effect: Effect,
}

/// How every message ends that is about words alone.
pub(super) const WORDS: &str = "words changed";
/// How many operations a heading names before it counts the rest.
const NAMED: usize = 3;

impl Report {
    pub(super) fn new(changes: Vec<Change>) -> Self {
        let verdict = Verdict::on(changes.iter().map(|change| change.effect));
        Self { verdict, changes }
    }

    /// Whether the two documents say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The report as JSON, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and unit variants only: there is nothing that could fail to serialise.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// The report for a terminal: the same change of many operations is told once.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.headline());
        for group in self.groups() {
            let _ = write!(out, "\n{}\n", group.heading());
            for (effect, message) in &group.lines {
                let _ = writeln!(out, "  {:<13}  {message}", effect.as_str());
            }
            for operation in group.rest() {
                let _ = writeln!(out, "    {operation}");
            }
        }
        out
    }

    /// The report as Markdown, for a pull request or a changelog.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = format!("{}\n", self.headline());
        for group in self.groups() {
            let _ = write!(out, "\n**{}**\n\n", group.heading());
            for (effect, message) in &group.lines {
                let _ = writeln!(out, "- {}: {message}", effect.as_str());
            }
            if !group.rest().is_empty() {
                let names: Vec<_> = group.rest().iter().map(|name| format!("`{name}`")).collect();
                let _ = writeln!(out, "\nThese are: {}.", names.join(", "));
            }
        }
        out
    }

    /// `major: 2 breaking, 1 additive`, or a sentence where nothing changed.
    #[must_use]
    pub fn headline(&self) -> String {
        if self.is_empty() {
            return "none: the documents say the same".to_owned();
        }
        let mut counts: BTreeMap<Effect, usize> = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.effect).or_default() += 1;
        }
        let counts: Vec<_> =
            counts.iter().map(|(effect, count)| format!("{count} {}", effect.as_str())).collect();
        format!("{}: {}", self.verdict.as_str(), counts.join(", "))
    }

    /// Changes that say the same of several operations, together; single operations in the order of the changes.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut operations: BTreeMap<(Effect, &str), Vec<&str>> = BTreeMap::new();
        let mut order = Vec::new();
        for change in &self.changes {
            let line = (change.effect, brief(&change.message));
            let named = operations.entry(line).or_insert_with(|| {
                order.push(line);
                Vec::new()
            });
            named.extend(change.operation.as_deref());
            named.dedup();
        }
        let mut groups: Vec<Group<'_>> = Vec::new();
        for line in order {
            let operations = operations.remove(&line).unwrap_or_default();
            match groups.iter_mut().find(|group| group.operations == operations) {
                Some(group) => group.lines.push(line),
                None => groups.push(Group { operations, lines: vec![line] }),
            }
        }
        groups
    }
}

/// Where words changed is of interest to programs; a reader is told that they did.
fn brief(message: &str) -> &str {
    if message.ends_with(WORDS) { WORDS } else { message }
}

struct Group<'a> {
    operations: Vec<&'a str>,
    lines: Vec<(Effect, &'a str)>,
}

impl<'a> Group<'a> {
    fn heading(&self) -> String {
        match self.operations.as_slice() {
            [] => "The document".to_owned(),
            few if few.len() <= NAMED => few.join(", "),
            many => format!("{} operations", many.len()),
        }
    }

    /// The operations that the heading only counts.
    fn rest(&self) -> &[&'a str] {
        if self.operations.len() <= NAMED { &[] } else { &self.operations }
    }
}
