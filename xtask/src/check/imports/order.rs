//! The files of a folder, and their imports, beside its table of layers.

use super::layers::{Layers, TABLE};
use super::resolve::Imports;
use crate::check::report::Failure;
use std::collections::BTreeSet;

/// The row of a folder's own file, `lib.rs`, `main.rs` or `mod.rs`, which stands above the others.
const OWN: &str = "";

/// Rows of the table that do not exist, and files that have no row.
pub(super) fn rows(table: &Layers, files: &[String]) -> Vec<Failure> {
    let exist: BTreeSet<&str> =
        files.iter().filter_map(|file| row(table, file)).filter(|row| *row != OWN).collect();
    let named: BTreeSet<&str> = table.rows.iter().chain(table.apart).copied().collect();
    let missing = named.difference(&exist).map(|row| {
        let what = format!("has a row `{row}`, which {} does not have", table.folder);
        Failure::new(TABLE, &what, format!("remove the row `{row}`"))
    });
    let unlisted = exist.difference(&named).map(|row| {
        let what = format!("has no row for `{row}` of {}", table.folder);
        Failure::new(TABLE, &what, format!("add `{row}` where its imports go down"))
    });
    missing.chain(unlisted).collect()
}

/// Imports that do not go down.
pub(super) fn imports(table: &Layers, imports: &Imports) -> Vec<Failure> {
    let failure = |((from, to), path): (&(String, String), &String)| {
        let why = problem(table, row(table, from)?, row(table, to)?)?;
        let what = format!("imports `{path}` from {to}, but {why}");
        let repair = format!(
            "move what both need into a lower folder, or pass it as an argument; the order is in {TABLE}"
        );
        Some(Failure::new(from, &what, repair))
    };
    imports.iter().filter_map(failure).collect()
}

/// Why one row may not import another.
fn problem(table: &Layers, from: &str, to: &str) -> Option<String> {
    let folder = table.folder;
    if from == to || from == OWN {
        return None;
    }
    if to == OWN {
        return Some(format!("that file stands above everything in {folder}"));
    }
    if table.apart.contains(&from) || table.apart.contains(&to) {
        return Some(format!("`{from}` and `{to}` of {folder} share no code"));
    }
    let place = |row: &str| table.rows.iter().position(|it| *it == row);
    // A row that is missing is a failure of its own.
    (place(from)? > place(to)?).then(|| format!("`{to}` stands above `{from}` in {folder}"))
}

/// The row that a file belongs to: the folder or file directly inside the table's folder. None for a
/// file elsewhere.
fn row<'a>(table: &Layers, file: &'a str) -> Option<&'a str> {
    let row = file.strip_prefix(table.folder)?.strip_prefix('/')?.split('/').next()?;
    match row {
        "mod.rs" | "lib.rs" | "main.rs" => Some(OWN),
        _ => Some(row.strip_suffix(".rs").unwrap_or(row)),
    }
}
