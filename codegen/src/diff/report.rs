//! The result of a comparison, as data and as something to read.

use super::effect::{Effect, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything that changed, and what it amounts to.
///
/// Serialised it is `{"verdict": …, "http_verdict": …, "changes": [{"operation", "pointer", "message", "effect",
/// "http_effect"}]}`; these names and their meaning are stable, the wording of messages is not. A change of the
/// generated client has an `item` as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What a release with these changes has to be, for callers of this crate.
    pub verdict: Verdict,
    /// The same for anyone who speaks HTTP.
    pub http_verdict: Verdict,
    /// By path and method, the gravest first; what concerns no single operation comes before all, items of the
    /// generated client after.
    pub changes: Vec<Change>,
    /// Why the generated clients were not compared: one of the documents cannot be generated. The verdict then goes by
    /// the documents alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_generated: Option<String>,
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
    /// What it does to callers of this crate.
    pub effect: Effect,
    /// What it does to anyone who speaks HTTP; none where they cannot see it.
    pub http_effect: Option<Effect>,
    /// The item of the generated client that changed, such as `types::ApiKey.id`. The change has no operation and an
    /// empty pointer then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

impl Change {
    /// A change of the generated client.
    pub(super) fn of_item(item: String, message: String, effect: Effect) -> Self {
        let (operation, pointer) = (None, String::new());
        Self { operation, pointer, message, effect, http_effect: None, item: Some(item) }
    }

    /// Who is concerned, where it is not everyone alike.
    fn whom(&self) -> &'static str {
        match self.http_effect {
            Some(effect) if effect == self.effect => "",
            Some(Effect::Breaking) => " (over HTTP: breaking)",
            Some(Effect::Behaviour) => " (over HTTP: behaviour)",
            Some(Effect::Additive) => " (over HTTP: additive)",
            Some(Effect::Documentation) => " (over HTTP: documentation)",
            None => " (in Rust only)",
        }
    }
}

/// How every message ends that is about words alone.
pub(super) const WORDS: &str = "words changed";
/// How many operations a heading names before it counts the rest.
const NAMED: usize = 3;

impl Report {
    pub(super) fn of(changes: Vec<Change>) -> Self {
        let verdict = Verdict::on(changes.iter().map(|change| change.effect));
        let http_verdict = Verdict::on(changes.iter().filter_map(|change| change.http_effect));
        Self { verdict, http_verdict, changes, not_generated: None }
    }

    /// This report of two documents, with what changed in the clients generated from them.
    pub(super) fn with(mut self, items: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(items);
        Self::of(self.changes)
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

    /// The report for a terminal: the same change of many operations is shown once.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.headline());
        for group in self.groups() {
            let _ = write!(out, "\n{}\n", group.heading());
            for Line { effect, message, whom } in &group.lines {
                let _ = writeln!(out, "  {:<13}  {message}{whom}", effect.as_str());
            }
            for operation in group.rest() {
                let _ = writeln!(out, "    {operation}");
            }
        }
        let (items, added) = self.items();
        if !items.is_empty() || added > 0 {
            out.push_str("\nGenerated Rust\n");
        }
        for (item, change) in items {
            let _ = writeln!(out, "  {:<13}  `{item}` {}", change.effect.as_str(), change.message);
        }
        if added > 0 {
            let _ = writeln!(out, "  {:<13}  {}", Effect::Additive.as_str(), count(added));
        }
        out
    }

    /// The report as Markdown, for a pull request or a changelog.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = format!("{}\n", self.headline().replace('\n', "\n\n"));
        for group in self.groups() {
            let _ = write!(out, "\n**{}**\n\n", group.heading());
            for Line { effect, message, whom } in &group.lines {
                let _ = writeln!(out, "- {}: {message}{whom}", effect.as_str());
            }
            if !group.rest().is_empty() {
                let names: Vec<_> = group.rest().iter().map(|name| format!("`{name}`")).collect();
                let _ = writeln!(out, "\nThese are: {}.", names.join(", "));
            }
        }
        let (items, added) = self.items();
        if !items.is_empty() || added > 0 {
            out.push_str("\n**Generated Rust**\n\n");
        }
        for (item, change) in items {
            let _ = writeln!(out, "- {}: `{item}` {}", change.effect.as_str(), change.message);
        }
        if added > 0 {
            let _ = writeln!(out, "- {}: {}", Effect::Additive.as_str(), count(added));
        }
        out
    }

    /// Both verdicts, a line each, or a sentence where nothing changed.
    #[must_use]
    pub fn headline(&self) -> String {
        let said = match self.is_empty() {
            true => "none: the documents say the same".to_owned(),
            false => {
                let of_documents = || self.changes.iter().filter(|change| change.item.is_none());
                let callers = counts(of_documents().map(|change| change.effect));
                let http = counts(of_documents().filter_map(|change| change.http_effect));
                let line = |verdict: Verdict, counts: &str| match counts {
                    "" => verdict.as_str().to_owned(),
                    _ => format!("{} ({counts})", verdict.as_str()),
                };
                format!(
                    "for callers of this crate: {}\nfor anyone who speaks HTTP: {}",
                    line(self.verdict, &callers),
                    line(self.http_verdict, &http)
                )
            }
        };
        match &self.not_generated {
            Some(why) => format!("{said}\nthe generated clients are not compared: {why}"),
            None => said,
        }
    }

    /// The items of the generated client that are not simply added, and how many are.
    fn items(&self) -> (Vec<(&str, &Change)>, usize) {
        let items = self.changes.iter().filter_map(|it| Some((it.item.as_deref()?, it)));
        let (added, others): (Vec<_>, Vec<_>) =
            items.partition(|(_, change)| change.effect == Effect::Additive);
        (others, added.len())
    }

    /// Changes that say the same of several operations, together; single operations in the order of the changes.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut operations: BTreeMap<Line<'_>, Vec<&str>> = BTreeMap::new();
        let mut order = Vec::new();
        for change in self.changes.iter().filter(|change| change.item.is_none()) {
            let line = Line {
                effect: change.effect,
                message: brief(&change.message),
                whom: change.whom(),
            };
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

/// `2 breaking, 1 additive`
fn counts(effects: impl Iterator<Item = Effect>) -> String {
    let mut counts: BTreeMap<Effect, usize> = BTreeMap::new();
    for effect in effects {
        *counts.entry(effect).or_default() += 1;
    }
    let counts = counts.iter().map(|(effect, count)| format!("{count} {}", effect.as_str()));
    counts.collect::<Vec<_>>().join(", ")
}

fn count(added: usize) -> String {
    if added == 1 { "1 item added".to_owned() } else { format!("{added} items added") }
}

/// Where words changed is of interest to programs; a reader is told that they did.
fn brief(message: &str) -> &str {
    if message.ends_with(WORDS) { WORDS } else { message }
}

struct Group<'a> {
    operations: Vec<&'a str>,
    lines: Vec<Line<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line<'a> {
    effect: Effect,
    message: &'a str,
    whom: &'static str,
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
