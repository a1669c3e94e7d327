//! Every operation gets a resource and a method: `browsers.computer`, `click_mouse`.
//!
//! `x-onkernel-resource` and `x-onkernel-method` on an operation say them; an overlay's
//! `x-onkernel-resources` sets these for many at once. Where they are missing, the tag names the
//! resource, and the words of [`rule`] without the resource's own noun name the method:
//! `create_api_key` of `API Keys` is `api_keys.create`. Two operations that would meet in one name
//! keep the noun; if that does not tell them apart either, the document is at fault.
//!
//! What would be called as something of the hand-written client ends in `_`: `client.audit_()`. Where
//! an overlay has chosen such a name, it is told instead.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToSnakeCase, ToUpperCamelCase};
use serde_json::{Value, json};

use super::{rule, spell};
use crate::lower::finding::Finding;
use crate::openapi::walk;

/// Names that the hand-written part uses, whatever its features: of the client, of a resource, of every
/// resource. An inherent method wins over a trait's method of the same name, so a generated one would
/// silently take its place.
const RESERVED: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "api_key",
            "audit",
            "base_url",
            "builder",
            "clone",
            "create_exactly_once",
            "from_env",
            "new",
            "proxy",
            "request",
            "rotate_all",
            "rotation",
            "resume",
            "rotation_of",
            "rotation_of_shared",
            "swap_api_key",
            "sweep",
            "with",
            "with_key",
        ],
    ),
    ("api_keys", &["current", "expiring_within", "named", "older_than"]),
    ("browsers", &["with_session"]),
    ("deployments", &["follow_to_end"]),
    ("invocations", &["follow_to_end", "invoke_and_wait"]),
    ("*", &["clone", "new"]),
];

/// The modules that the module of a resource uses.
const MODULES: [&str; 2] = ["operations", "types"];

const HELP: &str = "name it with `x-onkernel-resource` and `x-onkernel-method` in an overlay";

/// Where an operation is found in the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// The resource, with dots: `browsers.computer`.
    pub(crate) resource: String,
    /// The method: `click_mouse`.
    pub(crate) method: String,
}

/// The resource of an operation.
pub(crate) fn resource(operation: &Value, path: &str) -> String {
    let said = operation["x-onkernel-resource"].as_str().map(ToOwned::to_owned);
    said.unwrap_or_else(|| by_tag(operation, path))
}

/// The name of every operation, in the order of [`walk::operations`].
pub(crate) fn of_all(document: &mut Value) -> Vec<Name> {
    let mut found: Vec<(Name, bool, String)> = Vec::new();
    walk::operations(document, &mut |_, path, method, operation| {
        let said = |key: &str| operation[key].as_str().map(ToOwned::to_owned);
        let id = operation.get("x-onkernel-source-id").or_else(|| operation.get("operationId"));
        let id = id.and_then(Value::as_str).unwrap_or_default();
        let words = fit(rule::by_rule(id, method, path, operation));
        let resource = resource(operation, path);
        let chosen = said("x-onkernel-method");
        let is_chosen = chosen.is_some();
        let method = chosen.unwrap_or_else(|| fit(without_noun(&words, &resource)));
        // One of several methods for one operation.
        let varied = |name: String| match operation["x-onkernel-variant"].as_str() {
            Some(variant) => format!("{name}_{variant}"),
            None => name,
        };
        let method = varied(method);
        let method = if is_chosen { method } else { beside(&resource, method) };
        let words = beside(&resource, varied(words));
        found.push((Name { resource, method }, is_chosen, words));
    });
    let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
    for (name, ..) in &found {
        *counts.entry(name.clone()).or_default() += 1;
    }
    let resolved = found.into_iter().map(|(mut name, is_chosen, words)| {
        if !is_chosen && counts.get(&name).is_some_and(|count| *count > 1) {
            name.method = words;
        }
        name
    });
    resolved.collect()
}

