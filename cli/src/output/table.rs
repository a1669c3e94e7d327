//! Tables for people: columns as wide as their content, within the terminal.

use super::style::{Style, Tint};
use super::text::{cut, safe};

/// Text of one line, and how it is meant.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tint: Tint,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::tinted(Tint::Plain, text)
    }

    pub(crate) fn tinted(tint: Tint, text: impl AsRef<str>) -> Self {
        Self { text: safe(text.as_ref()), tint }
    }
}

/// A title and rows below it.
pub(crate) struct Table {
    columns: Vec<(&'static str, Fit)>,
    rows: Vec<Vec<Cell>>,
}

/// How a column fits where the terminal is too narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It stays whole: an id is to be copied, and part of a time means nothing.
    Whole,
    /// It is cut.
    Cut,
}

const GAP: usize = 2;
const NARROWEST: usize = 10;

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = (&'static str, Fit)>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, the last without a line break.
    pub(crate) fn render(&self, width: Option<usize>, style: Style) -> String {
        let widths = self.widths(width);
        let titles: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::tinted(Tint::Faint, title)).collect();
        let lines = std::iter::once(&titles).chain(&self.rows);
        lines.map(|row| line(row, &widths, style)).collect::<Vec<_>>().join("\n")
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(title, _)| title.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let limit =
            limit.unwrap_or(usize::MAX).saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > limit {
            let shrinkable = self.columns.iter().zip(&mut widths);
            let widest = shrinkable
                .filter(|((_, fit), width)| *fit == Fit::Cut && **width > NARROWEST)
                .map(|(_, width)| width)
                .max();
            let Some(width) = widest else { break };
            *width -= 1;
        }
        widths
    }
}

fn line(row: &[Cell], widths: &[usize], style: Style) -> String {
    let mut out = String::new();
    let mut due = 0;
    for (cell, &width) in row.iter().zip(widths) {
        let text = cut(&cell.text, width);
        if !text.is_empty() {
            out.extend(std::iter::repeat_n(' ', due));
            out.push_str(&style.paint(cell.tint, &text));
            due = 0;
        }
        due += width - text.chars().count().min(width) + GAP;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table =
            Table::new([("ID", Fit::Whole), ("NAME", Fit::Cut), ("EXPIRES", Fit::Whole)]);
        table.row([Cell::new("key_1"), Cell::new("a name that is long"), Cell::new("never")]);
        table.row([Cell::new("key_22"), Cell::new("\u{1b}"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let expected = "\
ID      NAME                 EXPIRES
key_1   a name that is long  never
key_22  \\u{1b}";
        assert_eq!(sample().render(None, Style::default()), expected);
    }

    #[test]
    fn only_what_may_be_cut_is_cut() {
        let expected = "\
ID      NAME        EXPIRES
key_1   a name th…  never
key_22  \\u{1b}";
        assert_eq!(sample().render(Some(27), Style::default()), expected);
        assert_eq!(sample().render(Some(3), Style::default()), expected);
    }
}
