//! The API itself: a request and what is seen of the state in, a response out, and the state changed
//! by what it says.

mod auth_context;
mod context;
mod documented;
mod fields;
mod keys;
mod list;
mod machine;
mod parameters;

use chrono::{DateTime, Utc};

use self::context::{Context, scope};
use super::clock::Moment;
use super::contract::{self, Lost, Route};
use super::request::Request;
use super::response::{Rejection, Response};
use super::state::{KeyRecord, State};

pub use self::auth_context::AuthContext;

/// One of the operations on keys.
#[derive(Clone, Copy)]
enum Call {
    AuthContext,
    List,
    Create,
    Get,
    Update,
    Delete,
    Rotate,
}

/// What one request is shown of the server; none where it is shown what is so.
pub(super) struct View {
    /// By which the caller is known.
    pub(super) auth: Option<State>,
    /// In which keys are looked for.
    pub(super) reads: Option<State>,
    /// What the clock shows.
    pub(super) time: DateTime<Utc>,
    pub(super) auth_context: AuthContext,
}

/// Carries out one request.
pub(super) fn respond(state: &mut State, view: &View, request: &Request, now: Moment) -> Response {
    let caller = authenticate(state, view, request).cloned();
    let id = caller.as_ref().map(|key| key.id.clone());
    let response = match carry_out(state, view, request, caller, now) {
        Ok(response) => response,
        Err(rejection) => rejection.into(),
    };
    Response { caller: id, ..response }
}

/// The id of the key that a request authenticates with.
pub(super) fn caller(state: &State, view: &View, request: &Request) -> Option<String> {
    authenticate(state, view, request).map(|key| key.id.clone())
}

fn authenticate<'a>(state: &'a State, view: &'a View, request: &Request) -> Option<&'a KeyRecord> {
    let key = view.auth.as_ref().unwrap_or(state).by_plaintext(request.bearer()?)?;
    key.works_at(view.time).then_some(key)
}

/// Whether a path is one of the API's.
pub(super) fn knows(request: &Request) -> bool {
    route(request).is_ok()
}

/// What a request asks for.
enum Asked {
    /// An operation on a key; its id is empty for the operations on all keys.
    Keys(Call, String),
    /// Any other of the document.
    Documented(Route),
    /// The same, asked of the machine of a session.
    OfMachine(Route),
}

fn route(request: &Request) -> Result<Asked, Rejection> {
    match route_of_keys(request) {
        Ok(Some((call, id))) => Ok(Asked::Keys(call, id)),
        Ok(None) => match (contract::route(request), machine::as_api(request)) {
            (Ok(route), _) => Ok(Asked::Documented(route)),
            (Err(Lost::Path), Some(request)) => {
                contract::route(&request).map(Asked::OfMachine).map_err(Rejection::from)
            }
            (Err(lost), _) => Err(lost.into()),
        },
        Err(rejection) => Err(rejection),
    }
}

impl From<Lost> for Rejection {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Path => Self::no_such_path(),
            Lost::Method(allow) => Self::method(&allow),
        }
    }
}

/// The id of the operation that a request is for, if it is for one.
pub(super) fn operation(request: &Request) -> Option<String> {
    let route = match route(request).ok()? {
        Asked::Documented(route) | Asked::OfMachine(route) => route,
        Asked::Keys(..) => contract::route(request).ok()?,
    };
    Some(route.operation.id.clone())
}

/// Which operation on which key, if the path is one of theirs.
fn route_of_keys(request: &Request) -> Result<Option<(Call, String)>, Rejection> {
    let segments = request.segments().ok_or_else(Rejection::no_such_path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    let (call, id) = match segments[..] {
        ["auth", "context"] => match method {
            "GET" => (Call::AuthContext, ""),
            _ => return Err(Rejection::method("GET")),
        },
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
        _ => return Ok(None),
    };
    Ok(Some((call, id.to_owned())))
}

fn carry_out(
    state: &mut State,
    view: &View,
    request: &Request,
    caller: Option<KeyRecord>,
    now: Moment,
) -> Result<Response, Rejection> {
    let asked = route(request)?;
    if request.too_large {
        return Err(Rejection::too_large());
    }
    match asked {
        Asked::Documented(route) => {
            if !route.operation.open || caller.is_some() {
                let caller = caller.ok_or_else(Rejection::unauthorized)?;
                scope(state, &caller, request)?;
            }
            documented::carry_out(state, &route, request, Moment { time: view.time, ..now })
        }
        Asked::OfMachine(route) => {
            machine::admit(request)?;
            documented::carry_out(state, &route, request, Moment { time: view.time, ..now })
        }
        Asked::Keys(call, id) => on_keys(state, view, request, caller, now, call, &id),
    }
}

fn on_keys(
    state: &mut State,
    view: &View,
    request: &Request,
    caller: Option<KeyRecord>,
    now: Moment,
    call: Call,
    id: &str,
) -> Result<Response, Rejection> {
    let caller = caller.ok_or_else(Rejection::unauthorized)?;
    if caller.policy.is_some() && !matches!(call, Call::AuthContext) {
        return Err(Rejection::insufficient_scope());
    }
    let scope = scope(state, &caller, request)?;
    let context = Context { caller, scope, time: view.time, now };
    let seen = view.reads.as_ref();
    match call {
        Call::AuthContext => auth_context::show(view.auth_context, &context),
        Call::List => list::list(seen.unwrap_or(state), request, &context),
        Call::Create => keys::create(state, request, &context),
        Call::Get => keys::get(seen.unwrap_or(state), request, &context, id),
        Call::Update => keys::update(state, seen, request, &context, id),
        Call::Delete => keys::delete(state, seen, &context, id),
        Call::Rotate => keys::rotate(state, seen, request, &context, id),
    }
}