pub(in crate::lower) fn apply(document: &mut Value) -> Vec<Finding> {
    let mut names = of_all(document).into_iter();
    let mut findings = Vec::new();
    let mut taken: BTreeMap<Name, String> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    walk::operations(document, &mut |at, path, method, operation| {
        let Some(name) = names.next() else { return };
        let here = format!("{} {path}", method.to_uppercase());
        if let Some(message) = unfit(&name) {
            findings.push(Finding::new(at, format!("{message} ({here})"), HELP));
        } else if let Some(other) = taken.insert(name.clone(), here.clone()) {
            let Name { resource, method } = &name;
            let message = format!("{here} and {other} would both be called `{resource}.{method}`");
            findings.push(Finding::new(at, message, HELP));
        }
        let base = format!("{}_{}", name.resource.replace('.', "_"), name.method);
        let mut id = base.clone();
        let mut count = 1;
        // As the generator spells them: `get_2` and `get2` are one type.
        while !ids.insert(id.to_upper_camel_case()) {
            count += 1;
            id = format!("{base}_{count}");
        }
        operation["x-onkernel-source-id"] = operation["operationId"].take();
        operation["x-onkernel-resource"] = json!(name.resource);
        operation["x-onkernel-method"] = json!(name.method);
        operation["operationId"] = json!(id);
    });
    let resources: BTreeSet<&str> = taken.keys().map(|name| name.resource.as_str()).collect();
    for (name, here) in &taken {
        let Name { resource, method } = name;
        let inside = format!("{resource}.{method}");
        if resources.iter().any(|it| **it == inside || it.starts_with(&format!("{inside}."))) {
            let message = format!("`{inside}` would be a method and a resource ({here})");
            findings.push(Finding::new("#/paths", message, HELP));
        }
    }
    findings
}

/// Why a name cannot be had, if so.
fn unfit(name: &Name) -> Option<String> {
    let Name { resource, method } = name;
    let mut owner = "";
    let mut steps: Vec<(&str, &str)> = Vec::new();
    for step in resource.split('.') {
        steps.push((owner, step));
        owner = resource.get(..step.as_ptr().addr() - resource.as_ptr().addr() + step.len())?;
    }
    steps.push((owner, method));
    let resources = steps.len() - 1;
    steps.into_iter().enumerate().find_map(|(at, (owner, step))| {
        let bare = step.trim_end_matches('_');
        if bare.is_empty() || bare.to_snake_case() != bare || raw(step).is_none() {
            return Some(format!("`{step}` cannot be the name of a method"));
        }
        // A module beside those that every resource uses.
        let is_module = at > 0 && at < resources && MODULES.contains(&step);
        let reserved = is_module || is_reserved(owner, step);
        reserved.then(|| format!("`{step}` is a name of the hand-written client"))
    })
}

/// Whether the hand-written part has a method of this name; `owner` is empty for the client.
fn is_reserved(owner: &str, name: &str) -> bool {
    RESERVED.iter().any(|(of, names)| {
        (*of == owner || *of == "*" && !owner.is_empty()) && names.contains(&name)
    })
}

/// A name that nobody chose, beside those of the hand-written part.
fn beside(owner: &str, mut name: String) -> String {
    if is_reserved(owner, &name) {
        name.push('_');
    }
    name
}

/// A name of ours as one that can be had.
fn fit(name: String) -> String {
    if raw(&name).is_some() { name } else { spell::snake(&name) }
}

/// A name as an identifier: keywords in their raw form.
fn raw(name: &str) -> Option<syn::Ident> {
    syn::parse_str(name).or_else(|_| syn::parse_str(&format!("r#{name}"))).ok()
}

fn by_tag(operation: &Value, path: &str) -> String {
    let tag = operation["tags"][0].as_str().map(ToSnakeCase::to_snake_case);
    let first = || path.split('/').find(|it| !it.is_empty() && !it.starts_with('{'));
    let name = tag.filter(|tag| !tag.is_empty());
    let name = name.or_else(|| first().map(ToSnakeCase::to_snake_case)).unwrap_or_default();
    if name.is_empty() { "api".to_owned() } else { beside("", fit(name)) }
}

