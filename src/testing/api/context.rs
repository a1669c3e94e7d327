//! Who asks, from within which project, and what they may see.

use chrono::{DateTime, Utc};

use crate::testing::clock::Moment;
use crate::testing::request::Request;
use crate::testing::response::Rejection;
use crate::testing::state::{KeyRecord, State};

/// Who asks and when, which is the same for every operation.
pub(super) struct Context {
    pub(super) caller: KeyRecord,
    /// The project that the request is confined to.
    pub(super) scope: Option<String>,
    /// What the server's clock shows this request.
    pub(super) time: DateTime<Utc>,
    pub(super) now: Moment,
}

impl Context {
    pub(super) fn sees(&self, key: &KeyRecord) -> bool {
        key.organization_id == self.caller.organization_id
            && (self.scope.is_none() || key.project_id == self.scope)
    }

    /// The key that a path names, if the caller can see it.
    pub(super) fn target<'a>(
        &self,
        state: &'a State,
        id: &str,
        with_deleted: bool,
    ) -> Result<&'a KeyRecord, Rejection> {
        state
            .get(id)
            .filter(|key| self.sees(key) && (with_deleted || key.deleted_at.is_none()))
            .ok_or_else(Rejection::no_such_key)
    }

    /// The key that is to be changed: it must be there, and seen to be there.
    pub(super) fn target_of_change<'a>(
        &self,
        state: &'a State,
        seen: Option<&State>,
        id: &str,
    ) -> Result<&'a KeyRecord, Rejection> {
        if let Some(seen) = seen {
            self.target(seen, id, false)?;
        }
        self.target(state, id, false)
    }

    /// The caller's organization has this project.
    pub(super) fn knows_project(&self, state: &State, id: &str) -> bool {
        state.project(&self.caller.organization_id, id).is_some()
    }
}

/// The caller's own project, or the one that the request's headers name.
pub(super) fn scope(
    state: &State,
    caller: &KeyRecord,
    request: &Request,
) -> Result<Option<String>, Rejection> {
    let organization = &caller.organization_id;
    let by_id =
        |id: &String| state.project(organization, id).ok_or_else(Rejection::no_such_project);
    let by_any = |name: &String| {
        by_id(name).or_else(|rejection| state.project_named(organization, name).ok_or(rejection))
    };
    // A project's id or name; and its id.
    let (any, id) = (request.header("x-kernel-project"), request.header("x-kernel-project-id"));
    let named = any.as_ref().map(by_any).transpose()?;
    let named_by_id = id.as_ref().map(by_id).transpose()?;
    let asked = match (named, named_by_id) {
        (Some(one), Some(other)) if one != other => {
            let message = "X-Kernel-Project and X-Kernel-Project-Id name different projects";
            return Err(Rejection::bad_request(message));
        }
        (Some(asked), _) | (None, Some(asked)) => asked,
        (None, None) => return Ok(caller.project_id.clone()),
    };
    match caller.project_id.as_ref().is_none_or(|own| own == asked) {
        true => Ok(Some(asked.to_owned())),
        false => Err(Rejection::no_such_project()),
    }
}
