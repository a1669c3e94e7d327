//! How a name of the document is spelt in Rust, and what becomes of those that would be spelt alike.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::surface::is_identifier;

/// As a field, a parameter or a setter: `sortBy` is `sort_by`, `type` is `type_`, `1st` is `x1st`, and
/// what is only signs is `value`.
pub(crate) fn snake(name: &str) -> String {
    let words = match name {
        // With every sign gone they would be the same.
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => words(name).to_snake_case(),
    };
    if words.is_empty() { "value".to_owned() } else { identifier(words, "x") }
}

/// As a type: `api_key` is `ApiKey`. Progenitor spells it once more, so nothing may be left to spell:
/// `a_b` is `Ab`.
pub(crate) fn of_type(name: &str) -> String {
    let mut spelt = camel(name, "Type");
    while spelt.to_upper_camel_case() != spelt.trim_end_matches('_') {
        spelt = camel(&spelt, "Type");
    }
    spelt
}

/// As a variant: `api_key` is `ApiKey`. What cannot begin a name comes after `prefix`.
pub(crate) fn camel(name: &str, prefix: &str) -> String {
    let words = words(name).to_upper_camel_case();
    if words.is_empty() { "Value".to_owned() } else { identifier(words, prefix) }
}

/// A name for each of several names of the document, in their order, as `spell` spells them: no two
/// alike, and none of those that are taken.
///
/// Whoever is called in the document as in Rust keeps that name, whatever comes beside it; then the
/// first in the alphabet, so that their order means nothing. The others are numbered, past every name
/// that anyone has a right to.
pub(crate) fn distinct(
    names: &[&str],
    spell: impl Fn(&str) -> String,
    taken: &[&str],
) -> Vec<String> {
    let mut plain: Vec<String> = names.iter().map(|name| spell(name)).collect();
    for name in plain.iter_mut().filter(|name| taken.contains(&name.as_str())) {
        name.push('_');
    }
    let claimed: BTreeSet<String> = plain.iter().cloned().collect();
    let mut used = BTreeSet::new();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| (strangeness(names[*at], &plain[*at]), names[*at]));
    for at in order {
        if !used.insert(plain[at].clone()) {
            let base = plain[at].trim_end_matches('_').to_owned();
            let mut numbered = (2..).map(|count| format!("{base}{count}"));
            let free = numbered.find(|name| !claimed.contains(name) && !used.contains(name));
            plain[at] = free.unwrap_or(base);
            used.insert(plain[at].clone());
        }
    }
    plain
}

/// How far a name of the document is from how it is spelt in Rust.
pub(super) fn strangeness(name: &str, spelt: &str) -> u8 {
    let spelt = spelt.trim_end_matches('_');
    match name {
        _ if name == spelt => 0,
        _ if name == name.to_snake_case() => 1,
        _ => 2,
    }
}

/// Only what an identifier may hold; all else parts words.
fn words(name: &str) -> String {
    let fits = |c: char| {
        c.is_ascii_alphanumeric() || c.is_alphanumeric() && is_identifier(&format!("x{c}"))
    };
    let parts = name.chars().filter(|c| *c != '\'').map(|c| if fits(c) { c } else { '-' });
    parts.collect()
}

fn identifier(mut name: String, prefix: &str) -> String {
    if !name.starts_with(|first: char| is_identifier(&format!("{first}x"))) {
        name.insert_str(0, prefix);
    }
    if !is_identifier(&name) {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_spelt() {
        let fields =
            ["sortBy", "type", "gen", "self", "1st", "", "@", "+1", "-1", "größe", "x²", "🎉"];
        let spelt = fields.map(snake);
        let expected = [
            "sort_by", "type_", "gen_", "self_", "x1st", "value", "value", "plus1", "minus1",
            "größe", "x", "value",
        ];
        assert_eq!(spelt, expected);
        let types = ["api_key", "SSEEvent", "a_b", "1st", "", "Self", "Größe"].map(of_type);
        assert_eq!(types, ["ApiKey", "SseEvent", "Ab", "Type1st", "Value", "Self_", "Größe"]);
    }

    #[test]
    fn what_is_spelt_as_in_rust_keeps_its_name_wherever_it_stands() {
        let names = |all: &[&str]| distinct(all, snake, &[]).join(" ");
        assert_eq!(names(&["M", "m"]), "m2 m");
        assert_eq!(names(&["m", "M"]), "m m2");
        assert_eq!(names(&["@type", "$type", "type"]), "type3 type2 type_");
        assert_eq!(names(&["aB", "a-b", "a_b2"]), "a_b3 a_b a_b2", "nobody's name is taken");
        let variants = |all: &[&str]| distinct(all, |it| camel(it, "X"), &["Unknown"]).join(" ");
        assert_eq!(variants(&["a-b", "a_b", "unknown", "Unknown"]), "AB2 AB Unknown2 Unknown_");
    }
}
