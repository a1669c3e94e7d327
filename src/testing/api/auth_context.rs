//! Who is asking: `GET /auth/context`.

use serde_json::json;

use super::context::Context;
use crate::testing::response::{Rejection, Response};

/// Whether a server says who is asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthContext {
    /// `GET /auth/context` shows the caller's credential, organization, scope and project.
    #[default]
    Available,
    /// It is rejected with 403.
    Forbidden,
    /// There is nothing at this path: 404, as from a server of before it was added.
    Missing,
}

pub(super) fn show(available: AuthContext, context: &Context) -> Result<Response, Rejection> {
    match available {
        AuthContext::Available => {}
        AuthContext::Forbidden => return Err(Rejection::insufficient_scope()),
        AuthContext::Missing => return Err(Rejection::no_such_path()),
    }
    let caller = &context.caller;
    Ok(Response::new(
        200,
        json!({
            "authentication": {
                "method": "api_key",
                "source": "api_key",
                "credential_id": caller.id,
            },
            "authorization": {
                "credential_scope": { "project_id": caller.project_id },
                "effective_scope": { "project_id": context.scope },
            },
            "organization": { "id": caller.organization_id },
            "principal": { "id": caller.id, "type": "api_key" },
        }),
    ))
}
