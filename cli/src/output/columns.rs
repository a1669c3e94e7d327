//! The columns of keys: what `--columns` names, for tables and for CSV.

use chrono::{DateTime, SecondsFormat, Utc};
use onkernel::types::ApiKey;

use super::cells::{expiry_cell, scope_cell};
use super::format::csv_line;
use super::style::Tint;
use super::table::{Cell, Fit, Table};
use super::time::relative;

/// A key in a row, and what an audit says of it.
pub(crate) struct Row<'a> {
    pub(crate) key: &'a ApiKey,
    pub(crate) why: Option<&'a str>,
    pub(crate) own: bool,
}

impl<'a> From<&'a ApiKey> for Row<'a> {
    fn from(key: &'a ApiKey) -> Self {
        Self { key, why: None, own: false }
    }
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    title: &'static str,
    fit: Fit,
    /// For people.
    cell: fn(&Row<'_>, DateTime<Utc>) -> Cell,
    /// For programs: times in RFC 3339, nothing where there is none.
    value: fn(&Row<'_>) -> String,
}

/// Those of `list`.
pub(crate) const OF_KEYS: &[&str] =
    &["id", "name", "key", "scope", "created", "expires", "deleted", "project", "creator", "age"];
/// Those of `audit`.
pub(crate) const OF_AUDIT: &[&str] = &[
    "id", "name", "key", "scope", "created", "expires", "deleted", "project", "creator", "age",
    "why", "own",
];

const ALL: &[Column] = &[
    Column {
        name: "id",
        title: "ID",
        fit: Fit::Whole,
        cell: |row, _| Cell::new(&row.key.id),
        value: |row| row.key.id.clone(),
    },
    Column {
        name: "name",
        title: "NAME",
        fit: Fit::Cut,
        cell: |row, _| Cell::tinted(Tint::Strong, &row.key.name),
        value: |row| row.key.name.clone(),
    },
    Column {
        name: "key",
        title: "KEY",
        fit: Fit::Spare,
        cell: |row, _| Cell::new(&row.key.masked_key),
        value: |row| row.key.masked_key.clone(),
    },
    Column {
        name: "scope",
        title: "SCOPE",
        fit: Fit::SpareCut,
        cell: |row, _| scope_cell(row.key),
        value: |row| if row.key.project_id.is_some() { "project" } else { "organization" }.into(),
    },
    Column {
        name: "created",
        title: "CREATED",
        fit: Fit::Spare,
        cell: |row, now| Cell::new(relative(row.key.created_at, now)),
        value: |row| time(Some(row.key.created_at)),
    },
    Column {
        name: "expires",
        title: "EXPIRES",
        fit: Fit::Whole,
        cell: |row, now| expiry_cell(row.key, now),
        value: |row| time(row.key.expires_at),
    },
    Column {
        name: "deleted",
        title: "DELETED",
        fit: Fit::Whole,
        cell: |row, now| {
            let when = row.key.deleted_at.map_or(String::new(), |time| relative(time, now));
            Cell::tinted(Tint::Bad, when)
        },
        value: |row| time(row.key.deleted_at),
    },
    Column {
        name: "project",
        title: "PROJECT",
        fit: Fit::SpareCut,
        cell: |row, _| Cell::new(row.key.project_id.as_deref().unwrap_or_default()),
        value: |row| row.key.project_id.clone().unwrap_or_default(),
    },
    Column {
        name: "creator",
        title: "CREATOR",
        fit: Fit::SpareCut,
        cell: |row, _| Cell::new(&row.key.created_by.email),
        value: |row| row.key.created_by.email.clone(),
    },
    Column {
        name: "age",
        title: "AGE",
        fit: Fit::Spare,
        cell: |row, now| Cell::new(format!("{} d", (now - row.key.created_at).num_days())),
        value: |row| (Utc::now() - row.key.created_at).num_days().to_string(),
    },
    Column {
        name: "why",
        title: "WHY",
        fit: Fit::Cut,
        cell: |row, _| Cell::new(row.why.unwrap_or_default()),
        value: |row| row.why.unwrap_or_default().to_owned(),
    },
    Column {
        name: "own",
        title: "OWN",
        fit: Fit::Whole,
        cell: |row, _| Cell::new(if row.own { "yes" } else { "" }),
        value: |row| row.own.to_string(),
    },
];

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or(String::new(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The columns that a person has chosen, or these.
pub(crate) fn chosen(names: &[String], or: &[&str]) -> Vec<&'static Column> {
    let find = |name: &str| ALL.iter().find(|column| column.name == name);
    match names {
        [] => or.iter().filter_map(|name| find(name)).collect(),
        names => names.iter().filter_map(|name| find(name)).collect(),
    }
}

/// A table of these columns. What a person has chosen is never left out.
pub(crate) fn table<'a>(
    columns: &[&Column],
    rows: impl IntoIterator<Item = Row<'a>>,
    now: DateTime<Utc>,
    keep: bool,
) -> Table {
    let fit = |fit: Fit| match fit {
        Fit::Spare if keep => Fit::Whole,
        Fit::SpareCut if keep => Fit::Cut,
        fit => fit,
    };
    let mut table = Table::new(columns.iter().map(|column| (column.title, fit(column.fit))));
    for row in rows {
        table.row(columns.iter().map(|column| (column.cell)(&row, now)));
    }
    table
}

/// The header of CSV.
pub(crate) fn csv_header(columns: &[&Column]) -> String {
    csv_line(columns.iter().map(|column| column.name.to_owned()))
}

/// A row of CSV.
pub(crate) fn csv_row(columns: &[&Column], row: &Row<'_>) -> String {
    csv_line(columns.iter().map(|column| (column.value)(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_column() {
        for names in [OF_KEYS, OF_AUDIT] {
            assert_eq!(chosen(&[], names).len(), names.len());
        }
    }
}
