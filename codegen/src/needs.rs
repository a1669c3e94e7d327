//! What the hand-written part of the client needs of a document: without it, it would not compile,
//! and the error would point at our code instead of at the document.

use crate::features::{Features, feature_of};
use crate::lower::{Finding, Lowered};
use crate::surface::{Kind, Operation};

/// What one feature's part needs: method and path of operations and what they are called, types with
/// their fields.
struct Needs {
    /// The resource, whose feature it is.
    resource: &'static str,
    operations: &'static [(&'static str, &'static str, &'static str)],
    types: &'static [(&'static str, &'static [&'static str])],
}

const NEEDS: [Needs; 4] = [
    Needs {
        resource: "api_keys",
        operations: &[
            ("api_keys.create", "POST", "/org/api_keys"),
            ("api_keys.list", "GET", "/org/api_keys"),
            ("api_keys.get", "GET", "/org/api_keys/{id}"),
            ("api_keys.update", "PATCH", "/org/api_keys/{id}"),
            ("api_keys.delete", "DELETE", "/org/api_keys/{id}"),
            ("api_keys.rotate", "POST", "/org/api_keys/{id}/rotate"),
            ("auth.context.get", "GET", "/auth/context"),
        ],
        types: &[
            (
                "ApiKey",
                &[
                    "id",
                    "name",
                    "created_at",
                    "expires_at",
                    "deleted_at",
                    "project_id",
                    "masked_key",
                    "policy",
                ],
            ),
            (
                "CreatedApiKey",
                &["id", "name", "expires_at", "project_id", "masked_key", "key", "policy"],
            ),
            (
                "CreateApiKeyRequest",
                &["name", "days_to_expire", "expires_at", "project_id", "policy"],
            ),
            ("UpdateApiKeyRequest", &["name"]),
            ("RotateApiKeyRequest", &["days_to_expire", "expire_in_days"]),
            ("ApiKeyPolicy", &["statements"]),
        ],
    },
    Needs {
        resource: "browsers",
        operations: &[
            ("browsers.create", "POST", "/browsers"),
            ("browsers.delete", "DELETE", "/browsers/{id_or_name}"),
        ],
        types: &[("Browser", &["session_id"])],
    },
    Needs {
        resource: "deployments",
        operations: &[
            ("deployments.get", "GET", "/deployments/{id}"),
            ("deployments.follow", "GET", "/deployments/{id}/events"),
        ],
        types: &[
            ("Deployment", &["status"]),
            ("DeploymentStateEvent", &["event", "deployment", "timestamp"]),
        ],
    },
    Needs {
        resource: "invocations",
        operations: &[
            ("invocations.create", "POST", "/invocations"),
            ("invocations.get", "GET", "/invocations/{id}"),
            ("invocations.follow", "GET", "/invocations/{id}/events"),
        ],
        types: &[
            ("Invocation", &["id", "action_name", "status", "status_reason"]),
            ("InvocationStateEvent", &["event", "invocation", "timestamp"]),
        ],
    },
];

/// What is missing.
pub(crate) fn check(lowered: &Lowered, features: &Features) -> Vec<Finding> {
    let wanted = NEEDS.iter().filter(|it| features.are_on(it.resource));
    let findings: Vec<Finding> = wanted.flat_map(|it| missing(lowered, it)).collect();
    if findings.is_empty() && features.are_on("api_keys") { keys(lowered) } else { findings }
}

fn missing(lowered: &Lowered, needs: &Needs) -> Vec<Finding> {
    let surface = &lowered.surface;
    let found = |id: &str, method: &str, path: &str| {
        let is_it = |it: &Operation| it.id() == id && it.method == method && it.path == path;
        surface.operations.iter().any(is_it)
    };
    let gone = needs.operations.iter().filter(|(id, method, path)| !found(id, method, path));
    let findings: Vec<Finding> = gone
        .map(|(id, method, path)| {
            Finding::new(
                "#/paths",
                format!("`{method} {path}`, which is `{id}` here, is missing"),
                format!(
                    "add it with an overlay, correct its `x-onkernel-resource` and `x-onkernel-method`, \
                     or build without the feature `{}`",
                    feature_of(needs.resource).unwrap_or_default()
                ),
            )
        })
        .collect();
    // A missing operation takes its types with it; one message is enough.
    if !findings.is_empty() {
        return findings;
    }
    let mut findings = Vec::new();
    for (name, fields) in needs.types {
        let known = match surface.types.get(*name).map(|it| &it.kind) {
            Some(Kind::Struct(known)) => known.fields.as_slice(),
            _ => &[],
        };
        for field in fields.iter().filter(|field| !known.iter().any(|it| it.wire == **field)) {
            findings.push(Finding::new(
                format!("#/components/schemas/{name}"),
                format!("`{name}.{field}`, which the client uses, is missing"),
                "add the property with an overlay",
            ));
        }
    }
    findings
}

/// What the management of keys needs besides.
fn keys(lowered: &Lowered) -> Vec<Finding> {
    let surface = &lowered.surface;
    let mut findings = Vec::new();
    // The one place where a plaintext comes in.
    let key = "/components/schemas/CreatedApiKey/properties/key";
    if lowered.document.pointer(key).is_some_and(|it| it["format"] != "password") {
        findings.push(Finding::new(
            format!("#{key}"),
            "`CreatedApiKey.key` is a plaintext, and not marked as a secret",
            "give it `format: password` with an overlay",
        ));
    }
    // What may be sent twice, and what callers name.
    let update = surface.operations.iter().find(|it| it.id() == "api_keys.update");
    if update.is_some_and(|it| !it.safe) {
        findings.push(Finding::new(
            "#/paths",
            "`api_keys.update` is not marked as idempotent",
            "give it `x-onkernel-repeat: safe` with an overlay",
        ));
    }
    for name in ["SortBy", "SortDirection"] {
        if !surface.types.contains_key(name) {
            findings.push(Finding::new(
                "#/paths",
                format!("no type is called `{name}`"),
                "name the parameter's schema with `x-onkernel-type` in an overlay",
            ));
        }
    }
    findings
}
