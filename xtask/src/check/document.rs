//! The document, its overlays, and what is derived from them.

use super::report::Failure;
use crate::files::{self, CHANGELOG, DOCUMENT, OVERLAYS, PROVENANCE};
use crate::{changelog, provenance, snapshots};
use onkernel_codegen::{Client, Document, Features, Overlay, Problem, Source, client};
use std::path::Path;

/// A check's name, and what it found.
pub(super) type Check = (&'static str, Vec<Failure>);

/// The checks that follow from the document.
pub(super) fn checks(root: &Path) -> Vec<Check> {
    let overlays: Vec<_> = OVERLAYS.iter().map(|name| source(root, name)).collect();
    let document = source(root, DOCUMENT);
    let missing = overlays.iter().chain([&document]).filter_map(|it| it.as_ref().err().cloned());
    let missing: Vec<_> = missing.collect();
    let overlays: Vec<Source> = overlays.into_iter().flatten().collect();
    let document = match document {
        Ok(document) if missing.is_empty() => document,
        _ => return vec![("the document and its overlays exist", missing)],
    };
    let overlay_fits = overlays_fit(&document, &overlays);
    let lowered = client(&document, &overlays, &Features::all());
    let failures = match &lowered {
        // One message for one mistake.
        Err(error) if overlay_fits.is_empty() => problems(
            &error.problems,
            "correct the document or add an overlay action; spec/README.md says what one can hold",
        ),
        _ => Vec::new(),
    };
    let mut checks = vec![
        ("overlay actions match, or say why they need not", overlay_fits),
        ("the document lowers, and has what the client needs", failures),
        ("the provenance is the document's", provenance_is_right(root, &document)),
    ];
    if let Ok(client) = &lowered {
        checks.push((
            "snapshots are fresh, and none is left over",
            snapshots_are_fresh(root, client),
        ));
        checks.push(("the changelog describes the surface", changelog_is_fresh(root, client)));
    }
    checks
}

fn source(root: &Path, name: &str) -> Result<Source, Failure> {
    match files::read_in(root, name) {
        Ok(text) => Ok(Source { name: name.to_owned(), text }),
        Err(error) => Err(Failure::new(name, &error, format!("git checkout -- {name}"))),
    }
}

fn problems(problems: &[Problem], repair: &str) -> Vec<Failure> {
    let failure = |problem: &Problem| {
        // A problem names its file, and its help is the repair.
        let mut what = problem.clone();
        let help = std::mem::take(&mut what.help);
        let file = match problem.position {
            Some(position) => format!("{}:{}:{}", problem.file, position.line, position.column),
            None => problem.file.clone(),
        };
        let repair = if help.is_empty() { repair.to_owned() } else { help };
        Failure::new(file, &what.to_string(), repair)
    };
    problems.iter().map(failure).collect()
}

fn overlays_fit(document: &Source, overlays: &[Source]) -> Vec<Failure> {
    let applied = Document::parse(&document.text, &document.name).and_then(|mut document| {
        overlays.iter().try_for_each(|overlay| {
            Overlay::parse(&overlay.text, &overlay.name)?.apply(&mut document).map(drop)
        })
    });
    let mine = |problem: &Problem| overlays.iter().any(|overlay| problem.file == overlay.name);
    match applied {
        // What is wrong with the document itself is the next check's to say.
        Err(error) if error.problems.iter().all(mine) => problems(
            &error.problems,
            "correct the action, remove it, or give it `x-onkernel-optional: REASON`",
        ),
        _ => Vec::new(),
    }
}

fn provenance_is_right(root: &Path, document: &Source) -> Vec<Failure> {
    let Ok(parsed) = Document::parse(&document.text, &document.name) else {
        return Vec::new();
    };
    let problem = provenance::problem(root, &document.text, &parsed);
    let repair = format!("cargo xtask regen --from {DOCUMENT}");
    problem.into_iter().map(|what| Failure::new(PROVENANCE, &what, repair.as_str())).collect()
}

fn snapshots_are_fresh(root: &Path, client: &Client) -> Vec<Failure> {
    let accept = "INSTA_UPDATE=always cargo test --test surface";
    let standing = snapshots::standing(root, client);
    let stale = standing.stale.into_iter().map(|path| {
        Failure::new(path, "not the surface that the document yields; read the difference", accept)
    });
    let orphans = standing.orphans.into_iter().map(|path| {
        let repair = format!("git rm {path}");
        Failure::new(path, "the document has no such resource any more", repair)
    });
    let pending = standing.pending.into_iter().map(|path| {
        let repair = format!("cargo insta review, or remove {path}");
        Failure::new(path, "neither accepted nor rejected", repair)
    });
    stale.chain(orphans).chain(pending).collect()
}

fn changelog_is_fresh(root: &Path, client: &Client) -> Vec<Failure> {
    let text = match files::read_in(root, CHANGELOG) {
        Ok(text) => text,
        Err(error) => return vec![Failure::new(CHANGELOG, &error, "git checkout -- CHANGELOG.md")],
    };
    let now = snapshots::fingerprint(client);
    if changelog::surface(&text) == Some(now.as_str()) {
        return Vec::new();
    }
    let repair = format!(
        "say under *Unreleased* what changed for users, then let its mark be `{}`",
        changelog::mark(&now)
    );
    vec![Failure::new(CHANGELOG, "the surface changed and no entry says so", repair)]
}
