//! Where the schemas of a document are: every rule that rewrites schemas goes through here.

use serde_json::Value;

/// Calls `visit` with the pointer and the value of every schema, inner ones before outer ones.
pub(crate) fn schemas(document: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        members("#/components/schemas", schemas, &mut |at, it| schema(at, it, visit));
    }
    for kind in ["parameters", "headers", "responses", "requestBodies"] {
        if let Some(items) = document.pointer_mut(&format!("/components/{kind}")) {
            members(&format!("#/components/{kind}"), items, &mut |at, it| holder(at, it, visit));
        }
    }
    operations(document, &mut |at, _, _, operation| operation_schemas(at, operation, visit));
    if let Some(paths) = document.get_mut("paths") {
        members("#/paths", paths, &mut |at, item| parameters(at, item, visit));
    }
}

/// The schemas of one operation, inner ones before outer ones.
pub(crate) fn operation_schemas(
    at: &str,
    operation: &mut Value,
    visit: &mut dyn FnMut(&str, &mut Value),
) {
    parameters(at, operation, visit);
    if let Some(body) = operation.get_mut("requestBody") {
        holder(&format!("{at}/requestBody"), body, visit);
    }
    if let Some(responses) = operation.get_mut("responses") {
        members(&format!("{at}/responses"), responses, &mut |at, it| holder(at, it, visit));
    }
}

/// Calls `visit` with pointer, path, method and value of every operation, in the document's order
/// of paths and HTTP's order of methods.
pub(crate) fn operations(
    document: &mut Value,
    visit: &mut dyn FnMut(&str, &str, &str, &mut Value),
) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (key, item) in paths {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                visit(&format!("#/paths/{}/{method}", escape(key)), path(key), method, operation);
            }
        }
    }
}

/// The methods that a path item can hold.
pub(crate) const METHODS: [&str; 8] =
    ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The path that a key of `paths` stands for. What follows `#` is never sent: it tells operations apart
/// that share method and path.
pub(crate) fn path(key: &str) -> &str {
    key.split('#').next().unwrap_or(key)
}

/// A name as one step of a JSON pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn parameters(at: &str, owner: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    for (index, parameter) in list(owner, "parameters") {
        holder(&format!("{at}/parameters/{index}"), parameter, visit);
    }
}

/// A parameter, header, body or response: something with a `schema`, a `content` or `headers`.
fn holder(at: &str, holder: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    if let Some(it) = holder.get_mut("schema") {
        schema(&format!("{at}/schema"), it, visit);
    }
    if let Some(content) = holder.get_mut("content") {
        members(&format!("{at}/content"), content, &mut |at, media| {
            if let Some(it) = media.get_mut("schema") {
                schema(&format!("{at}/schema"), it, visit);
            }
        });
    }
    if let Some(headers) = holder.get_mut("headers") {
        members(&format!("{at}/headers"), headers, &mut |at, header| {
            if let Some(it) = header.get_mut("schema") {
                schema(&format!("{at}/schema"), it, visit);
            }
        });
    }
}

/// One schema and what it holds, inner ones first.
pub(crate) fn schema(at: &str, it: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    if let Some(properties) = it.get_mut("properties") {
        members(&format!("{at}/properties"), properties, &mut |at, it| schema(at, it, visit));
    }
    if let Some(patterns) = it.get_mut("patternProperties") {
        members(&format!("{at}/patternProperties"), patterns, &mut |at, it| schema(at, it, visit));
    }
    for key in ["items", "additionalProperties", "not"] {
        // `false` is a statement about the list or the object, not a schema.
        if let Some(inner) = it.get_mut(key).filter(|inner| **inner != Value::Bool(false)) {
            schema(&format!("{at}/{key}"), inner, visit);
        }
    }
    for key in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        for (index, inner) in list(it, key) {
            schema(&format!("{at}/{key}/{index}"), inner, visit);
        }
    }
    visit(at, it);
}

fn members(at: &str, object: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    for (name, value) in object.as_object_mut().into_iter().flatten() {
        visit(&format!("{at}/{}", escape(name)), value);
    }
}

fn list<'a>(owner: &'a mut Value, key: &str) -> impl Iterator<Item = (usize, &'a mut Value)> {
    owner.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().enumerate()
}
