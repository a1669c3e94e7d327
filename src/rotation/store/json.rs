//! One value of a JSON text, read or replaced; every other byte stays as it is.

use std::ops::Range;

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

/// A member of an object: where its name and its value stand.
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

/// Where the value at this path stands; `None` where there is none. The error says in what way the
/// text is not what it should be, and quotes nothing of it.
pub(super) fn find(text: &str, path: &[&str]) -> Result<Option<Range<usize>>, String> {
    valid(text)?;
    let mut at = whole(text);
    for name in path {
        match member(text, at, name)? {
            Some(found) => at = found.value,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// The string at this path; `None` where there is none, or `null`.
pub(super) fn string(text: &str, path: &[&str]) -> Result<Option<Zeroizing<String>>, String> {
    let Some(at) = find(text, path)? else { return Ok(None) };
    match &text[at] {
        "null" => Ok(None),
        raw => serde_json::from_str(raw)
            .map(|text| Some(Zeroizing::new(text)))
            .map_err(|_| format!("`{}` is not a string", path.last().copied().unwrap_or_default())),
    }
}

/// The text in which the member of this name of the object at this path is this string.
pub(super) fn set(
    text: &str,
    path: &[&str],
    name: &str,
    value: &str,
) -> Result<Zeroizing<String>, String> {
    set_raw(text, path, name, &quoted(value))
}

/// The same, with a value that is JSON.
pub(super) fn set_raw(
    text: &str,
    path: &[&str],
    name: &str,
    value: &str,
) -> Result<Zeroizing<String>, String> {
    let object = find(text, path)?.ok_or("it lacks the object that holds the value")?;
    if let Some(there) = member(text, object.clone(), name)? {
        return Ok(spliced(text, there.value, &[value]));
    }
    // Right after the last one, so that removing it leaves what was there.
    let start = object.start + 1;
    let (comma, at) = match members(text, object)?.last() {
        Some(last) => (",", last.value.end),
        None => ("", start),
    };
    Ok(spliced(text, at..at, &[comma, &quoted(name), ":", value]))
}

/// The text in which the object at this path has no member of this name.
pub(super) fn remove(text: &str, path: &[&str], name: &str) -> Result<Zeroizing<String>, String> {
    let object = find(text, path)?.ok_or("it lacks the object that holds the value")?;
    let members = members(text, object)?;
    let is_it = |member: &Member| is_named(text, member, name);
    let Some(at) = members.iter().position(is_it) else {
        return Ok(Zeroizing::new(text.to_owned()));
    };
    let gone = match (members.get(at + 1), at.checked_sub(1).and_then(|at| members.get(at))) {
        (Some(next), _) => members[at].name.start..next.name.start,
        (None, Some(last)) => last.value.end..members[at].value.end,
        (None, None) => members[at].name.start..members[at].value.end,
    };
    Ok(spliced(text, gone, &[]))
}

/// A text as JSON, in memory that is wiped.
pub(super) fn quoted(text: &str) -> Zeroizing<String> {
    // As large as it can get, so that no copy is left behind where it grows.
    let mut out = Vec::with_capacity(text.len() * 6 + 2);
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(&mut out, text);
    Zeroizing::new(String::from_utf8(out).unwrap_or_default())
}

fn spliced(text: &str, range: Range<usize>, parts: &[&str]) -> Zeroizing<String> {
    let length = text.len() + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Zeroizing::new(String::with_capacity(length));
    out.push_str(&text[..range.start]);
    parts.iter().for_each(|part| out.push_str(part));
    out.push_str(&text[range.end..]);
    out
}

/// Below, the text is known to be JSON.
fn valid(text: &str) -> Result<(), String> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("it is not JSON (line {})", error.line())),
    }
}

fn whole(text: &str) -> Range<usize> {
    let start = space(text.as_bytes(), 0);
    start..text.trim_end().len()
}

fn member(text: &str, object: Range<usize>, name: &str) -> Result<Option<Member>, String> {
    let mut found = members(text, object)?.into_iter().filter(|it| is_named(text, it, name));
    match (found.next(), found.next()) {
        // Readers differ on which one counts.
        (Some(_), Some(_)) => Err(format!("it holds `{name}` twice")),
        (found, _) => Ok(found),
    }
}

fn is_named(text: &str, member: &Member, name: &str) -> bool {
    serde_json::from_str::<String>(&text[member.name.clone()]).is_ok_and(|it| it == name)
}

