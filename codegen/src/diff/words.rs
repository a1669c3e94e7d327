//! How messages say what changed.

/// `default 20 added`, `default 20 removed`, `default changed from 20 to 50`.
pub(super) fn presence(label: &str, before: Option<String>, now: Option<String>) -> String {
    match (before, now) {
        (None, Some(now)) => format!("{label} {now} added"),
        (Some(before), None) => format!("{label} {before} removed"),
        (before, now) => format!(
            "{label} changed from {} to {}",
            before.unwrap_or_default(),
            now.unwrap_or_default()
        ),
    }
}

/// In backquotes, as messages show names.
pub(super) fn code(name: &str) -> String {
    format!("`{name}`")
}

/// A JSON value in backquotes, a plain string without its quotes.
pub(super) fn literal(json: &str) -> String {
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    code(text.filter(|text| !text.is_empty()).unwrap_or(json))
}

pub(super) fn listed<'t>(values: impl Iterator<Item = &'t String>) -> String {
    values.map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}
