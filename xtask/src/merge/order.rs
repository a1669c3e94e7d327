//! In which order what is taken over is written: ours, with what is new beside what it belongs to.

use crate::tree::Tree;
use std::collections::HashMap;

/// What is in `new`, in the order of `old`; what `old` lacks follows the one before it in `new`.
pub(super) fn beside<T: PartialEq + Clone>(old: &[T], new: &[T]) -> Vec<T> {
    let mut order: Vec<T> = old.iter().filter(|it| new.contains(it)).cloned().collect();
    for (index, it) in new.iter().enumerate().filter(|(_, it)| !old.contains(it)) {
        let before = index.checked_sub(1).and_then(|before| new.get(before));
        let at = before.and_then(|before| order.iter().position(|it| it == before));
        order.insert(at.map_or(0, |at| at + 1), it.clone());
    }
    order
}

/// What `new` says, its keys in the order of `old`.
pub(super) fn keys(old: &Tree, new: &Tree) -> Tree {
    let (Tree::Map(_), Tree::Map(members)) = (old, new) else { return new.clone() };
    let names = |it: &Tree| -> Vec<String> { it.members().iter().map(|it| it.0.clone()).collect() };
    let member = |name: String| {
        let (_, value) = members.iter().find(|(it, _)| *it == name)?;
        let value = old.get(&name).map_or_else(|| value.clone(), |old| keys(old, value));
        Some((name, value))
    };
    Tree::Map(beside(&names(old), &names(new)).into_iter().filter_map(member).collect())
}

/// Paths: a new one follows the last of those with which it has most in common.
pub(super) fn paths(old: &[String], new: &[String]) -> Vec<String> {
    let mut order: Vec<String> = old.iter().filter(|it| new.contains(it)).cloned().collect();
    for path in new.iter().filter(|it| !old.contains(it)) {
        let nearest = order.iter().enumerate().max_by_key(|(_, other)| common(path, other));
        match nearest {
            Some((at, other)) if common(path, other) > 0 => order.insert(at + 1, path.clone()),
            _ => order.push(path.clone()),
        }
    }
    order
}

/// How many steps two paths have in common at their beginnings.
fn common(one: &str, other: &str) -> usize {
    let steps = one.split('/').skip(1).zip(other.split('/').skip(1));
    steps.take_while(|(one, other)| one == other).count()
}

/// Schemas: a new one follows the first that refers to it.
pub(super) fn schemas(old: &[String], new: &[(String, Tree)]) -> Vec<String> {
    let referred: HashMap<&String, Vec<&str>> =
        new.iter().map(|(name, schema)| (name, references(schema))).collect();
    let mut order: Vec<String> =
        old.iter().filter(|it| referred.contains_key(it)).cloned().collect();
    for (name, _) in new.iter().filter(|(it, _)| !old.contains(it)) {
        let refers = |it: &String| referred.get(it).is_some_and(|all| all.contains(&name.as_str()));
        let at = order.iter().position(refers).map_or(order.len(), |at| at + 1);
        order.insert(at, name.clone());
    }
    order
}

/// The names of the schemas that a value refers to.
fn references(tree: &Tree) -> Vec<&str> {
    let own = tree.get("$ref").and_then(Tree::as_str);
    let own = own.and_then(|it| it.strip_prefix("#/components/schemas/"));
    let members = tree.members().iter().flat_map(|(_, it)| references(it));
    own.into_iter().chain(members).chain(tree.items().iter().flat_map(references)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn what_is_new_follows_the_one_before_it() {
        let order = |old: &str, new: &str| beside(&names(old), &names(new)).join(" ");
        assert_eq!(order("c b a", "a b c"), "c b a");
        assert_eq!(order("c b a", "a x y c z"), "c z a x y");
        assert_eq!(order("a", "x a"), "x a");
    }

    #[test]
    fn a_new_path_follows_its_relatives() {
        let old = names("/b /b/{id} /b/{id}/fs /a");
        let new = names("/a /b /b/{id} /b/{id}/fs /b/{id}/logs /c /a/{id}");
        let order = "/b /b/{id} /b/{id}/fs /b/{id}/logs /a /a/{id} /c";
        assert_eq!(paths(&old, &new), names(order));
    }

    #[test]
    fn a_new_schema_follows_the_first_that_refers_to_it() {
        let new = json!({
            "A": {}, "B": { "items": { "$ref": "#/components/schemas/N" } },
            "C": { "anyOf": [{ "$ref": "#/components/schemas/N" }] }, "N": {}, "Z": {},
        });
        let order = schemas(&names("C B A"), Tree::from(&new).members());
        assert_eq!(order, names("C N B A Z"));
    }
}