/// The members of the object at this place.
fn members(text: &str, object: Range<usize>) -> Result<Vec<Member>, String> {
    let bytes = text.as_bytes();
    if bytes.get(object.start) != Some(&b'{') {
        return Err("it is not a JSON object".to_owned());
    }
    let mut found = Vec::new();
    let mut at = space(bytes, object.start + 1);
    while bytes.get(at) == Some(&b'"') {
        let name = at..value_end(bytes, at);
        let start = space(bytes, space(bytes, name.end) + 1);
        let value = start..value_end(bytes, start);
        at = space(bytes, value.end);
        found.push(Member { name, value });
        if bytes.get(at) == Some(&b',') {
            at = space(bytes, at + 1);
        }
    }
    Ok(found)
}

fn space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the value that begins here ends.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut quoted, mut at) = (0_usize, false, start);
    while let Some(byte) = bytes.get(at) {
        match (quoted, byte) {
            (true, b'\\') => at += 1,
            (true, b'"') => quoted = false,
            (true, _) => {}
            (false, b'"') => quoted = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']' | b',') if depth == 0 => return at,
            (false, b'}' | b']') => depth -= 1,
            (false, byte) if depth == 0 && byte.is_ascii_whitespace() => return at,
            (false, _) => {}
        }
        at += 1;
        let over = depth == 0 && !quoted && matches!(bytes.get(at - 1), Some(b'"' | b'}' | b']'));
        if over {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = " {\"b\" : 1.0,\n \"k\":\"o\\\"ld}\" , \"a\":{\"k\":[ \"x\\\\\" ]},\"n\":12345678901234567890123 }\n";

    #[test]
    fn a_value_is_replaced_and_every_other_byte_stays() {
        assert_eq!(string(TEXT, &["k"]).unwrap().unwrap().as_str(), "o\"ld}");
        let new = set(TEXT, &[], "k", "ne\"w").unwrap();
        assert_eq!(*new, TEXT.replace("o\\\"ld}", "ne\\\"w"));
        assert_eq!(*set(&new, &[], "k", "o\"ld}").unwrap(), TEXT);
        let deep = set(TEXT, &["a"], "k", "v").unwrap();
        assert_eq!(*deep, TEXT.replace("[ \"x\\\\\" ]", "\"v\""));
    }

    #[test]
    fn a_value_that_is_added_can_be_removed() {
        for text in ["{}", "{ }", TEXT, "{\"a\":null}"] {
            let added = set(text, &[], "new", "v").unwrap();
            assert_eq!(string(&added, &["new"]).unwrap().unwrap().as_str(), "v");
            assert_eq!(*remove(&added, &[], "new").unwrap(), text);
            assert_eq!(*remove(text, &[], "new").unwrap(), text);
        }
        assert_eq!(*remove("{\"a\":1, \"b\":2}", &[], "a").unwrap(), "{\"b\":2}");
        assert_eq!(*remove("{\"a\":1, \"b\":2}", &[], "b").unwrap(), "{\"a\":1}");
    }

    #[test]
    fn what_is_no_such_text_is_rejected_without_being_quoted() {
        for (text, problem) in [
            ("sk_0123456789abcdef", "it is not JSON (line 1)"),
            ("[\"sk_0123456789abcdef\"]", "it is not a JSON object"),
            ("\"sk_0123456789abcdef\"", "it is not a JSON object"),
            ("{\"k\":1,\"\\u006b\":2}", "it holds `k` twice"),
            ("{\"k\":1}", "`k` is not a string"),
            ("{\"k\":[\"sk_0123456789abcdef\"]}", "`k` is not a string"),
            ("", "it is not JSON (line 1)"),
        ] {
            assert_eq!(string(text, &["k"]).unwrap_err(), problem);
        }
        assert_eq!(string("{\"k\":null}", &["k"]).unwrap(), None);
        assert_eq!(string("{}", &["k", "l"]).unwrap(), None);
    }

    proptest::proptest! {
        /// Whatever the names and values, the rest is what it was.
        #[test]
        fn the_rest_is_untouched(
            names in proptest::collection::btree_set("\\PC{0,6}", 1..6),
            values in proptest::collection::vec("\\PC{0,6}", 6),
            new in "\\PC{0,9}",
            chosen in 0_usize..6,
        ) {
            let names: Vec<_> = names.into_iter().collect();
            let pairs = names.iter().zip(&values);
            let object: serde_json::Map<_, _> =
                pairs.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            let text = serde_json::to_string_pretty(&object).unwrap();
            let name = &names[chosen % names.len()];
            let written = set(&text, &[], name, &new).unwrap();
            let read = string(&written, &[name]).unwrap().unwrap();
            proptest::prop_assert_eq!(&*read, &new);
            let old = object[name].as_str().unwrap();
            proptest::prop_assert_eq!(&*set(&written, &[], name, old).unwrap(), &text);
        }
    }
}
