//! The API itself: a request and the time in, an answer out, and the state changed by what it says.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::clock::later;
use super::fields::{Field, Fields};
use super::log::Effect;
use super::record::{KeyRecord, NewKey, resource};
use super::request::Request;
use super::state::{State, days};

/// The grace period of a rotation that names none, in days.
const GRACE_DAYS: i64 = 7;

/// Carries out one request.
pub(super) fn answer(state: &mut State, request: &Request, now: DateTime<Utc>) -> Answer {
    let caller = caller(state, request, now).cloned();
    let id = caller.as_ref().map(|key| key.id.clone());
    let answer = match carry_out(state, request, caller, now) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into(),
    };
    Answer { caller: id, ..answer }
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

/// One of the six operations.
#[derive(Clone, Copy)]
enum Call {
    List,
    Create,
    Get,
    Update,
    Delete,
    Rotate,
}

impl Call {
    fn action(self) -> &'static str {
        match self {
            Call::List => "api_keys:list",
            Call::Create => "api_keys:create",
            Call::Get => "api_keys:get",
            Call::Update => "api_keys:update",
            Call::Delete => "api_keys:delete",
            Call::Rotate => "api_keys:rotate",
        }
    }
}

/// Which operation, on which key (empty for the operations on all keys).
fn route(request: &Request) -> Result<(Call, String), Refusal> {
    let segments = request.segments().ok_or_else(Refusal::no_such_path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    let (call, id) = match segments[..] {
        ["org", "api_keys"] => match method {
            "GET" => (Call::List, ""),
            "POST" => (Call::Create, ""),
            _ => return Err(Refusal::method("GET, POST")),
        },
        ["org", "api_keys", id] if !id.is_empty() => match method {
            "GET" => (Call::Get, id),
            "PATCH" => (Call::Update, id),
            "DELETE" => (Call::Delete, id),
            _ => return Err(Refusal::method("GET, PATCH, DELETE")),
        },
        ["org", "api_keys", id, "rotate"] if !id.is_empty() => match method {
            "POST" => (Call::Rotate, id),
            _ => return Err(Refusal::method("POST")),
        },
        _ => return Err(Refusal::no_such_path()),
    };
    Ok((call, id.to_owned()))
}

/// Who asks for what, as far as it is the same for every operation.
struct Context {
    call: Call,
    caller: KeyRecord,
    /// The project that the request is confined to.
    scope: Option<String>,
    now: DateTime<Utc>,
}

impl Context {
    fn may(&self, resource: &str) -> Result<(), Refusal> {
        let action = self.call.action();
        match &self.caller.policy {
            Some(policy) if !policy.allows(action, resource) => Err(Refusal::forbidden(action)),
            _ => Ok(()),
        }
    }

    fn sees(&self, key: &KeyRecord) -> bool {
        self.scope.is_none() || key.project_id == self.scope
    }

    /// The key that a path names, if the caller can see it and may do this to it.
    fn target<'a>(
        &self,
        state: &'a State,
        id: &str,
        with_deleted: bool,
    ) -> Result<&'a KeyRecord, Refusal> {
        let key = state
            .get(id)
            .filter(|key| self.sees(key) && (with_deleted || key.deleted_at.is_none()))
            .ok_or_else(Refusal::no_such_key)?;
        self.may(&key.resource())?;
        Ok(key)
    }
}

fn carry_out(
    state: &mut State,
    request: &Request,
    caller: Option<KeyRecord>,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let (call, id) = route(request)?;
    if request.too_large {
        return Err(Refusal::too_large());
    }
    let caller = caller.ok_or_else(Refusal::unauthorized)?;
    if caller.policy.as_ref().is_some_and(|policy| !policy.knows(call.action())) {
        return Err(Refusal::forbidden(call.action()));
    }
    let scope = scope(state, &caller, request)?;
    let context = Context { call, caller, scope, now };
    match call {
        Call::List => list(state, request, &context),
        Call::Create => create(state, request, &context),
        Call::Get => get(state, request, &context, &id),
        Call::Update => update(state, request, &context, &id),
        Call::Delete => delete(state, &context, &id),
        Call::Rotate => rotate(state, request, &context, &id),
    }
}

/// The caller's own project, or the one that the request's header names.
fn scope(state: &State, caller: &KeyRecord, request: &Request) -> Result<Option<String>, Refusal> {
    let Some(asked) = &request.project else { return Ok(caller.project_id.clone()) };
    let own = caller.project_id.as_ref().is_none_or(|own| own == asked);
    match own && state.has_project(asked) {
        true => Ok(Some(asked.clone())),
        false => Err(Refusal::no_such_project()),
    }
}

fn create(state: &mut State, request: &Request, context: &Context) -> Result<Answer, Refusal> {
    let mut fields = Fields::new(request.object().map_err(Refusal::bad_request)?);
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
        _ => return Err(Refusal::no_such_project()),
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
    Ok(Answer::new(201, key.to_json_once()).with_effect(effect))
}

fn get(state: &State, request: &Request, context: &Context, id: &str) -> Result<Answer, Refusal> {
    let mut parameters = Parameters::read(request, &["include_deleted"])?;
    let with_deleted = parameters.flag("include_deleted")?;
    Ok(Answer::new(200, context.target(state, id, with_deleted)?.to_json()))
}

