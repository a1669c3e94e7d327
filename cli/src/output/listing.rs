//! Keys printed as they come: rows, lines or the elements of an array, never all in memory.

use chrono::{DateTime, Utc};
use onkernel::types::ApiKey;

use super::columns::{self, Column, Row};
use super::table::Layout;
use super::{Format, Output, PrintError, json, line};

/// The rows that are laid out together. A table is as wide as its first rows need.
const ROWS: usize = 1000;
/// What programs get at once: a page.
const LINES: usize = 100;

/// A listing that is being printed.
pub(crate) struct Listing<'a> {
    output: &'a Output,
    columns: Vec<&'static Column>,
    chosen: bool,
    now: DateTime<Utc>,
    waiting: Vec<ApiKey>,
    layout: Layout,
    begun: bool,
}

impl<'a> Listing<'a> {
    /// A listing of the columns that were chosen, or else of these.
    pub(crate) fn new(
        output: &'a Output,
        chosen: &[String],
        or: &[&str],
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            output,
            columns: columns::chosen(chosen, or),
            chosen: !chosen.is_empty(),
            now,
            waiting: Vec::new(),
            layout: Layout::default(),
            begun: false,
        }
    }

    /// Adds one key.
    pub(crate) fn add(&mut self, key: ApiKey) -> Result<(), PrintError> {
        self.waiting.push(key);
        let full = if self.output.format() == Format::Table { ROWS } else { LINES };
        if self.waiting.len() >= full { self.flush() } else { Ok(()) }
    }

    /// Prints what is left, and the end.
    pub(crate) fn end(&mut self) -> Result<(), PrintError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        match (self.output.format(), self.begun) {
            (Format::Json, true) => self.output.print("\n]"),
            (Format::Json, false) => self.output.print("[]"),
            (Format::Csv, false) => self.output.print(&columns::csv_header(&self.columns)),
            (Format::Table, true) => {
                let table = columns::table(&self.columns, [], self.now, self.chosen);
                let left_out = table.left_out(&self.layout);
                if !left_out.is_empty() {
                    let names = left_out.join(", ").to_lowercase();
                    self.output.note(&format!(
                        "Not shown for lack of width: {names}. Choose with --columns."
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), PrintError> {
        let keys = std::mem::take(&mut self.waiting);
        let first = !std::mem::replace(&mut self.begun, true);
        let text = match self.output.format() {
            Format::Table => self.rows(&keys, first),
            Format::Csv => {
                let header = first.then(|| columns::csv_header(&self.columns));
                let rows = keys.iter().map(|key| columns::csv_row(&self.columns, &Row::from(key)));
                header.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
            }
            Format::Ndjson => keys.iter().map(line).collect::<Result<Vec<_>, _>>()?.join("\n"),
            Format::Json => {
                let items: Result<Vec<_>, _> = keys.iter().map(json).collect();
                let items = items?.join(",\n").replace('\n', "\n  ");
                // The comma belongs to what comes after it.
                return self
                    .output
                    .write(&format!("{}\n  {items}", if first { "[" } else { "," }), false);
            }
        };
        self.output.print(&text)
    }

    fn rows(&mut self, keys: &[ApiKey], first: bool) -> String {
        let rows = keys.iter().map(Row::from);
        let table = columns::table(&self.columns, rows, self.now, self.chosen);
        self.layout = table.layout(self.output.width(), &self.layout);
        let style = self.output.style();
        let titles = first.then(|| table.titles(&self.layout, style));
        let lines = table.lines(&self.layout, style);
        titles.into_iter().chain([lines]).collect::<Vec<_>>().join("\n")
    }
}
