//! OpenAPI Overlay 1.0: what is to be changed about a document, kept apart from it.
//!
//! Four keys of ours go beyond the specification, as its extensions:
//! - `x-onkernel-optional: REASON` on an action that need not match every document. Without it,
//!   an action that matches nothing is an error, so that none outlives what it was written for.
//! - `x-onkernel-omit: {operations: [METHOD /path], tags: [NAME]}` beside `actions` removes whole
//!   operations, after all actions.
//! - `x-onkernel-resources: {api_keys: {create: POST /org/api_keys}}` beside `actions` gives
//!   operations their place in the client: `x-onkernel-resource` and `x-onkernel-method`. They are
//!   matched by method and shape of path, whatever its parameters are called; an entry need not
//!   match.
//! - `remove` also takes single values such as one entry of `required`, for which the
//!   specification's 1.0 has no way.

mod apply;
mod jsonpath;
mod parse;

use self::jsonpath::JsonPath;
use crate::document::Source;
use crate::error::Position;
use serde_json::Value;

/// The keys under which a path's operations stand.
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A list of changes to a document.
#[derive(Debug)]
pub struct Overlay {
    source: Source,
    actions: Vec<Action>,
    omit: Vec<Omission>,
    places: Vec<Placement>,
}

#[derive(Debug)]
struct Action {
    target: JsonPath,
    effect: Effect,
    optional: Option<String>,
    description: Option<String>,
    /// Where the action stands in the overlay.
    pointer: String,
}

#[derive(Debug)]
enum Effect {
    Update(Value),
    Remove,
}

/// Where an operation is found in the client.
#[derive(Debug)]
struct Placement {
    /// The method is one of [`METHODS`].
    method: String,
    /// With `{}` for every parameter.
    shape: String,
    resource: String,
    name: String,
}

/// A path with `{}` for every parameter: `/org/api_keys/{}`.
fn shape(path: &str) -> String {
    let step = |step| if str::starts_with(step, '{') { "{}" } else { step };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// Which operations to remove.
#[derive(Debug)]
struct Omission {
    what: Omit,
    /// Where the entry stands in the overlay.
    pointer: String,
}

#[derive(Debug)]
enum Omit {
    /// The method is one of [`METHODS`].
    Operation {
        method: String,
        path: String,
    },
    Tag(String),
}

/// What an overlay did to one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One entry for each action, in their order.
    pub actions: Vec<Applied>,
    /// The operations that were left out, as `METHOD /path`.
    pub omitted: Vec<String>,
}

/// What one action did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The action's target, a JSONPath.
    pub target: String,
    /// Why the action exists, if the overlay says so.
    pub description: Option<String>,
    /// Why the action need not match, if it is optional.
    pub optional: Option<String>,
    /// How many places of the document it matched.
    pub matched: usize,
    /// Where the action stands in the overlay.
    pub position: Option<Position>,
}
