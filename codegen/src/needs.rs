//! What the hand-written part of the client needs of a document: without it, it would not compile,
//! and the error would point at our code instead of at the document.

use crate::features::Features;
use crate::lower::{Finding, Lowered};
use crate::surface::Kind;

/// Resource and name, method and path.
const OPERATIONS: [(&str, &str, &str, &str); 7] = [
    ("api_keys", "create", "POST", "/org/api_keys"),
    ("api_keys", "list", "GET", "/org/api_keys"),
    ("api_keys", "get", "GET", "/org/api_keys/{id}"),
    ("api_keys", "update", "PATCH", "/org/api_keys/{id}"),
    ("api_keys", "delete", "DELETE", "/org/api_keys/{id}"),
    ("api_keys", "rotate", "POST", "/org/api_keys/{id}/rotate"),
    ("auth.context", "get", "GET", "/auth/context"),
];

/// Type and its fields.
const FIELDS: [(&str, &[&str]); 6] = [
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
    ("CreatedApiKey", &["id", "name", "expires_at", "project_id", "masked_key", "key", "policy"]),
    ("CreateApiKeyRequest", &["name", "days_to_expire", "expires_at", "project_id", "policy"]),
    ("UpdateApiKeyRequest", &["name"]),
    ("RotateApiKeyRequest", &["days_to_expire", "expire_in_days"]),
    ("ApiKeyPolicy", &["statements"]),
];

/// What is missing.
pub(crate) fn check(lowered: &Lowered, features: &Features) -> Vec<Finding> {
    let surface = &lowered.surface;
    if !features.wants("api_keys") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (resource, name, method, path) in OPERATIONS {
        let found = surface.operations.iter().any(|it| {
            it.resource == resource && it.call == name && it.method == method && it.path == path
        });
        if !found {
            findings.push(Finding::new(
                "#/paths",
                format!("`{method} {path}`, which is `{resource}.{name}` here, is missing"),
                "add it with an overlay, or correct its `x-onkernel-resource` and `x-onkernel-method`",
            ));
        }
    }
    // A missing operation takes its types with it; one message is enough.
    if !findings.is_empty() {
        return findings;
    }
    for (name, fields) in FIELDS {
        let known = match surface.types.get(name).map(|it| &it.kind) {
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
    // The one place where a plaintext comes in.
    let key = "/components/schemas/CreatedApiKey/properties/key";
    if findings.is_empty()
        && lowered.document.pointer(key).is_some_and(|it| it["format"] != "password")
    {
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
