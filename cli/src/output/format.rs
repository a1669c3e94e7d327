//! The formats of results.

use serde::Deserialize;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON value
    Json,
    /// A JSON value a line, as soon as it is known
    Ndjson,
    /// Rows for a spreadsheet
    Csv,
}

/// A field of CSV by RFC 4180, quoted where it must be.
pub(crate) fn csv_field(text: &str) -> String {
    // A spreadsheet would run a field that looks like a formula; a quote in front makes it text.
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// A line of CSV, without its line break.
pub(crate) fn csv_line(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<_> = fields.into_iter().map(|field| csv_field(&field)).collect();
    fields.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["a", "b,c", "say \"x\"", "two\nlines", "=1+1", ""];
        let line = csv_line(fields.map(str::to_owned));
        assert_eq!(line, "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",'=1+1,");
    }
}
