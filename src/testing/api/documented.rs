//! Every operation but those on keys: as the document says, and with no state but what a test has ordered.

use super::machine;
use crate::testing::clock::Moment;
use crate::testing::contract::{self, Route};
use crate::testing::log::Received;
use crate::testing::request::Request;
use crate::testing::response::{Rejection, Response};
use crate::testing::state::State;

pub(super) fn carry_out(
    state: &mut State,
    route: &Route,
    request: &Request,
    now: Moment,
) -> Result<Response, Rejection> {
    let read = contract::read(route, request)?;
    let mut response = contract::respond(route.operation, &read, request, now);
    if let (Some(body), Some(host)) = (response.content.json(), request.header("host")) {
        machine::address(body, &host);
    }
    let id = &route.operation.id;
    if let Some(stub) = state.stubs.next(id) {
        response = stub.apply(response, &read.resume(request, now.time));
    }
    response.received = Some(Received {
        operation: id.clone(),
        parameters: read.parameters,
        body: read.body.unwrap_or_default(),
        size: request.size,
    });
    Ok(response)
}
