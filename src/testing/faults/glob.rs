//! Patterns with wildcards, for the paths that a fault is about.

/// Whether `pattern` covers all of `text`, where `*` stands for any characters, none included.
fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The leftmost place is always right: it leaves the most for what follows.
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether the path pattern covers the path, segment by segment.
///
/// `{anything}` stands for one segment, `*` for characters within a segment, and a last segment
/// `**` for whatever follows.
pub(super) fn covers_path(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let mut wanted = pattern.split('/').peekable();
    while let Some(want) = wanted.next() {
        if want == "**" && wanted.peek().is_none() {
            return true;
        }
        let Some(segment) = segments.next() else { return false };
        let parameter = want.starts_with('{') && want.ends_with('}') && !segment.is_empty();
        if !parameter && !covers(want, segment) {
            return false;
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "org/api_keys", true),
            ("api_*", "api_keys", true),
            ("api_*", "projects", false),
            ("api_keys", "api_keys", true),
            ("api_keys", "api_keys2", false),
            ("c*9*z", "c1992z", true),
            ("c*9*z", "c1992", false),
            ("a*b*b", "abb", true),
            ("a*b*b", "ab", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(covers(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn a_path_pattern_keeps_to_its_segments() {
        for (pattern, path, expected) in [
            ("/org/api_keys", "/org/api_keys", true),
            ("/org/api_keys", "/org/api_keys/k", false),
            ("/org/api_keys/{id}", "/org/api_keys/k", true),
            ("/org/api_keys/{id}", "/org/api_keys/", false),
            ("/org/api_keys/{id}", "/org/api_keys/k/rotate", false),
            ("/org/api_keys/*", "/org/api_keys/k", true),
            ("/org/api_keys/*/rotate", "/org/api_keys/k/rotate", true),
            ("/org/api_keys/c1*", "/org/api_keys/c123", true),
            ("/org/api_keys/c1*", "/org/api_keys/d123", false),
            ("/org/**", "/org/api_keys/k/rotate", true),
            ("**", "/anything", true),
            ("/org/api_keys/{id}/rotate", "/org/api_keys/k", false),
        ] {
            assert_eq!(covers_path(pattern, path), expected, "{pattern} against {path}");
        }
    }
}
