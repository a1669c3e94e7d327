//! Which operation a request is for.

use std::collections::BTreeMap;

use super::document::{Contract, Operation};
use crate::testing::request::{Request, decode};

/// An operation, and what stands in the places of its path.
pub(in crate::testing) struct Route {
    pub(in crate::testing) operation: &'static Operation,
    /// With their escapes, for a list is split before they are undone.
    pub(super) in_path: BTreeMap<String, String>,
}

/// Why there is none.
pub(in crate::testing) enum Lost {
    Path,
    /// The methods that the path takes.
    Method(String),
}

/// Finds the operation: the one whose path has most that is not open. Of those that share method and path,
/// the one whose body is of the type that is sent, and whose response of the one that is accepted.
pub(in crate::testing) fn route(request: &Request) -> Result<Route, Lost> {
    let mut here: Vec<(&'static Operation, BTreeMap<String, String>)> = Contract::get()
        .operations
        .iter()
        .filter_map(|operation| Some((operation, places(&operation.path, &request.path)?)))
        .collect();
    let fewest = here.iter().map(|(_, places)| places.len()).min().ok_or(Lost::Path)?;
    here.retain(|(_, places)| places.len() == fewest);
    let mut methods: Vec<&str> = here.iter().map(|(it, _)| it.method.as_str()).collect();
    methods.dedup();
    let methods = methods.join(", ");
    here.retain(|(operation, _)| operation.method == request.method);
    here.sort_by_key(|(operation, _)| (!takes(operation, request), !returns(operation, request)));
    let (operation, in_path) = here.into_iter().next().ok_or(Lost::Method(methods))?;
    Ok(Route { operation, in_path })
}

/// What stands in the places of a path such as `/books/{id}.json`, if it is such a path.
fn places(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut steps, mut given) = (template.split('/'), path.split('/'));
    let mut places = BTreeMap::new();
    loop {
        let (step, text) = match (steps.next(), given.next()) {
            (None, None) => return Some(places),
            (step, text) => (step?, text?),
        };
        for (name, text) in placeholders(step, text)? {
            decode(text)?;
            places.insert(name.to_owned(), text.to_owned());
        }
    }
}

/// The names in a step of a path such as `{from}...{to}`, and what stands in their places.
fn placeholders<'a>(step: &'a str, text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let Some((before, rest)) = step.split_once('{') else {
        return (step == text).then(Vec::new);
    };
    let (name, after) = rest.split_once('}')?;
    let text = text.strip_prefix(before)?;
    let literal = after.split('{').next().unwrap_or_default();
    let end = match literal == after {
        true => text.strip_suffix(after)?.len(),
        false => text.find(literal)?,
    };
    let (text, left) = text.split_at(end);
    let mut found = placeholders(after, left).filter(|_| !text.is_empty())?;
    found.push((name, text));
    Some(found)
}

fn takes(operation: &Operation, request: &Request) -> bool {
    match (&operation.body, request.media_type()) {
        (Some(body), Some(sent)) => body.media_type.eq_ignore_ascii_case(sent),
        (body, sent) => body.is_none() == sent.is_none(),
    }
}

fn returns(operation: &Operation, request: &Request) -> bool {
    let accepted = request.header("accept").unwrap_or_default();
    let types = operation.responses.iter().filter_map(|it| it.media_type.as_deref());
    let mut types = types.peekable();
    types.peek().is_none() || types.any(|it| accepted.contains(it))
}
