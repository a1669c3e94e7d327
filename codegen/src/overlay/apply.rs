//! An overlay's actions, done to a document: all of them, or none and every reason why not.

use super::jsonpath::Step;
use super::{Action, Applied, Effect, METHODS, Omission, Omit, Overlay, Report, shape};
use crate::Document;
use crate::document::pointer::join;
use crate::document::{MAX_DEPTH, depth, kind};
use crate::error::{Error, Problem};
use serde_json::{Map, Value, map::Entry};

impl Overlay {
    /// Applies all actions in their order, then the omissions. The document is unchanged when
    /// that fails.
    ///
    /// # Errors
    /// Every action that matches nothing and is not marked as optional, and every update that
    /// does not fit what it matches.
    pub fn apply(&self, document: &mut Document) -> Result<Report, Error> {
        let mut root = document.root().clone();
        let mut problems = Vec::new();
        let mut report = Report { actions: Vec::new(), omitted: Vec::new() };
        for action in &self.actions {
            let matched = self.act(action, &mut root, document.name(), &mut problems);
            report.actions.push(Applied {
                target: action.target.to_string(),
                description: action.description.clone(),
                optional: action.optional.clone(),
                matched,
                position: self.source.places().values.get(&action.pointer).copied(),
            });
        }
        self.place(&mut root);
        for omission in &self.omit {
            let omitted = omit(&omission.what, &mut root);
            if omitted.is_empty() {
                problems.push(self.matches_nothing(omission, document.name()));
            }
            report.omitted.extend(omitted);
        }
        Error::unless_empty(problems)?;
        *document.root_mut() = root;
        Ok(report)
    }

    /// How many places the action matched.
    fn act(
        &self,
        action: &Action,
        root: &mut Value,
        document: &str,
        problems: &mut Vec<Problem>,
    ) -> usize {
        let places = action.target.places(root);
        if places.is_empty() && action.optional.is_none() {
            problems.push(self.source.problem(
                &join(&action.pointer, "target"),
                format!("`{}` matches nothing in {document}", action.target),
                "correct the target, remove the action, or give it `x-onkernel-optional: REASON`",
            ));
        }
        // From the back, so that a removal moves no place that is still to be removed.
        for place in places.iter().rev() {
            let done = match &action.effect {
                Effect::Remove => remove(root, place),
                Effect::Update(update) => update_at(root, place, update),
            };
            if let Err(Misfit { below, message, help }) = done {
                let (field, place) = match action.effect {
                    Effect::Remove => ("remove", pointer(place)),
                    Effect::Update(_) => ("update", pointer(place) + &below),
                };
                problems.push(self.source.problem(
                    &(join(&action.pointer, field) + &below),
                    format!("{message}, at #{place} of {document}"),
                    help,
                ));
            }
        }
        places.len()
    }

    /// Says of the operations of the table where they are found in the client.
    fn place(&self, root: &mut Value) {
        for (path, item) in
            root.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten()
        {
            let shape = shape(path);
            for place in self.places.iter().filter(|place| place.shape == shape) {
                let operation = item.get_mut(&place.method).and_then(Value::as_object_mut);
                if let Some(operation) = operation {
                    operation
                        .insert("x-onkernel-resource".to_owned(), place.resource.clone().into());
                    operation.insert("x-onkernel-method".to_owned(), place.name.clone().into());
                }
            }
        }
    }

    fn matches_nothing(&self, omission: &Omission, document: &str) -> Problem {
        let what = match &omission.what {
            Omit::Operation { method, path } => format!("is `{} {path}`", method.to_uppercase()),
            Omit::Tag(tag) => format!("has the tag `{tag}`"),
        };
        self.source.problem(
            &omission.pointer,
            format!("no operation of {document} {what}"),
            "correct or remove this entry",
        )
    }
}

fn pointer(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |base, step| match step {
        Step::Key(key) => join(&base, key),
        Step::Index(index) => join(&base, index),
    })
}

