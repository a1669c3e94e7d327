//! What a pull request must satisfy. Writes nothing, goes through everything, and says for each
//! failure which file it is about and which command repairs it.

mod documented;

use crate::files::{self, CHANGELOG, DOCUMENT, OVERLAYS, PROVENANCE};
use crate::{changelog, provenance, snapshots};
use onkernel_codegen::{Client, Document, Overlay, Source, client};
use std::fmt;
use std::path::Path;

/// The result of all checks.
#[derive(Debug)]
pub struct Report {
    checks: Vec<(&'static str, Vec<Failure>)>,
}

/// One thing out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// From the workspace's folder, with line and column where they are known.
    pub file: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub repair: String,
}

impl Failure {
    /// `what` may begin with the name of the file, which is then said once.
    fn new(file: impl Into<String>, what: &str, repair: impl Into<String>) -> Self {
        let file = file.into();
        let what = what.strip_prefix(&format!("{file}:")).unwrap_or(what).trim_start().to_owned();
        Self { file, what, repair: repair.into() }
    }
}

impl Report {
    /// Whether everything is in order.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Everything out of order.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.checks.iter().flat_map(|(_, failures)| failures)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, failures) in &self.checks {
            writeln!(f, "{:<6} {name}", if failures.is_empty() { "ok" } else { "FAILED" })?;
            for Failure { file, what, repair } in failures {
                writeln!(f, "         {file}: {what}\n           repair: {repair}")?;
            }
        }
        match self.failures().count() {
            0 => writeln!(f, "\neverything is in order"),
            1 => writeln!(f, "\n1 thing is out of order"),
            many => writeln!(f, "\n{many} things are out of order"),
        }
    }
}

/// Checks the workspace at `root`.
#[must_use]
pub fn run(root: &Path) -> Report {
    let mut checks = Vec::new();
    let overlays: Vec<_> = OVERLAYS.iter().map(|name| source(root, name)).collect();
    let document = source(root, DOCUMENT);
    let missing = overlays.iter().chain([&document]).filter_map(|it| it.as_ref().err().cloned());
    let missing: Vec<_> = missing.collect();
    let overlays: Vec<Source> = overlays.into_iter().flatten().collect();
    let document = match document {
        Ok(document) if missing.is_empty() => document,
        _ => {
            checks.push(("the document and its overlays are there", missing));
            checks.push(("documentation and help agree", documented::check(root)));
            return Report { checks };
        }
    };
    let overlay_fits = overlays_fit(&document, &overlays);
    let lowered = client(&document, &overlays);
    let failures = match &lowered {
        // One message for one mistake.
        Err(error) if overlay_fits.is_empty() => problems(
            &error.problems,
            "mend the document or add an overlay action; spec/README.md says what one can hold",
        ),
        _ => Vec::new(),
    };
    checks.push(("overlay actions match, or say why they need not", overlay_fits));
    checks.push(("the document lowers, and has what the client needs", failures));
    checks.push(("provenance is that of the document", provenance_is_right(root, &document)));
    if let Ok(client) = &lowered {
        checks.push(("snapshots are fresh, none is left over", snapshots_are_fresh(root, client)));
        checks.push(("the changelog describes the surface", changelog_is_fresh(root, client)));
    }
    checks.push(("documentation and help agree", documented::check(root)));
    Report { checks }
}

fn source(root: &Path, name: &str) -> Result<Source, Failure> {
    match files::read_in(root, name) {
        Ok(text) => Ok(Source { name: name.to_owned(), text }),
        Err(error) => Err(Failure::new(name, &error, format!("git checkout -- {name}"))),
    }
}

fn problems(problems: &[onkernel_codegen::Problem], repair: &str) -> Vec<Failure> {
    let failure = |problem: &onkernel_codegen::Problem| {
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
    let mine = |problem: &onkernel_codegen::Problem| {
        overlays.iter().any(|overlay| problem.file == overlay.name)
    };
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
