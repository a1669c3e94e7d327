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

/// How a table is laid out: a width for each column, and none for one that does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout(Vec<Option<usize>>);

/// How a column fits where the terminal is too narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It stays whole: an id is to be copied, and part of a time means nothing.
    Whole,
    /// It is cut.
    Cut,
    /// It stays whole, or is left out: the last of these first.
    Spare,
    /// It is cut, and left out after those.
    SpareCut,
}

impl Fit {
    fn is_cut(self) -> bool {
        matches!(self, Self::Cut | Self::SpareCut)
    }
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
        let layout = self.layout(width, &Layout::default());
        let lines = [self.titles(&layout, style), self.lines(&layout, style)];
        lines.join("\n").trim_end_matches('\n').to_owned()
    }

    /// The line of titles.
    pub(crate) fn titles(&self, layout: &Layout, style: Style) -> String {
        let titles: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::tinted(Tint::Faint, title)).collect();
        line(&titles, layout, style)
    }

    /// The rows as lines, the last without a line break.
    pub(crate) fn lines(&self, layout: &Layout, style: Style) -> String {
        self.rows.iter().map(|row| line(row, layout, style)).collect::<Vec<_>>().join("\n")
    }

    /// The titles of the columns that a layout leaves out.
    pub(crate) fn left_out(&self, layout: &Layout) -> Vec<&'static str> {
        let columns = self.columns.iter().zip(&layout.0);
        columns.filter(|(_, width)| width.is_none()).map(|((title, _), _)| *title).collect()
    }

    /// A layout within this width, no narrower than the one before: rows that follow others.
    pub(crate) fn layout(&self, limit: Option<usize>, before: &Layout) -> Layout {
        let mut wanted: Vec<Option<usize>> =
            self.columns.iter().map(|(title, _)| Some(title.len())).collect();
        for row in &self.rows {
            for (width, cell) in wanted.iter_mut().zip(row) {
                *width = (*width).max(Some(cell.text.chars().count()));
            }
        }
        for (width, before) in wanted.iter_mut().zip(&before.0) {
            *width = before.and_then(|before| (*width).max(Some(before)));
        }
        let limit = limit.unwrap_or(usize::MAX);
        loop {
            let widths = self.shrunk(wanted.clone(), limit);
            let spare = |fit: Fit| {
                let mut columns = self.columns.iter().zip(&wanted);
                columns.rposition(|((_, it), width)| *it == fit && width.is_some())
            };
            match spare(Fit::Spare).or_else(|| spare(Fit::SpareCut)) {
                Some(at) if total(&widths) > limit => wanted[at] = None,
                _ => return Layout(widths),
            }
        }
    }

    /// The widths with what may be cut cut, the widest first, until they fit or nothing more may.
    fn shrunk(&self, mut widths: Vec<Option<usize>>, limit: usize) -> Vec<Option<usize>> {
        while total(&widths) > limit {
            let columns = self.columns.iter().zip(&mut widths);
            let widest = columns
                .filter(|((_, fit), width)| fit.is_cut() && **width > Some(NARROWEST))
                .map(|(_, width)| width)
                .max();
            let Some(Some(width)) = widest else { break };
            *width -= 1;
        }
        widths
    }
}

/// The columns of a line, and the gaps between them.
fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

fn line(row: &[Cell], layout: &Layout, style: Style) -> String {
    let mut out = String::new();
    let mut due = 0;
    for (cell, width) in row.iter().zip(&layout.0) {
        let Some(width) = *width else { continue };
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
    fn a_narrow_terminal_gets_the_columns_that_matter() {
        let columns = [("ID", Fit::Whole), ("WHO", Fit::SpareCut), ("AGE", Fit::Spare)];
        let mut table = Table::new(columns);
        table.row([Cell::new("key_1"), Cell::new("somebody else"), Cell::new("3 days ago")]);
        let shown = |width| table.render(Some(width), Style::default());
        assert_eq!(shown(32), "ID     WHO            AGE\nkey_1  somebody else  3 days ago");
        assert_eq!(shown(29), "ID     WHO         AGE\nkey_1  somebody …  3 days ago");
        assert_eq!(shown(26), "ID     WHO\nkey_1  somebody else");
        assert_eq!(shown(12), "ID\nkey_1");
        let layout = table.layout(Some(12), &Layout::default());
        assert_eq!(table.left_out(&layout), ["WHO", "AGE"]);
    }

    #[test]
    fn rows_that_follow_others_stand_below_them() {
        let table = sample();
        let wide = table.layout(None, &Layout(vec![Some(10), Some(3), None]));
        assert_eq!(wide, Layout(vec![Some(10), Some(19), None]));
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
