//! Takes a new document: checks it, and plans every file that changes before the first is written.

use crate::error::Error;
use crate::fetch::Input;
use crate::files::{self, CHANGELOG, DOCUMENT, Edit};
use crate::provenance::{self, Provenance};
use crate::{changelog, snapshots};
use chrono::NaiveDate;
use onkernel_codegen::diff::{Report, Verdict, diff};
use onkernel_codegen::{Document, Source, client, load};
use std::fmt::Write as _;
use std::path::Path;

/// What taking a document would change.
#[derive(Debug)]
pub struct Plan {
    /// What it changes for callers.
    pub report: Report,
    /// The files that are not as they should be.
    pub writes: Vec<Edit>,
}

/// Plans to take a document. Nothing is written.
///
/// # Errors
/// Everything that is wrong with the document: it cannot be read or lowered, an overlay action
/// matches nothing, or something that the hand-written code needs is missing.
pub fn plan(root: &Path, input: Input, today: NaiveDate) -> Result<Plan, Error> {
    let source = |name: &str, text: String| Source { name: name.to_owned(), text };
    let overlays = files::overlays(root)?;
    let new = Source { name: input.name, text: input.text };
    let generated = client(&new, &overlays)?;

    let old = files::read_in(root, DOCUMENT)
        .map_or_else(|_| source(DOCUMENT, "{}".to_owned()), |text| source(DOCUMENT, text));
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
    Ok(Plan { report, writes: files::only_changes(root, writes) })
}

/// What callers of the client will notice: the overlays apply to both documents.
///
/// # Errors
/// A document that is none.
pub fn compare(old: &Source, new: &Source, overlays: &[Source]) -> Result<Report, Error> {
    Ok(match (load(old, overlays), load(new, overlays)) {
        (Ok(old), Ok(new)) => diff(old.root(), new.root()),
        // The overlays were written for other documents than one of these.
        _ => {
            let parse = |it: &Source| Document::parse(&it.text, &it.name);
            diff(parse(old)?.root(), parse(new)?.root())
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
