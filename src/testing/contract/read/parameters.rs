//! The parameters of a path, a query and the headers.

use serde_json::{Map, Value};

use super::text::{joined, json, named};
use crate::testing::contract::check::check;
use crate::testing::contract::document::{Contract, Parameter, Place};
use crate::testing::contract::route::Route;
use crate::testing::request::{Request, text_in_path};

/// All that are there; what an operation does not know is ignored.
pub(super) fn read(
    contract: &Contract,
    route: &Route,
    request: &Request,
    wrong: &mut Vec<String>,
) -> Map<String, Value> {
    let pairs = request.pairs();
    let mut all = Map::new();
    for parameter in &route.operation.parameters {
        let Parameter { name, place, schema, style, .. } = parameter;
        let as_json = style.name.as_deref() == Some("json");
        let value = match place {
            Place::Query => named(contract, name, schema, style, &pairs),
            Place::Path => Ok(route.in_path.get(name).map(|text| match as_json {
                true => json(&text_in_path(text)),
                false => joined(contract, schema, text, ",", text_in_path),
            })),
            Place::Header => Ok(request.header(name).map(|text| match as_json {
                true => json(&text),
                false => joined(contract, schema, &text, ",", |part| part.trim().to_owned()),
            })),
        };
        match value {
            Ok(Some(value)) => {
                wrong.extend(check(contract, schema, &value, name));
                all.insert(name.clone(), value);
            }
            Ok(None) if parameter.required => wrong.push(format!("{name} is missing")),
            Ok(None) => {}
            Err(problem) => wrong.push(problem),
        }
    }
    all
}
