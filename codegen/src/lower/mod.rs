//! Rewrites a document into what the generator understands, with no loss that a caller could
//! notice: what the generator cannot say is read into the [`Surface`] first, and *finish* says it.
//!
//! One file per rule, applied in the order of [`lower`]: `spelling` makes the ways to say a thing
//! one, `naming` gives every type and method its name, `checks` reports what no rule knows. Each rule is for a class of documents,
//! not for one place in one of them.

mod checks;
mod finding;
mod forms;
mod loosen;
pub(crate) mod naming;
mod spelling;
pub(crate) mod successes;
mod unions;

pub(crate) use checks::unused::{each_alone, references};
use checks::{keywords, places, relations, supported, unused};
pub use finding::Finding;
use naming::{hoist, members, names as methods, slots, type_names};
use serde_json::Value;
use spelling::{
    alternatives, dialect, directions, distribute, inline, media, merge, parameters, references,
    sets, undeclared,
};

use crate::surface::Surface;

/// A document that the generator understands, and what it cannot say.
#[derive(Debug)]
pub struct Lowered {
    /// OpenAPI 3.0: every type a component, every operation with its method's name as id.
    pub document: Value,
    /// What the generated client must offer.
    pub surface: Surface,
}

/// Lowers a document whose overlays have been applied.
///
/// # Errors
/// Every place that no rule knows, at once.
pub fn lower(document: Value) -> Result<Lowered, Vec<Finding>> {
    let mut lowered = describe(document)?;
    loosen::apply(&mut lowered.document);
    Ok(lowered)
}

/// As [`lower`], with all that the document says of values.
pub(crate) fn describe(mut document: Value) -> Result<Lowered, Vec<Finding>> {
    let step = |findings: Vec<Finding>| if findings.is_empty() { Ok(()) } else { Err(findings) };
    let source = document.clone();
    let (mut components, findings) = references::apply(&mut document);
    step(findings)?;
    step(inline::apply(&mut document))?;
    // A path item may have come with references of its own.
    let (more, findings) = references::apply(&mut document);
    components.extend(more);
    step(findings)?;
    let names = type_names::apply(&mut document);
    parameters::apply(&mut document);
    media::apply(&mut document);
    alternatives::apply(&mut document);
    dialect::apply(&mut document);
    sets::apply(&mut document);
    distribute::apply(&mut document);
    // From here on each rule goes through the whole document, whatever others have found.
    let mut findings = keywords::check(&mut document);
    findings.extend(supported::check(&mut document));
    findings.extend(merge::apply(&mut document));
    undeclared::apply(&mut document);
    directions::apply(&mut document);
    findings.extend(relations::check(&mut document));
    let mut findings = unused::drop(&mut document, findings);
    findings.extend(methods::apply(&mut document));
    unions::beside(&mut document);
    components.extend(hoist::apply(&mut document));
    findings.extend(unions::apply(&mut document));
    findings.extend(successes::apply(&mut document));
    findings.extend(forms::apply(&mut document));
    let origins = places::Origins { source: &source, components, names };
    step(places::located(&document, &origins, findings))?;
    members::apply(&mut document);
    slots::apply(&mut document);
    let surface = Surface::read(&document);
    Ok(Lowered { document, surface })
}
