//! Takes a new document: its facts under our words, checked, and every file that changes planned
//! before the first is written.

use crate::error::Error;
use crate::fetch::Input;
use crate::files::{self, CHANGELOG, DOCUMENT, Edit};
use crate::merge::{Notes, merge};
use crate::provenance::{self, Provenance};
use crate::{changelog, snapshots, yaml};
use chrono::NaiveDate;
use onkernel_codegen::diff::{Report, Verdict, diff_clients};
use onkernel_codegen::{Document, Features, Source, client, load};
use std::fmt::Write as _;
use std::path::Path;

/// What taking a document would change.
#[derive(Debug)]
pub struct Plan {
    /// What it changes for callers.
    pub report: Report,
    /// What it means for our words.
    pub notes: Notes,
    /// What a person has to know of where the document was read.
    pub remark: Option<String>,
    /// The files that are not as they should be.
    pub writes: Vec<Edit>,
}

/// Plans to take a document. Nothing is written.
///
/// # Errors
/// Everything that is wrong with the document: it cannot be read, taken over or lowered, an overlay
/// action matches nothing, or something that the hand-written code needs is missing.
pub fn plan(root: &Path, input: Input, today: NaiveDate) -> Result<Plan, Error> {
    let overlays = files::overlays(root)?;
    let text = files::read_in(root, DOCUMENT).map_err(|error| {
        Error::new(format!("{error}; its words are ours: `git checkout -- {DOCUMENT}`"))
    })?;
    let old = Source { name: DOCUMENT.to_owned(), text };
    let theirs = Document::parse(&input.text, &input.name)?;
    let merged = merge(&Document::parse(&old.text, &old.name)?, &theirs)?;
    let text = format!("{}{}", head(&old.text), yaml::write(&merged.tree));
    let new = Source { name: DOCUMENT.to_owned(), text };
    let generated =
        client(&new, &overlays, &Features::all()).map_err(|error| in_source(error, &theirs))?;

    let report = compare(&old, &new, &overlays)?;
    let document = Document::parse(&new.text, &new.name)?;

    let mut writes = snapshots::edits(root, &generated);
    writes.push(Edit { path: DOCUMENT.to_owned(), content: Some(new.text.clone()) });
    // The day on which the same document was taken first is the one to keep.
    if provenance::problem(root, &new.text, &document).is_some() {
        writes.push(Provenance::of(&new.text, &document, &input.source, today).edit());
    }
    if report.verdict != Verdict::None {
        let before = files::read_in(root, CHANGELOG).unwrap_or_default();
        let version = version(&document, today);
        let fingerprint = snapshots::fingerprint(&generated);
        let content = changelog::with(&before, &version, &report, &fingerprint);
        writes.push(Edit { path: CHANGELOG.to_owned(), content: Some(content) });
    }
    let writes = files::only_changes(root, writes);
    Ok(Plan { report, notes: merged.notes, remark: input.remark, writes })
}

/// The comment that our document begins with.
fn head(text: &str) -> &str {
    let is_head = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let length = text.split_inclusive('\n').take_while(is_head).map(str::len).sum();
    &text[..length]
}

/// Problems with what was taken over, at the places that it was taken from.
fn in_source(mut error: onkernel_codegen::Error, theirs: &Document) -> onkernel_codegen::Error {
    for problem in error.problems.iter_mut().filter(|problem| problem.file == DOCUMENT) {
        if let Some(pointer) = &problem.pointer {
            *problem = theirs.problem(pointer, &problem.message, &problem.help);
        }
    }
    error
}

/// What callers of the client will notice: the overlays apply to both documents.
///
/// # Errors
/// A document that is none.
pub fn compare(old: &Source, new: &Source, overlays: &[Source]) -> Result<Report, Error> {
    Ok(match (load(old, overlays), load(new, overlays)) {
        (Ok(old), Ok(new)) => diff_clients(&old, &new),
        // The overlays were written for other documents than one of these.
        _ => {
            let parse = |it: &Source| Document::parse(&it.text, &it.name);
            diff_clients(&parse(old)?, &parse(new)?)
        }
    })
}

fn version(document: &Document, today: NaiveDate) -> String {
    let version = document.root().pointer("/info/version").and_then(|it| it.as_str());
    match version {
        Some(version) => format!("{version} of {today}"),
        None => format!("of {today}"),
    }
}

impl Plan {
    /// The report and the files, for a person.
    #[must_use]
    pub fn summary(&self, dry_run: bool) -> String {
        let mut text = self.report.to_text();
        if let Some(remark) = &self.remark {
            let _ = writeln!(text, "\n{remark}");
        }
        text.push_str(&self.notes.to_text());
        let verb = match dry_run {
            true if self.writes.is_empty() => "\nNo file would change.\n",
            true => "\nThese files would change:\n",
            false if self.writes.is_empty() => "\nNo file changed.\n",
            false => "\nThese files changed:\n",
        };
        text.push_str(verb);
        for write in &self.writes {
            let note = if write.content.is_none() { " (removed)" } else { "" };
            let _ = writeln!(text, "  {}{note}", write.path);
        }
        let pending = |it: &Edit| it.path.ends_with(".snap.new") && it.content.is_some();
        if self.writes.iter().any(pending) {
            text.push_str(
                "\nReview the surface (compare each *.snap.new with its *.snap, or `cargo insta review`);\n\
                 accept it all with `INSTA_UPDATE=always cargo test --test surface`.\n",
            );
        }
        text
    }
}
