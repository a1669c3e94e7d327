//! Rewrites a document into what the generator understands, with no loss that a caller could
//! notice: what the generator cannot say is read into the [`Surface`] first, and *finish* says it.
//!
//! One file per rule, applied in the order of [`lower`]. Each rule is for a class of documents,
//! not for one place in one of them.

mod answers;
mod content;
mod dialect;
mod distribute;
mod forms;
mod hoist;
mod inline;
mod loosen;
mod merge;
pub(crate) mod names;
mod parameters;
mod places;
mod sets;
mod supported;
mod type_names;
mod unions;
mod unused;
pub(crate) mod walk;

pub(crate) use answers::reason;
pub use content::Content;
use serde_json::Value;
pub(crate) use unused::each_alone;

use crate::surface::Surface;

/// A document that the generator understands, and what it cannot say.
#[derive(Debug)]
pub struct Lowered {
    /// OpenAPI 3.0: every type a component, every operation with its method's name as id.
    pub document: Value,
    /// What the generated client must offer.
    pub surface: Surface,
}

/// A place in the document that no rule knows how to lower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place, as a JSON pointer from `#`.
    pub pointer: String,
    /// What is there.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Finding {
    pub(crate) fn new(
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), message: message.into(), help: help.into() }
    }
}

/// Lowers a document whose overlays have been applied.
///
/// # Errors
/// Every place that no rule knows, at once.
pub fn lower(mut document: Value) -> Result<Lowered, Vec<Finding>> {
    let step = |findings: Vec<Finding>| if findings.is_empty() { Ok(()) } else { Err(findings) };
    step(inline::apply(&mut document))?;
    step(type_names::apply(&mut document))?;
    parameters::apply(&mut document);
    dialect::apply(&mut document);
    sets::apply(&mut document);
    distribute::apply(&mut document);
    // From here on each rule goes through the whole document, whatever others have found.
    let mut findings = supported::check(&mut document);
    findings.extend(merge::apply(&mut document));
    let mut findings = unused::drop(&mut document, findings);
    findings.extend(names::apply(&mut document));
    unions::beside(&mut document);
    let (origins, found) = hoist::apply(&mut document);
    findings.extend(found);
    findings.extend(unions::apply(&mut document));
    findings.extend(answers::apply(&mut document));
    findings.extend(forms::apply(&mut document));
    step(places::told(&document, &origins, findings))?;
    let surface = Surface::read(&document);
    loosen::apply(&mut document);
    Ok(Lowered { document, surface })
}