fn update(
    state: &mut State,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Answer, Refusal> {
    context.target(state, id, false)?;
    let mut fields = Fields::new(request.object().map_err(Refusal::bad_request)?);
    let name = fields.name();
    let name = fields.finish(name)?;
    let key = state.get_mut(id).ok_or_else(Refusal::no_such_key)?;
    key.name = name;
    Ok(Answer::new(200, key.to_json()).with_effect(Effect::Renamed { id: id.to_owned() }))
}

fn delete(state: &mut State, context: &Context, id: &str) -> Result<Answer, Refusal> {
    context.target(state, id, false)?;
    if context.caller.id == id {
        let message = "an API key cannot delete itself; use another one to delete it";
        return Err(Refusal::bad_request(message));
    }
    let key = state.get_mut(id).ok_or_else(Refusal::no_such_key)?;
    key.deleted_at = Some(context.now);
    Ok(Answer::empty(204).with_effect(Effect::Deleted { id: id.to_owned() }))
}

fn rotate(
    state: &mut State,
    request: &Request,
    context: &Context,
    id: &str,
) -> Result<Answer, Refusal> {
    let old = context.target(state, id, false)?.clone();
    let body = match request.body.is_empty() {
        true => Default::default(),
        false => request.object().map_err(Refusal::bad_request)?,
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
    let old = state.get_mut(id).ok_or_else(Refusal::no_such_key)?;
    old.expires_at = Some(old.expires_at.map_or(end, |already| already.min(end)));

    let new = state.add(new, context.now);
    let effect = Effect::Rotated { old: id.to_owned(), new: new.id.clone() };
    Ok(Answer::new(201, new.to_json_once()).with_effect(effect))
}

fn list(state: &State, request: &Request, context: &Context) -> Result<Answer, Refusal> {
    context.may(&resource(context.scope.as_deref(), "*"))?;
    let names = [
        "limit",
        "offset",
        "query",
        "name",
        "sort_by",
        "sort_direction",
        "status",
        "include_deleted",
    ];
    let mut parameters = Parameters::read(request, &names)?;
    let limit = parameters.number("limit", 20, 1, 100)?;
    let offset = parameters.number("offset", 0, 0, i64::MAX)?;
    let query = parameters.take("query").unwrap_or_default();
    let name = parameters.take("name");
    let sort_by = parameters.one_of("sort_by", &["created_at", "name", "expires_at"])?;
    let direction = parameters.one_of("sort_direction", &["desc", "asc"])?;
    let status = parameters.one_of("status", &["active", "deleted", "all"])?;
    let status = if parameters.flag("include_deleted")? { "all" } else { status };

    let wanted = |key: &KeyRecord| {
        context.sees(key)
            && (status == "all" || (status == "deleted") == key.deleted_at.is_some())
            && name.as_ref().is_none_or(|name| same_text(name, &key.name))
            && mentions(key, &query)
    };
    let mut found: Vec<&KeyRecord> = state.keys().iter().filter(|key| wanted(key)).collect();
    // Stable, so that equal keys keep the order of their creation until it is turned around.
    found.sort_by(|a, b| order(sort_by, a, b));
    if direction == "desc" {
        found.reverse();
    }

    let total = found.len();
    let start = offset.min(total);
    let end = start.saturating_add(limit).min(total);
    let page: Vec<Value> = found[start..end].iter().map(|key| key.to_json()).collect();
    Ok(Answer::new(200, Value::Array(page))
        .with_header("x-has-more", end < total)
        .with_header("x-next-offset", if end < total { end } else { 0 }))
}

/// A key that never expires comes after all that do.
fn order(sort_by: &str, a: &KeyRecord, b: &KeyRecord) -> Ordering {
    match sort_by {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "expires_at" => {
            let end = |key: &KeyRecord| key.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
            end(a).cmp(&end(b))
        }
        _ => a.created_at.cmp(&b.created_at),
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Names, creator and project hold the text; ids and masked forms begin with it.
fn mentions(key: &KeyRecord, query: &str) -> bool {
    let lower = query.to_lowercase();
    let texts = [
        Some(&key.name),
        Some(&key.created_by.email),
        key.created_by.name.as_ref(),
        key.project_name.as_ref(),
        key.project_id.as_ref(),
    ];
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&lower))
        || key.id.starts_with(query)
        || key.masked_key.starts_with(query)
}

/// The query's parameters; those that an operation does not know are ignored.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(request: &Request, names: &[&str]) -> Result<Self, Refusal> {
        let mut known = request.parameters();
        known.retain(|(name, _)| names.contains(&name.as_str()));
        for name in names {
            if known.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(Refusal::bad_request(format!("{name} is given more than once")));
            }
        }
        Ok(Self(known))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn number(&mut self, name: &str, default: i64, min: i64, max: i64) -> Result<usize, Refusal> {
        let number = match self.take(name) {
            Some(text) => text.parse::<i64>().ok().filter(|number| (min..=max).contains(number)),
            None => Some(default),
        };
        number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
            let to = if max == i64::MAX { String::new() } else { format!(" to {max}") };
            Refusal::bad_request(format!("{name} must be a whole number from {min}{to}"))
        })
    }

    /// One of `values`, of which the first is the default.
    fn one_of(&mut self, name: &str, values: &[&'static str]) -> Result<&'static str, Refusal> {
        let given = self.take(name).unwrap_or_else(|| values[0].to_owned());
        values.iter().find(|value| **value == given).copied().ok_or_else(|| {
            Refusal::bad_request(format!("{name} must be one of {}", values.join(", ")))
        })
    }

    fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        Ok(self.one_of(name, &["false", "true"])? == "true")
    }
}
