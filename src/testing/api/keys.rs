//! Creating, reading, renaming, deleting and rotating one key.

use super::context::Context;
use super::fields::{Field, Fields};
use super::parameters::Parameters;
use crate::testing::clock::later;
use crate::testing::log::Effect;
use crate::testing::request::Request;
use crate::testing::response::{Rejection, Response};
use crate::testing::state::{NewKey, State, days, resource};

/// The grace period of a rotation that names none, in days.
const GRACE_DAYS: i64 = 7;

pub(super) fn create(
    state: &mut State,
    request: &Request,
    context: &Context,
) -> Result<Response, Rejection> {
    let mut fields = Fields::new(request.object().map_err(Rejection::bad_request)?);
    let name = fields.name();
    let days = fields.days("days_to_expire", 1).value();
    let expires_at = fields.expires_at(context.now, context.caller.expires_at);
    if days.is_some() && expires_at.is_some() {
        fields.wrong("invalid_expiry", "send either days_to_expire or expires_at, not both");
    }
    let project = fields.project_id();
    let policy = fields.policy();
    let (name, project) = fields.finish((name, project))?;

    let project_id = match (project, &context.scope) {
        (Field::Omitted, scope) => scope.clone(),
        (Field::Null, None) => None,
        (Field::Value(id), None) if state.has_project(&id) => Some(id),
        (Field::Value(id), Some(scope)) if id == *scope => Some(id),
        // An org-wide key asked for by a key of one project, or somebody else's project.
        _ => return Err(Rejection::no_such_project()),
    };
    context.may(&resource(project_id.as_deref(), "*"))?;
    let new = NewKey {
        name,
        created_by: context.caller.created_by.clone(),
        days,
        expires_at,
        project_id,
        policy,
        ..NewKey::default()
    };
    let key = state.add(new, context.now);
    let effect = Effect::Created { id: key.id.clone() };
    Ok(Response::new(201, key.to_json_once()).with_effect(effect))
}

pub(super) fn get(
    state: &State,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    let mut parameters = Parameters::read(request, &["include_deleted"])?;
    let with_deleted = parameters.flag("include_deleted")?;
    Ok(Response::new(200, context.target(state, id, with_deleted)?.to_json()))
}

pub(super) fn update(
    state: &mut State,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    context.target(state, id, false)?;
    let mut fields = Fields::new(request.object().map_err(Rejection::bad_request)?);
    let name = fields.name();
    let name = fields.finish(name)?;
    let key = state.get_mut(id).ok_or_else(Rejection::no_such_key)?;
    key.name = name;
    Ok(Response::new(200, key.to_json()).with_effect(Effect::Renamed { id: id.to_owned() }))
}

pub(super) fn delete(
    state: &mut State,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    context.target(state, id, false)?;
    if context.caller.id == id {
        let message = "an API key cannot delete itself; use another one to delete it";
        return Err(Rejection::bad_request(message));
    }
    let key = state.get_mut(id).ok_or_else(Rejection::no_such_key)?;
    key.deleted_at = Some(context.now);
    Ok(Response::empty(204).with_effect(Effect::Deleted { id: id.to_owned() }))
}

pub(super) fn rotate(
    state: &mut State,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    let old = context.target(state, id, false)?.clone();
    let body = match request.body.is_empty() {
        true => Default::default(),
        false => request.object().map_err(Rejection::bad_request)?,
    };
    let mut fields = Fields::new(body);
    let lifetime = fields.days("days_to_expire", 1);
    let grace = fields.days("expire_in_days", 0).value().unwrap_or(GRACE_DAYS);
    let lifetime = fields.finish(lifetime)?;

    let lifetime = match lifetime {
        Field::Omitted => old.lifetime,
        Field::Null => None,
        Field::Value(count) => Some(days(count)),
    };
    let new = NewKey {
        name: old.name,
        created_by: context.caller.created_by.clone(),
        expires_at: lifetime.map(|lifetime| later(context.now, lifetime)),
        project_id: old.project_id,
        policy: old.policy,
        extra: old.extra,
        ..NewKey::default()
    };
    let end = later(context.now, days(grace));
    let old = state.get_mut(id).ok_or_else(Rejection::no_such_key)?;
    old.expires_at = Some(old.expires_at.map_or(end, |already| already.min(end)));

    let new = state.add(new, context.now);
    let effect = Effect::Rotated { old: id.to_owned(), new: new.id.clone() };
    Ok(Response::new(201, new.to_json_once()).with_effect(effect))
}
