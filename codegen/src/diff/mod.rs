//! What changed between two documents, in a caller's words: the maintainer's weekly question.
//!
//! ```text
//! operations   pairs the operations of both documents and compares what is around their schemas
//! schemas      two schemas: what differs in them, and where below them to look next
//! read         one document: `$ref` followed, `allOf` merged, spelling forgotten, schemas as facts
//! effect       what a difference does to a caller: the table to read when a verdict surprises
//! words        how messages say it
//! rust         the clients generated from both, item by item
//! report       the result, as text, Markdown or JSON
//! ```
//!
//! What says the same thing in another way is no difference: `$ref` or the schema itself, `allOf` or the merged
//! properties, the spellings of 3.0 and of 3.1, the order of keys, of optional parameters or of enum values, bounds that
//! say nothing (`minLength: 0`). Examples, code samples and other extensions than `x-onkernel-*` are not looked at.
//! The names of schemas are not either: what the Rust types are called shows in the generated clients.
//! Schemas that no operation reaches are passed over.

mod effect;
mod operations;
mod read;
mod report;
mod rust;
mod schemas;
mod words;

pub use effect::{Effect, Verdict};
pub use report::{Change, Report};

use serde_json::Value;

use crate::document::Document;
use crate::pipeline::generated;

/// Compares two documents, whose overlays have been applied, and the clients generated from them.
///
/// A change that breaks Rust callers is major whatever the documents say. Never fails: where a client cannot be
/// generated, [`Report::not_generated`] says so, and the documents alone are compared.
#[must_use]
pub fn diff_clients(old: &Document, new: &Document) -> Report {
    let report = diff(old.root(), new.root());
    if old.root() == new.root() {
        return report;
    }
    match (generated(old), generated(new)) {
        (Ok(old), Ok(new)) => report.with(
            rust::compare((&old.file, &old.surface), (&new.file, &new.surface))
                .into_iter()
                .map(|it| Change::of_item(it.item, it.message, it.effect)),
        ),
        (Err(error), _) | (_, Err(error)) => {
            let first = error.problems.first().map(ToString::to_string).unwrap_or_default();
            let rest = match error.problems.len() {
                0 | 1 => String::new(),
                more => format!(" (and {} more)", more - 1),
            };
            Report { not_generated: Some(format!("{first}{rest}")), ..report }
        }
    }
}

/// Compares two OpenAPI documents (3.0 or 3.1, each as it was loaded), and nothing that is generated from them.
///
/// Never fails: what is malformed is compared as far as it can be read. Changes are in a stable order, by path, method
/// and severity.
///
/// ```
/// use onkernel_codegen::diff::{Effect, Verdict, diff};
/// use serde_json::json;
///
/// let old = json!({"openapi": "3.1.0", "paths": {"/apps": {"get": {}, "post": {}}}});
/// let new = json!({"openapi": "3.1.0", "paths": {"/apps": {"get": {}}}});
/// let report = diff(&old, &new);
/// assert_eq!(report.verdict, Verdict::Major);
/// assert_eq!(report.changes[0].operation.as_deref(), Some("POST /apps"));
/// assert_eq!(report.changes[0].message, "operation removed");
/// assert_eq!(report.changes[0].effect, Effect::Breaking);
/// ```
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Report {
    operations::compare(old, new)
}
