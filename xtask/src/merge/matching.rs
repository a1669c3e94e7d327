//! Which of their places is which of ours: what is renamed or moved within its list stays the same.

use super::grammar::Kind;
use crate::tree::Tree;
use onkernel_codegen::document::pointer::{join, of_reference};

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let step = |step: &str| match step.split_once('{') {
        Some((before, rest)) => {
            format!("{before}{{}}{}", rest.rsplit_once('}').map_or("", |(_, after)| after))
        }
        None => step.to_owned(),
    };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// Which of our names each of their names is; none for a new one.
pub(super) fn names<'o>(kind: Kind, ours: &[&'o str], theirs: &[&str]) -> Vec<Option<&'o str>> {
    let alike = |one: &str, other: &str| match kind {
        Kind::PathItem => shape(one) == shape(other),
        Kind::Header => one.eq_ignore_ascii_case(other),
        _ => false,
    };
    let find = |name: &str| {
        let same = ours.iter().find(|it| **it == name);
        same.or_else(|| ours.iter().find(|it| !theirs.contains(it) && alike(it, name))).copied()
    };
    let mut found: Vec<_> = theirs.iter().map(|name| find(name)).collect();
    // One media type, or one success, that is called otherwise.
    let class = |name: &str| match kind {
        Kind::Media => Some(' '),
        Kind::Response => name.chars().next().filter(char::is_ascii_digit),
        _ => None,
    };
    for index in 0..theirs.len() {
        let Some(wanted) = class(theirs[index]).filter(|_| found[index].is_none()) else {
            continue;
        };
        let is_wanted = |name: &str| class(name) == Some(wanted);
        let mut left = ours.iter().filter(|it| is_wanted(it) && !found.contains(&Some(**it)));
        let rivals = theirs.iter().zip(&found).filter(|(it, ours)| is_wanted(it) && ours.is_none());
        if let (Some(one), None, 1) = (left.next(), left.next(), rivals.count()) {
            found[index] = Some(one);
        }
    }
    found
}

/// The items of a list, with the document that they stand in and the path that they belong to.
pub(super) struct Items<'t> {
    pub(super) root: &'t Tree,
    pub(super) path: &'t str,
    pub(super) items: &'t [Tree],
}

/// Which of our items, by index, each of theirs is.
pub(super) fn items(
    kind: Kind,
    ours: &Items<'_>,
    theirs: &Items<'_>,
    same_reference: impl Fn(&str, &str) -> bool,
) -> Vec<Option<usize>> {
    let identities = |list: &Items<'_>| -> Vec<Option<String>> {
        list.items.iter().map(|it| identity(kind, it, list)).collect()
    };
    let (our_identities, their_identities) = (identities(ours), identities(theirs));
    let is_same = |ours: &Option<String>, theirs: &str| {
        ours.as_deref().is_some_and(|ours| {
            ours == theirs || kind == Kind::Schema && same_reference(ours, theirs)
        })
    };
    let find = |theirs: &Option<String>| {
        let theirs = theirs.as_deref()?;
        our_identities.iter().position(|ours| is_same(ours, theirs))
    };
    let mut found: Vec<_> = their_identities.iter().map(find).collect();
    // What has no name of its own is known by its place among such.
    let left: Vec<_> = (0..ours.items.len()).filter(|it| !found.contains(&Some(*it))).collect();
    let nameless: Vec<_> = (0..found.len()).filter(|it| found[*it].is_none()).collect();
    if kind == Kind::Schema && left.len() == nameless.len() {
        nameless.into_iter().zip(left).for_each(|(theirs, ours)| found[theirs] = Some(ours));
    }
    found
}

/// What tells an item from the others of its list.
fn identity(kind: Kind, item: &Tree, list: &Items<'_>) -> Option<String> {
    let reference = item.get("$ref").and_then(Tree::as_str);
    let text = |tree: &Tree, key: &str| tree.get(key).and_then(Tree::as_str).map(str::to_owned);
    match kind {
        Kind::Parameter => {
            let pointer = reference.and_then(of_reference);
            let item = pointer.and_then(|it| list.root.pointer(&it)).unwrap_or(item);
            let (place, name) = (text(item, "in")?, text(item, "name")?);
            let name = match place.as_str() {
                "path" => list
                    .path
                    .split('{')
                    .position(|it| it.starts_with(&format!("{name}}}")))?
                    .to_string(),
                "header" => name.to_ascii_lowercase(),
                _ => name,
            };
            Some(join(&place, name))
        }
        Kind::Server => text(item, "url"),
        Kind::Tag => text(item, "name"),
        _ => reference.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_the_same_where_only_what_says_nothing_differs() {
        let paths = names(
            Kind::PathItem,
            &["/a/{id}", "/a/{id}/b.{x}"],
            &["/a/{name}", "/a/{id}/b.{y}", "/b"],
        );
        assert_eq!(paths, [Some("/a/{id}"), Some("/a/{id}/b.{x}"), None]);
        assert_eq!(names(Kind::Header, &["X-A"], &["x-a", "X-B"]), [Some("X-A"), None]);
        assert_eq!(
            names(Kind::Response, &["2XX", "400"], &["201", "404", "400"]),
            [Some("2XX"), None, Some("400")]
        );
        assert_eq!(names(Kind::Response, &["2XX"], &["200", "201"]), [None, None]);
        assert_eq!(names(Kind::Field, &["a"], &["b"]), [None]);
    }

    #[test]
    fn a_parameter_is_known_by_its_name_or_by_its_place_in_the_path() {
        let ours =
            Tree::from(&json!([{ "in": "query", "name": "q" }, { "in": "path", "name": "id" }]));
        let theirs = Tree::from(&json!([
            { "in": "path", "name": "id_or_name" }, { "in": "header", "name": "q" }, { "in": "query", "name": "q" },
        ]));
        let found = items(
            Kind::Parameter,
            &Items { root: &ours, path: "/a/{id}", items: ours.items() },
            &Items { root: &theirs, path: "/a/{id_or_name}", items: theirs.items() },
            |_, _| false,
        );
        assert_eq!(found, [Some(1), None, Some(0)]);
    }
}
