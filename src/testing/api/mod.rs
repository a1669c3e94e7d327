//! The API itself: a request and the time in, a response out, and the state changed by what it says.

mod context;
mod fields;
mod keys;
mod list;
mod parameters;

use chrono::{DateTime, Utc};

use self::context::{Call, Context, scope};
use super::request::Request;
use super::response::{Rejection, Response};
use super::state::{KeyRecord, State};

/// Carries out one request.
pub(super) fn respond(state: &mut State, request: &Request, now: DateTime<Utc>) -> Response {
    let caller = caller(state, request, now).cloned();
    let id = caller.as_ref().map(|key| key.id.clone());
    let response = match carry_out(state, request, caller, now) {
        Ok(response) => response,
        Err(rejection) => rejection.into(),
    };
    Response { caller: id, ..response }
}

/// The key that a request authenticates with.
pub(super) fn caller<'a>(
    state: &'a State,
    request: &Request,
    now: DateTime<Utc>,
) -> Option<&'a KeyRecord> {
    let key = state.by_plaintext(request.bearer()?)?;
    key.works_at(now).then_some(key)
}

/// Which operation, on which key (empty for the operations on all keys).
fn route(request: &Request) -> Result<(Call, String), Rejection> {
    let segments = request.segments().ok_or_else(Rejection::no_such_path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    let (call, id) = match segments[..] {
        ["org", "api_keys"] => match method {
            "GET" => (Call::List, ""),
            "POST" => (Call::Create, ""),
            _ => return Err(Rejection::method("GET, POST")),
        },
        ["org", "api_keys", id] if !id.is_empty() => match method {
            "GET" => (Call::Get, id),
            "PATCH" => (Call::Update, id),
            "DELETE" => (Call::Delete, id),
            _ => return Err(Rejection::method("GET, PATCH, DELETE")),
        },
        ["org", "api_keys", id, "rotate"] if !id.is_empty() => match method {
            "POST" => (Call::Rotate, id),
            _ => return Err(Rejection::method("POST")),
        },
        _ => return Err(Rejection::no_such_path()),
    };
    Ok((call, id.to_owned()))
}

fn carry_out(
    state: &mut State,
    request: &Request,
    caller: Option<KeyRecord>,
    now: DateTime<Utc>,
) -> Result<Response, Rejection> {
    let (call, id) = route(request)?;
    if request.too_large {
        return Err(Rejection::too_large());
    }
    let caller = caller.ok_or_else(Rejection::unauthorized)?;
    if caller.policy.as_ref().is_some_and(|policy| !policy.knows(call.action())) {
        return Err(Rejection::forbidden(call.action()));
    }
    let scope = scope(state, &caller, request)?;
    let context = Context { call, caller, scope, now };
    match call {
        Call::List => list::list(state, request, &context),
        Call::Create => keys::create(state, request, &context),
        Call::Get => keys::get(state, request, &context, &id),
        Call::Update => keys::update(state, request, &context, &id),
        Call::Delete => keys::delete(state, &context, &id),
        Call::Rotate => keys::rotate(state, request, &context, &id),
    }
}
