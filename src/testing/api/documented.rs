//! Every operation but those on keys: as the document says, and with no state but what a test has ordered.

use super::context::scope;
use crate::testing::clock::Moment;
use crate::testing::contract::{self, Route};
use crate::testing::log::Received;
use crate::testing::request::Request;
use crate::testing::response::{Rejection, Response};
use crate::testing::state::{KeyRecord, State};

pub(super) fn carry_out(
    state: &mut State,
    route: &Route,
    request: &Request,
    caller: Option<&KeyRecord>,
    now: Moment,
) -> Result<Response, Rejection> {
    match caller {
        Some(caller) => drop(scope(state, caller, request)?),
        None if route.operation.open => {}
        None => return Err(Rejection::unauthorized()),
    }
    let read = contract::read(route, request)?;
    let mut response = contract::respond(route.operation, &read, request, now);
    let id = &route.operation.id;
    if let Some(stub) = state.stubs.next(id) {
        response = stub.apply(response, request.header("last-event-id").as_deref());
    }
    response.received = Some(Received {
        operation: id.clone(),
        parameters: read.parameters,
        body: read.body.unwrap_or_default(),
    });
    Ok(response)
}
