//! Which resources are generated. Every resource at the top of the bundled tree has a Cargo feature
//! of its own; what no feature asks for is left out before anything is made of it, together with the
//! schemas that nothing else reaches. A document of another API is generated whole.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lower::naming::names;
use crate::lower::references;
use crate::openapi::walk;

/// The resources at the top of the tree that `spec/resources.overlay.yml` describes.
pub const RESOURCES: [&str; 20] = [
    "api_keys",
    "apps",
    "audit_logs",
    "auth",
    "browser_pools",
    "browsers",
    "config_registry",
    "credential_providers",
    "credentials",
    "deployments",
    "extensions",
    "invocations",
    "organization",
    "profiles",
    "projects",
    "proxies",
    "search",
    "telemetry",
    "vault_provider_configs",
    "vaults",
];

/// What a feature brings besides its own resource: which key a call has is part of managing keys.
const ALSO: [(&str, &str); 1] = [("api_keys", "auth.context")];

/// The resources to generate.
#[derive(Debug, Clone)]
pub struct Features(BTreeSet<&'static str>);

impl Features {
    /// Every resource.
    pub fn all() -> Self {
        Self(RESOURCES.into())
    }

    /// The resources of the Cargo features that are on, by `is_on`, which is asked with their names.
    pub fn by(is_on: impl Fn(&str) -> bool) -> Self {
        Self(RESOURCES.into_iter().filter(|it| is_on(&feature(it))).collect())
    }

    /// Whether a document is Kernel's, whose resources these features choose and for which the bundled
    /// overlays are. Without any of the features, it may be of another API, which has resources,
    /// paths and schemas of the same names by chance.
    pub(crate) fn choose_of(&self, document: &Value) -> bool {
        !self.0.is_empty() || document["paths"].get("/org/api_keys").is_some()
    }

    /// Whether a resource such as `browsers.computer` is generated. A resource that has no feature,
    /// which another document or an overlay brought, always is.
    pub fn wants(&self, resource: &str) -> bool {
        let top = resource.split('.').next().unwrap_or(resource);
        !RESOURCES.contains(&top)
            || self.0.contains(top)
            || ALSO.iter().any(|(of, also)| *also == resource && self.0.contains(of))
    }

    /// Whether the feature of a resource is on, such as `browsers`.
    pub(crate) fn are_on(&self, resource: &str) -> bool {
        self.0.contains(resource)
    }

    /// Leaves out what is not wanted.
    pub(crate) fn select(&self, document: &mut Value) {
        if !self.choose_of(document) {
            return;
        }
        let mut left_out = BTreeSet::new();
        walk::operations(document, &mut |_, path, method, operation| {
            if !self.wants(&names::resource(operation, path)) {
                left_out.insert((path.to_owned(), method.to_owned()));
            }
        });
        if left_out.is_empty() {
            return;
        }
        if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
            paths.retain(|path, item| {
                let Some(item) = item.as_object_mut() else { return true };
                item.retain(|key, _| !left_out.contains(&(path.clone(), key.clone())));
                walk::METHODS.iter().any(|method| item.contains_key(*method))
            });
        }
        let mut used = BTreeSet::new();
        references(document, &document["paths"], &mut used);
        if let Some(schemas) =
            document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
        {
            schemas.retain(|name, _| used.contains(name));
        }
    }
}

/// The Cargo feature of a resource: `browser-pools` of `browser_pools.leases`. Nothing for a
/// resource that has none.
pub(crate) fn feature_of(resource: &str) -> Option<String> {
    let top = resource.split('.').next().filter(|top| RESOURCES.contains(top))?;
    Some(feature(top))
}

fn feature(resource: &str) -> String {
    resource.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        let operation = |resource: &str, schema: &str| {
            json!({
                "x-onkernel-resource": resource,
                "responses": { "200": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
            })
        };
        json!({
            "paths": {
                "/keys": { "get": operation("api_keys", "Key") },
                "/context": { "get": operation("auth.context", "Context") },
                "/logins": { "get": operation("auth.connections", "Login") },
                "/browsers": {
                    "get": operation("browsers", "Browser"),
                    "post": { "tags": ["Browsers"], "responses": {} },
                },
                "/widgets": { "get": operation("widgets", "Widget") },
            },
            "components": { "schemas": {
                "Key": {}, "Context": {}, "Login": {}, "Widget": {}, "Tab": {},
                "Browser": { "items": { "$ref": "#/components/schemas/Tab" } },
            } },
        })
    }

    fn left(features: &Features) -> (Vec<String>, Vec<String>) {
        let mut document = document();
        features.select(&mut document);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        (keys(&document["paths"]), keys(&document["components"]["schemas"]))
    }

    #[test]
    fn a_feature_brings_its_resource_and_what_that_reaches() {
        let (paths, schemas) = left(&Features::by(|it| it == "api-keys"));
        assert_eq!(paths, ["/context", "/keys", "/widgets"]);
        assert_eq!(schemas, ["Context", "Key", "Widget"]);

        let (paths, schemas) = left(&Features::by(|it| it == "auth"));
        assert_eq!(paths, ["/context", "/logins", "/widgets"]);
        assert_eq!(schemas, ["Context", "Login", "Widget"]);

        // The tag names the resource of an operation that no overlay places.
        let (paths, schemas) = left(&Features::by(|it| it == "browsers"));
        assert_eq!(paths, ["/browsers", "/widgets"]);
        assert_eq!(schemas, ["Browser", "Tab", "Widget"]);
    }

    #[test]
    fn nothing_is_left_out_of_the_whole() {
        assert_eq!(left(&Features::all()).1.len(), 6);
    }

    #[test]
    fn without_any_feature_another_api_is_whole_and_kernels_has_what_no_feature_brings() {
        let none = Features::by(|_| false);
        assert_eq!(left(&none).1.len(), 6);
        let mut kernels = document();
        kernels["paths"]["/org/api_keys"] = json!({});
        none.select(&mut kernels);
        assert_eq!(kernels["components"]["schemas"].as_object().unwrap().len(), 1);
    }

    #[test]
    fn a_resource_inside_another_has_the_others_feature() {
        assert_eq!(feature_of("browser_pools.leases").as_deref(), Some("browser-pools"));
        assert_eq!(feature_of("widgets"), None);
    }
}
