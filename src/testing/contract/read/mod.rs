//! What a request says in the terms of its operation: parameters and body as JSON, and everything that
//! is wrong with them.

mod body;
pub(super) mod form;
mod parameters;
mod text;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::document::Contract;
use super::media::Resume;
use super::relations;
use super::route::Route;
use crate::testing::request::Request;
use crate::testing::response::{Problem, Rejection};

/// A request that keeps to the document.
pub(in crate::testing) struct Read {
    pub(in crate::testing) parameters: Map<String, Value>,
    /// None where there is none.
    pub(in crate::testing) body: Option<Value>,
}

impl Read {
    /// Where a stream of events is to begin.
    pub(in crate::testing) fn resume(&self, request: &Request, now: DateTime<Utc>) -> Resume {
        let since = self.parameters.get("since").and_then(Value::as_str);
        Resume::of(request.header("last-event-id").as_deref(), since, now)
    }
}

/// Reads a request.
///
/// # Errors
/// Everything that is wrong with it.
pub(in crate::testing) fn read(route: &Route, request: &Request) -> Result<Read, Rejection> {
    let contract = Contract::get();
    let operation = route.operation;
    let mut wrong = Vec::new();
    let parameters = parameters::read(contract, route, request, &mut wrong);
    wrong.extend(relations::broken(&operation.relations, &parameters));
    let body = match &operation.body {
        Some(body) => body::read(contract, body, request, &mut wrong)?,
        None => None,
    };
    match wrong.is_empty() {
        true => Ok(Read { parameters, body }),
        false => Err(Rejection::invalid(wrong.into_iter().map(Problem::of_request).collect())),
    }
}
