//! Who asks for what, from within which project, and what they may see.

use chrono::{DateTime, Utc};

use crate::testing::request::Request;
use crate::testing::response::Rejection;
use crate::testing::state::{KeyRecord, State};

/// One of the six operations.
#[derive(Clone, Copy)]
pub(super) enum Call {
    List,
    Create,
    Get,
    Update,
    Delete,
    Rotate,
}

impl Call {
    pub(super) fn action(self) -> &'static str {
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

/// Who asks for what, as far as it is the same for every operation.
pub(super) struct Context {
    pub(super) call: Call,
    pub(super) caller: KeyRecord,
    /// The project that the request is confined to.
    pub(super) scope: Option<String>,
    pub(super) now: DateTime<Utc>,
}

impl Context {
    pub(super) fn may(&self, resource: &str) -> Result<(), Rejection> {
        let action = self.call.action();
        match &self.caller.policy {
            Some(policy) if !policy.allows(action, resource) => Err(Rejection::forbidden(action)),
            _ => Ok(()),
        }
    }

    pub(super) fn sees(&self, key: &KeyRecord) -> bool {
        self.scope.is_none() || key.project_id == self.scope
    }

    /// The key that a path names, if the caller can see it and may do this to it.
    pub(super) fn target<'a>(
        &self,
        state: &'a State,
        id: &str,
        with_deleted: bool,
    ) -> Result<&'a KeyRecord, Rejection> {
        let key = state
            .get(id)
            .filter(|key| self.sees(key) && (with_deleted || key.deleted_at.is_none()))
            .ok_or_else(Rejection::no_such_key)?;
        self.may(&key.resource())?;
        Ok(key)
    }
}

/// The caller's own project, or the one that the request's header names.
pub(super) fn scope(
    state: &State,
    caller: &KeyRecord,
    request: &Request,
) -> Result<Option<String>, Rejection> {
    let Some(asked) = &request.project else { return Ok(caller.project_id.clone()) };
    let own = caller.project_id.as_ref().is_none_or(|own| own == asked);
    match own && state.has_project(asked) {
        true => Ok(Some(asked.clone())),
        false => Err(Rejection::no_such_project()),
    }
}
