//! What rustdoc says of resources and their methods.

use super::call::Call;
use super::example;
use crate::finish::docs;
use crate::surface::Kind;

/// The way to a resource: `browsers().computer()`.
pub(super) fn way(path: &[&str]) -> String {
    format!("{}()", path.join("()."))
}

/// Of a resource, with its commonest call.
pub(super) fn resource(path: &[&str], commonest: Option<&Call<'_>>) -> String {
    let title = format!("The resource `{}`, had by `{}`.", path.join("."), way(path));
    match commonest.and_then(example::of) {
        Some(example) => format!("{title}\n\n{example}"),
        None => title,
    }
}

/// Of a method that makes a call.
pub(super) fn operation(call: &Call<'_>) -> String {
    let operation = call.operation;
    let mut parts = Vec::new();
    for text in [&operation.summary, &operation.description] {
        if !text.is_empty() && !parts.contains(&docs::render(text)) {
            parts.push(docs::render(text));
        }
    }
    parts.push(format!("Sends a `{}` request to `{}`.", operation.method, operation.path));
    parts.extend(example::of(call));
    let arguments = call.slots.arguments().map(|slot| {
        let (notes, rule) = (slot.member.notes, slot.member.rule);
        format!("- `{}`: {}", slot.name, docs::sentence(notes, rule))
    });
    let arguments: Vec<String> = arguments.collect();
    if !arguments.is_empty() {
        parts.push(format!("# Arguments\n{}", arguments.join("\n")));
    }
    let setters: Vec<String> = call
        .slots
        .setters()
        .map(|slot| format!("[`{0}`]({1}::{0})", slot.name, call.ident))
        .collect();
    if !setters.is_empty() {
        parts.push(format!("Optional: {}.", setters.join(", ")));
    }
    let body = call.body_type().and_then(|name| call.surface.types.get(&name));
    let of_body = match body.map(|it| &it.kind) {
        Some(Kind::Struct(body)) => body.relations.sentence(),
        _ => None,
    };
    parts.extend(operation.relations.sentence());
    parts.extend(of_body);
    let errors: Vec<_> = operation
        .statuses
        .iter()
        .filter(|(status, _)| !status.starts_with('2'))
        .map(|(status, description)| format!("- `{status}`: {}", docs::render(description)))
        .collect();
    if !errors.is_empty() {
        parts.push(format!("# Errors\n{}", errors.join("\n")));
    }
    parts.join("\n\n")
}
