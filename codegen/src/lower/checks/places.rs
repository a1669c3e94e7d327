//! Says of every finding where it is in the document, which operations cannot be had for it, and in
//! how many places it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::unused::{SCHEMAS, references};
use crate::lower::finding::Finding;
use crate::openapi::walk;

/// How many operations are named.
const NAMED: usize = 3;

/// Where things stood before they were lowered.
pub(in crate::lower) struct Origins<'a> {
    /// The document before any rule.
    pub(in crate::lower) source: &'a Value,
    /// Where the components stood that a rule made, by name.
    pub(in crate::lower) components: BTreeMap<String, String>,
    /// What a component was called, by its name now.
    pub(in crate::lower) names: BTreeMap<String, String>,
}

/// Puts every finding at its place in the document and adds the operations. What is wrong with the
/// same operations in the same way is said once.
pub(in crate::lower) fn located(
    document: &Value,
    origins: &Origins<'_>,
    findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut all: Vec<(Finding, Vec<String>)> = Vec::new();
    for mut finding in findings {
        let mut operations = match component(&finding.pointer) {
            Some((name, _)) => users(document, &name),
            None => operation(&finding.pointer).into_iter().collect(),
        };
        operations.dedup();
        let named = operations.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match operations.len().saturating_sub(NAMED) {
            0 if operations.is_empty() => {}
            0 => finding.message.push_str(&format!(" ({named})")),
            more => finding.message.push_str(&format!(" ({named} and {more} more)")),
        }
        finding.pointer = origins.place(document, &finding.pointer);
        let same = |it: &&mut (Finding, Vec<String>)| {
            it.0.message == finding.message && it.0.help == finding.help
        };
        match all.iter_mut().find(same) {
            Some((known, others)) => {
                if known.pointer != finding.pointer && !others.contains(&finding.pointer) {
                    others.push(finding.pointer);
                }
            }
            None => all.push((finding, Vec::new())),
        }
    }
    let said = all.into_iter().map(|(mut finding, others)| {
        match others.len() {
            0 => {}
            1 => finding.message.push_str(", here and in one more place"),
            more => finding.message.push_str(&format!(", here and in {more} more places")),
        }
        finding
    });
    said.collect()
}

impl Origins<'_> {
    /// The place in the document of what is found at a pointer now, or the nearest around it.
    fn place(&self, document: &Value, pointer: &str) -> String {
        let mut pointer = pointer.to_owned();
        let mut left = self.components.len() + 1;
        while let Some((name, rest)) = component(&pointer)
            && let Some(origin) = self.components.get(&name).filter(|_| left > 0)
        {
            pointer = format!("{origin}{rest}");
            left -= 1;
        }
        if let Some((name, rest)) = component(&pointer)
            && let Some(before) = self.names.get(&name)
        {
            pointer = format!("{SCHEMAS}{}{rest}", walk::escape(before));
        }
        let steps: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
        let steps = match steps.as_slice() {
            [paths, path, method, list, index, rest @ ..]
                if paths == "paths" && list == "parameters" =>
            {
                let lowered = &document["paths"][path.as_str()][method.as_str()]["parameters"];
                let lowered = index.parse::<usize>().ok().map(|index| &lowered[index]);
                let at = lowered.and_then(|it| self.parameter(walk::path(path), method, it));
                at.map(|at| at.into_iter().chain(rest.iter().cloned()).collect())
            }
            [paths, path, rest @ ..] if paths == "paths" => {
                let path = walk::path(path).to_owned();
                Some([paths.clone(), path].into_iter().chain(rest.iter().cloned()).collect())
            }
            _ => None,
        }
        .unwrap_or(steps);
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        descend(self.source, self.source, "#", &steps, 0).1
    }

    /// Where a parameter of an operation is written: there, or at its path.
    fn parameter(&self, path: &str, method: &str, lowered: &Value) -> Option<Vec<String>> {
        let item = &self.source["paths"][path];
        let of_path = vec!["paths".to_owned(), path.to_owned()];
        let of_operation = of_path.iter().cloned().chain([method.to_owned()]).collect();
        for (owner, at) in [(&item[method], of_operation), (item, of_path)] {
            for (index, parameter) in
                owner["parameters"].as_array().into_iter().flatten().enumerate()
            {
                let target = match parameter["$ref"].as_str() {
                    Some(reference) => crate::document::pointer::resolve(self.source, reference)?,
                    None => parameter,
                };
                if target["name"] == lowered["name"] && target["in"] == lowered["in"] {
                    let rest = ["parameters".to_owned(), index.to_string()];
                    return Some(at.into_iter().chain(rest).collect());
                }
            }
        }
        None
    }
}

/// Follows steps as far as they lead, through references and the parts of what has been merged: how
/// many are left, and the pointer of where that is.
fn descend(root: &Value, value: &Value, at: &str, steps: &[&str], depth: usize) -> (usize, String) {
    let Some((step, rest)) = steps.split_first().filter(|_| depth < 64) else {
        return (steps.len(), at.to_owned());
    };
    let mut best = (steps.len(), at.to_owned());
    let mut attempt = |value: &Value, at: &str, steps: &[&str]| {
        if best.0 > 0 {
            let found = descend(root, value, at, steps, depth + 1);
            if found.0 < best.0 {
                best = found;
            }
        }
    };
    let member = match value {
        Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
        value => value.get(*step),
    };
    if let Some(member) = member {
        attempt(member, &format!("{at}/{}", walk::escape(step)), rest);
    }
    if let Some(reference) = value.get("$ref").and_then(Value::as_str)
        && let Some(pointer) = crate::document::pointer::of_reference(reference)
        && let Some(target) = root.pointer(&pointer)
    {
        attempt(target, &format!("#{pointer}"), steps);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, part) in
            value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            attempt(part, &format!("{at}/{key}/{index}"), steps);
        }
    }
    // What is said by other words now.
    match *step {
        "2XX" => {
            if let Some(default) = value.get("default") {
                attempt(default, &format!("{at}/default"), rest);
            }
        }
        "schema" => {
            for (name, media) in
                value.get("content").and_then(Value::as_object).into_iter().flatten()
            {
                attempt(media, &format!("{at}/content/{}", walk::escape(name)), steps);
            }
        }
        _ => {}
    }
    best
}

/// The component that a pointer leads into, and what follows its name.
fn component(pointer: &str) -> Option<(String, &str)> {
    let rest = pointer.strip_prefix(SCHEMAS)?;
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((unescape(name), rest))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// The operation that a pointer leads into.
fn operation(pointer: &str) -> Option<String> {
    let mut steps = pointer.strip_prefix("#/paths/")?.split('/');
    let path = unescape(steps.next()?);
    let method = steps.next().filter(|it| walk::METHODS.contains(it))?;
    Some(format!("{} {}", method.to_uppercase(), walk::path(&path)))
}

/// The operations that need a component.
fn users(document: &Value, name: &str) -> Vec<String> {
    let mut users = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in walk::METHODS {
            let mut needed = std::collections::BTreeSet::new();
            references(document, &item[method], &mut needed);
            if needed.contains(name) {
                users.push(format!("{} {}", method.to_uppercase(), walk::path(path)));
            }
        }
    }
    users
}