fn find<'v>(root: &'v mut Value, place: &[Step]) -> Option<&'v mut Value> {
    place.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Why an action cannot be done to a place that it matches.
struct Misfit {
    /// From the place on, a JSON pointer to what does not fit.
    below: String,
    message: String,
    help: &'static str,
}

impl Misfit {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { below: String::new(), message: message.into(), help }
    }
}

fn remove(root: &mut Value, place: &[Step]) -> Result<(), Misfit> {
    let Some((last, parent)) = place.split_last() else {
        return Err(Misfit::new("the whole document cannot be removed", "narrow the target"));
    };
    match (find(root, parent), last) {
        (Some(Value::Object(members)), Step::Key(key)) => {
            members.remove(key);
        }
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
    Ok(())
}

fn update_at(root: &mut Value, place: &[Step], update: &Value) -> Result<(), Misfit> {
    if place.len() + depth(update) > MAX_DEPTH {
        let message = format!("the update nests the document more than {MAX_DEPTH} levels deep");
        return Err(Misfit::new(message, "narrow the target"));
    }
    match (find(root, place), update) {
        (Some(Value::Array(items)), entry) => {
            items.push(entry.clone());
            Ok(())
        }
        (Some(Value::Object(members)), Value::Object(update)) => merge(members, update),
        (Some(Value::Object(_)), other) => Err(Misfit::new(
            format!("the update is {} and the target is a mapping", kind(other)),
            "write the fields to merge into it",
        )),
        (Some(other), _) => Err(Misfit::new(
            format!("the target is {}, and only mappings and lists can be updated", kind(other)),
            "make the mapping around it the target, and name the field in the update",
        )),
        // Removed by the update of a place that encloses it, which cannot be: updates only add.
        (None, _) => Ok(()),
    }
}

/// Mappings are merged, lists joined, single values replaced. An empty value becomes anything, and
/// over a mapping or a list adds nothing, as in the specification's own example. What is left
/// would lose something silently.
fn merge(target: &mut Map<String, Value>, update: &Map<String, Value>) -> Result<(), Misfit> {
    for (key, update) in update {
        let mut old = match target.entry(key) {
            Entry::Vacant(place) => {
                place.insert(update.clone());
                continue;
            }
            Entry::Occupied(old) => old,
        };
        match (old.get_mut(), update) {
            (Value::Object(old), Value::Object(update)) => merge(old, update)
                .map_err(|misfit| Misfit { below: join("", key) + &misfit.below, ..misfit })?,
            (Value::Array(old), Value::Array(update)) => old.extend(update.iter().cloned()),
            (Value::Object(_) | Value::Array(_), Value::Null) => {}
            (old, update) if !old.is_null() && (is_collection(old) || is_collection(update)) => {
                return Err(Misfit {
                    below: join("", key),
                    message: format!("{} cannot become {}", kind(old), kind(update)),
                    help: "remove the old value in an action before this one",
                });
            }
            (old, update) => *old = update.clone(),
        }
    }
    Ok(())
}

fn is_collection(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// Removes operations, and the paths that have none left.
fn omit(what: &Omit, root: &mut Value) -> Vec<String> {
    let Some(Value::Object(paths)) = root.get_mut("paths") else { return Vec::new() };
    let mut omitted = Vec::new();
    paths.retain(|path, item| {
        let Value::Object(item) = item else { return true };
        let before = omitted.len();
        for method in METHODS {
            let meant = item.get(*method).is_some_and(|operation| match what {
                Omit::Operation { method: wanted, path: of } => wanted == method && of == path,
                Omit::Tag(tag) => {
                    let tags = operation.get("tags").and_then(Value::as_array);
                    tags.is_some_and(|tags| tags.iter().any(|it| it == tag.as_str()))
                }
            });
            if meant {
                item.remove(*method);
                omitted.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        before == omitted.len() || METHODS.iter().any(|method| item.contains_key(*method))
    });
    omitted
}