/// `create_api_key` without the noun of `api_keys` is `create`.
fn without_noun(words: &str, resource: &str) -> String {
    let noun = resource.rsplit('.').next().unwrap_or_default().trim_end_matches('_');
    let all: Vec<&str> = words.split('_').collect();
    for noun in [noun.to_owned(), rule::singular(noun)] {
        let noun: Vec<&str> = noun.split('_').collect();
        if let Some(at) = all.windows(noun.len()).position(|window| window == noun.as_slice()) {
            let rest: Vec<&str> =
                all[..at].iter().chain(&all[at + noun.len()..]).copied().collect();
            if !rest.is_empty() {
                return rest.join("_");
            }
        }
    }
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(operations: Value) -> (Vec<String>, Vec<String>) {
        let mut document = json!({ "paths": operations });
        let findings = apply(&mut document).into_iter().map(|it| it.message).collect();
        let mut names = Vec::new();
        walk::operations(&mut document, &mut |_, _, _, it| {
            let said = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            names.push(format!("{}.{}", said("x-onkernel-resource"), said("x-onkernel-method")));
        });
        (names, findings)
    }

    #[test]
    fn the_tag_is_the_resource_and_the_method_says_no_more_than_it_must() {
        let of = |id: &str| json!({ "operationId": id, "tags": ["API Keys"], "responses": {} });
        let (names, findings) = named(json!({
            "/org/api_keys": { "get": of("listApiKeys"), "post": of("postApiKeys") },
            "/org/api_keys/{id}": { "patch": of("patchApiKeysById") },
            "/org/api_keys/{id}/move": { "post": of("") },
            "/org/api_keys/{id}/rotate": { "post": of("rotateApiKey") },
            "/v2/api_keys": { "post": of("") },
        }));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(
            names,
            [
                "api_keys.list",
                "api_keys.create",
                "api_keys.update",
                "api_keys.move_org",
                "api_keys.rotate",
                "api_keys.create_v2",
            ]
        );
    }

    #[test]
    fn operations_that_would_meet_keep_their_noun() {
        let of = |id: &str| json!({ "operationId": id, "tags": ["Projects"], "responses": {} });
        let mut chosen = of("postOrgProjects");
        chosen["x-onkernel-method"] = json!("create");
        let (names, findings) = named(json!({
            "/org/projects": { "post": chosen },
            "/projects": { "post": of("postProjects") },
        }));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(names, ["projects.create", "projects.create_project"]);
    }

    #[test]
    fn one_of_several_methods_for_an_operation_says_which() {
        let of = |id: &str| json!({ "operationId": id, "tags": ["Scans"], "responses": {} });
        let mut form = of("postScans");
        form["x-onkernel-variant"] = json!("form");
        let mut chosen = of("postOrgScans");
        chosen["x-onkernel-method"] = json!("start");
        let mut chosen_form = chosen.clone();
        chosen_form["x-onkernel-variant"] = json!("form");
        let (names, findings) = named(json!({
            "/org/scans": { "post": chosen },
            "/org/scans#form": { "post": chosen_form },
            "/scans": { "post": of("postScans") },
            "/scans#form": { "post": form },
        }));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(names, ["scans.start", "scans.start_form", "scans.create", "scans.create_form"]);
    }

    #[test]
    fn a_name_that_nobody_chose_is_beside_those_of_the_hand_written_part() {
        let of = |tag: &str, id: &str| json!({ "operationId": id, "tags": [tag], "responses": {} });
        let (names, findings) = named(json!({
            "/a": { "get": of("Audit", "listAudit") },
            "/b": { "get": of("things", "new") },
            "/things/{id}/clone": { "post": of("things", "") },
            "/c": { "get": of("Deployments", "followToEnd") },
            "/d": { "get": of("things", "followToEnd") },
        }));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(
            names,
            [
                "audit_.list",
                "things.new_",
                "deployments.follow_to_end_",
                "things.follow_to_end",
                "things.clone_",
            ]
        );
    }

    #[test]
    fn a_name_is_taken_once_and_never_from_the_hand_written_part() {
        let of = |resource: &str, method: &str| json!({ "x-onkernel-resource": resource, "x-onkernel-method": method });
        let (_, findings) = named(json!({
            "/a": { "get": of("things", "fetch") },
            "/b": { "get": of("things", "fetch") },
            "/c": { "get": of("rotation", "x") },
            "/d": { "get": of("things", "move") },
            "/e": { "get": of("things", "self") },
            "/f": { "get": of("api_keys", "current") },
            "/g": { "get": of("things.move", "x") },
        }));
        assert_eq!(
            findings,
            [
                "GET /b and GET /a would both be called `things.fetch`",
                "`rotation` is a name of the hand-written client (GET /c)",
                "`self` cannot be the name of a method (GET /e)",
                "`current` is a name of the hand-written client (GET /f)",
                "`things.move` would be a method and a resource (GET /d)",
            ]
        );
    }
}
