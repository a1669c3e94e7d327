//! From a document whose overlays have been applied to the syntax tree of a client.

use serde_json::Value;
use syn::File;

use crate::document::Document;
use crate::error::{Error, Problem};
use crate::lower::{self, Finding, Lowered};
use crate::surface::Surface;
use crate::{finish, generate};

/// A client as a syntax tree.
pub(crate) struct Generated {
    pub(crate) file: File,
    pub(crate) surface: Surface,
}

/// The client of every operation, whether or not the hand-written part could use it.
#[cfg(feature = "diff")]
pub(crate) fn generated(document: &Document) -> Result<Generated, Error> {
    finish(document, lower(document)?)
}

pub(crate) fn lower(document: &Document) -> Result<Lowered, Error> {
    let lowered = lower::lower(document.root().clone());
    lowered.map_err(|findings| Error::in_order(problems(document, findings)))
}

pub(crate) fn finish(document: &Document, lowered: Lowered) -> Result<Generated, Error> {
    let file = generate::generate(&lowered.document)
        .and_then(|file| finish::finish(file, &lowered.surface))
        .map_err(|message| rejected(document, &lowered.document, message))?;
    Ok(Generated { file, surface: lowered.surface })
}

/// Fails with what was found, at its places.
pub(crate) fn located(document: &Document, findings: Vec<Finding>) -> Result<(), Error> {
    Error::unless_empty(problems(document, findings))
}

fn problems(document: &Document, findings: Vec<Finding>) -> Vec<Problem> {
    let problems = findings.into_iter().map(|Finding { pointer, message, help }| {
        document.problem(pointer.trim_start_matches('#'), message, help)
    });
    problems.collect()
}

/// What the generator rejects has passed every check of ours: a rule is missing. The generator names
/// no place, so each operation is tried alone.
fn rejected(document: &Document, lowered: &Value, whole: String) -> Error {
    let problem = |pointer: &str, what: &str, message: &str| {
        let message = format!("the generator rejects {what}: {message}");
        let help = "leave the operation out with `x-onkernel-omit` in an overlay, and report it";
        document.problem(pointer, message, help)
    };
    let alone = lower::each_alone(lowered).into_iter().filter_map(|(at, operation, alone)| {
        let message = generate::generate(&alone).err()?;
        Some(problem(at.trim_start_matches('#'), &operation, &message))
    });
    let problems: Vec<Problem> = alone.collect();
    match problems.is_empty() {
        true => Error::from(problem("", "the lowered document", &whole)),
        false => Error::in_order(problems),
    }
}
