//! The changelog: a section for what is unreleased, and the surface that it describes.

use onkernel_codegen::diff::Report;

const UNRELEASED: &str = "## Unreleased";
const MARK: &str = "<!-- surface: ";

/// The surface that the changelog describes, as [`fingerprint`](crate::snapshots::fingerprint).
#[must_use]
pub fn surface(changelog: &str) -> Option<&str> {
    let (_, rest) = changelog.split_once(MARK)?;
    rest.split_once(" -->").map(|(mark, _)| mark)
}

/// The line that says which surface the changelog describes.
#[must_use]
pub fn mark(fingerprint: &str) -> String {
    format!("{MARK}{fingerprint} -->")
}

/// The changelog with a report under *Unreleased*, describing another surface.
#[must_use]
pub fn with(changelog: &str, version: &str, report: &Report, fingerprint: &str) -> String {
    let entry = format!(
        "### API document {version}: {}\n\n{}",
        report.verdict.as_str(),
        report.to_markdown().trim_end()
    );
    marked(&added(changelog, &entry), fingerprint)
}

/// The changelog, describing another surface.
#[must_use]
pub fn marked(changelog: &str, fingerprint: &str) -> String {
    let mark = mark(fingerprint);
    match surface(changelog) {
        Some(before) => changelog.replacen(&self::mark(before), &mark, 1),
        None => match changelog.split_once(UNRELEASED) {
            Some((before, after)) => format!("{before}{UNRELEASED}\n{mark}{after}"),
            None => format!("{}\n\n{mark}\n", changelog.trim_end()),
        },
    }
}

/// The changelog with an entry at the end of *Unreleased*.
fn added(changelog: &str, entry: &str) -> String {
    let Some(start) = changelog.find(UNRELEASED) else {
        // Before the releases, after the preamble.
        let at = changelog.find("\n## ").map_or(changelog.len(), |at| at + 1);
        let (before, after) = changelog.split_at(at);
        let after = if after.is_empty() { String::new() } else { format!("\n{after}") };
        return format!("{}\n\n{UNRELEASED}\n\n{entry}\n{after}", before.trim_end());
    };
    let end = changelog[start..].find("\n## ").map_or(changelog.len(), |at| start + at);
    let (section, rest) = changelog.split_at(end);
    format!("{}\n\n{entry}\n{rest}", section.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use onkernel_codegen::diff::diff;
    use serde_json::json;

    fn report() -> Report {
        diff(&json!({ "paths": { "/a": { "get": {} } } }), &json!({}))
    }

    const ENTRY: &str = "### API document 2: major\n\nfor callers of this crate: major (1 breaking)\n\nfor anyone who speaks HTTP: major (1 breaking)\n\n**GET /a**\n\n- breaking: operation removed\n";

    #[test]
    fn an_entry_goes_to_the_end_of_the_unreleased() {
        let before = "# Changelog\n\n## Unreleased\n<!-- surface: aa -->\n\n- A thing.\n\n## 1.0.0\n\n- All.\n";
        let after = with(before, "2", &report(), "bb");
        assert_eq!(
            after,
            format!(
                "# Changelog\n\n## Unreleased\n<!-- surface: bb -->\n\n- A thing.\n\n{ENTRY}\n## 1.0.0\n\n- All.\n"
            )
        );
        assert_eq!(surface(&after), Some("bb"));
    }

    #[test]
    fn a_changelog_without_the_section_gets_one() {
        let before = "# Changelog\n\nWhat changed.\n\n## 1.0.0\n\n- All.\n";
        assert_eq!(
            with(before, "2", &report(), "bb"),
            format!(
                "# Changelog\n\nWhat changed.\n\n## Unreleased\n<!-- surface: bb -->\n\n{ENTRY}\n## 1.0.0\n\n- All.\n"
            )
        );
        assert_eq!(
            with("# Changelog\n", "2", &report(), "bb"),
            format!("# Changelog\n\n## Unreleased\n<!-- surface: bb -->\n\n{ENTRY}")
        );
    }
}
