//! What a comparison of schemas finds.

use crate::diff::effect::Effects;
use crate::diff::read::{Node, Source};
use serde_json::Value;

/// Where a reader finds what changed.
#[derive(Clone, Copy, Debug)]
pub(in crate::diff) enum Site<'a> {
    Old(&'a Value),
    New(&'a Value),
}

/// One difference inside a schema.
#[derive(Clone, Debug)]
pub(in crate::diff) struct Difference<'a> {
    /// From the schema down: `policy.statements[].action`; empty for the schema itself.
    pub(in crate::diff) path: String,
    /// Follows the name of the place: ` added, optional` or `: default 20 added`.
    pub(in crate::diff) what: String,
    pub(in crate::diff) effects: Effects,
    pub(in crate::diff) site: Option<Site<'a>>,
}

/// What differs in one pair of schemas, and the pairs below.
#[derive(Debug, Default)]
pub(super) struct Local<'a> {
    pub(super) differences: Vec<Difference<'a>>,
    pub(super) below: Vec<(String, Node<'a>, Node<'a>)>,
}

/// Both documents.
#[derive(Clone, Copy)]
pub(super) struct Sources<'s, 'a> {
    pub(super) old: &'s Source<'a>,
    pub(super) new: &'s Source<'a>,
}

/// Whether two schemas differ in words at most.
pub(super) type Same<'f, 'a> = &'f mut dyn FnMut(&Node<'a>, &Node<'a>) -> bool;
