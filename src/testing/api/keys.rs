//! Creating, reading, renaming, deleting and rotating one key.

use super::context::Context;
use super::fields::{Field, Fields};
use super::parameters::Parameters;
use crate::testing::clock::later;
use crate::testing::log::Effect;
use crate::testing::request::Request;
use crate::testing::response::{Rejection, Response};
use crate::testing::state::{Change, NewKey, State, days};

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
    let expires_at = fields.expires_at(context.time, context.caller.expires_at);
    if days.is_some() && expires_at.is_some() {
        fields.wrong("invalid_expiry", "send either days_to_expire or expires_at, not both");
    }
    let project = fields.project_id();
    let policy = fields.policy();
    let (name, project) = fields.finish((name, project))?;

    let project_id = match (project, &context.scope) {
        (Field::Omitted, scope) => scope.clone(),
        (Field::Null, None) => None,
        (Field::Value(id), None) if context.knows_project(state, &id) => Some(id),
        (Field::Value(id), Some(scope)) if id == *scope => Some(id),
        // An org-wide key asked for by a key of one project, or somebody else's project.
        _ => return Err(Rejection::no_such_project()),
    };
    let new = NewKey {
        created_by: context.caller.created_by.clone(),
        days,
        expires_at,
        project_id,
        policy,
        ..NewKey::named(name).organization(&context.caller.organization_id)
    };
    let key = state.add(new, context.time, context.now);
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
    seen: Option<&State>,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    context.target_of_change(state, seen, id)?;
    let mut fields = Fields::new(request.object().map_err(Rejection::bad_request)?);
    let name = fields.name();
    let name = fields.finish(name)?;
    let key = state
        .change(id, Change::Updated, context.now, |key| key.name = name)
        .ok_or_else(Rejection::no_such_key)?;
    Ok(Response::new(200, key.to_json()).with_effect(Effect::Renamed { id: id.to_owned() }))
}

pub(super) fn delete(
    state: &mut State,
    seen: Option<&State>,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    context.target_of_change(state, seen, id)?;
    if context.caller.id == id {
        return Err(Rejection::cannot_delete_itself());
    }
    state
        .change(id, Change::Deleted, context.now, |key| key.deleted_at = Some(context.time))
        .ok_or_else(Rejection::no_such_key)?;
    Ok(Response::empty(204).with_effect(Effect::Deleted { id: id.to_owned() }))
}

pub(super) fn rotate(
    state: &mut State,
    seen: Option<&State>,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Response, Rejection> {
    let old = context.target_of_change(state, seen, id)?.clone();
    let body = match request.body.is_empty() {
        true => Default::default(),
        false => request.object().map_err(Rejection::bad_request)?,
    };
    let mut fields = Fields::new(body);
    let lifetime = fields.days("days_to_expire", 1);
    let grace = fields.days("expire_in_days", 0).value().unwrap_or(GRACE_DAYS);
    let lifetime = match lifetime {
        Field::Omitted => old.lifetime,
        Field::Null => None,
        Field::Value(count) => Some(days(count)),
    };
    if lifetime.is_some_and(|lifetime| lifetime < days(grace)) {
        let message = format!(
            "the new key would expire before the old one: days_to_expire (or the old key's lifetime) must not be less than expire_in_days ({grace})"
        );
        fields.wrong("invalid_expiry", message);
    }
    let grace = days(grace);
    let lifetime = fields.finish(lifetime)?;

    let new = NewKey {
        created_by: context.caller.created_by.clone(),
        expires_at: lifetime.map(|lifetime| later(context.time, lifetime)),
        project_id: old.project_id,
        policy: old.policy,
        extra: old.extra,
        ..NewKey::named(old.name).organization(old.organization_id)
    };
    let end = later(context.time, grace);
    state
        .change(id, Change::Updated, context.now, |old| {
            old.expires_at = Some(old.expires_at.map_or(end, |already| already.min(end)));
        })
        .ok_or_else(Rejection::no_such_key)?;

    let new = state.add(new, context.time, context.now);
    let effect = Effect::Rotated { old: id.to_owned(), new: new.id.clone() };
    Ok(Response::new(201, new.to_json_once()).with_effect(effect))
}
