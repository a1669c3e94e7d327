//! The steps of a rotation and how they are undone, from the table that the engine itself follows.

use super::svg::Canvas;
use super::table::{self, Row};
use std::path::Path;

pub(super) const SOURCE: &str = table::TABLE;

const WIDTH: usize = 900;
/// The left edges of the two columns, and how wide they are.
const LEFT: usize = 24;
const RIGHT: usize = 476;
const COLUMN: usize = 400;
const TOP: usize = 62;
const GAP: usize = 18;

pub(super) fn draw(root: &Path) -> Result<String, String> {
    let rows = table::read(root)?;
    let (mut forward, mut back, mut end) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        match (row.is_on("Forward"), row.is_on("Back")) {
            (true, false) => forward.push(row),
            (false, true) => back.push(row),
            (true, true) => end.push(row),
            (false, false) => return Err(format!("{} goes neither forward nor back", row.step)),
        }
    }
    let commit = forward.iter().position(|row| row.commits);
    let commit = commit.ok_or("no step before the way back ends announces `Retiring`")?;
    let mut sheet = Sheet { canvas: Canvas::default(), forward: &forward };

    sheet.canvas.text("title", (LEFT, 38), "Forward");
    let held = sheet.column((LEFT, TOP), &forward[..commit]);
    let line = held + GAP - 6;
    sheet.canvas.line("line dashed", &[(LEFT, line), (LEFT + COLUMN, line)]);
    let remark = "Once the next step is announced it only goes forward.";
    sheet.canvas.text("warn", (LEFT, line + 18), remark);
    let left = sheet.column((LEFT, line + 28), &forward[commit..]);

    // What fails on the left goes on at the top of the right.
    let title = format!("Back, if anything fails before {} is announced", commit + 1);
    sheet.canvas.text("title", (RIGHT, 38), &title);
    let (edge, middle) = (LEFT + COLUMN, (LEFT + COLUMN + RIGHT) / 2);
    sheet.canvas.line("line", &[(edge + 4, TOP), (middle, TOP), (middle, held), (edge + 4, held)]);
    sheet.canvas.arrow(&[(middle, TOP + 16), (RIGHT - 1, TOP + 16)]);
    let right = sheet.column((RIGHT, TOP), &back);

    let mut y = left.max(right) + 54;
    for (x, bottom) in [(LEFT, left), (RIGHT, right)] {
        sheet.canvas.arrow(&[(x + 40, bottom), (x + 40, y - 17)]);
    }
    let attention = end.iter().all(|row| row.is_on("Attention"));
    let also = if attention { ", and where a person has to choose" } else { "" };
    sheet.canvas.text("title", (LEFT, y), &format!("In the end, whichever way it went{also}"));
    y += 10;
    for pair in end.chunks(2) {
        let bottoms = pair.iter().zip([LEFT, RIGHT]).map(|(row, x)| sheet.step((x, y), row));
        let bottom = bottoms.max().unwrap_or(y);
        if pair.len() == 2 {
            sheet.canvas.arrow(&[(edge, y + 16), (RIGHT - 1, y + 16)]);
        }
        y = bottom + GAP;
    }
    let remark =
        "The next step is always the first on its way that is due; what is not needed is left out.";
    sheet.canvas.text("small", (LEFT, y + 8), remark);
    Ok(sheet.canvas.finish("The steps of a rotation, and how they are undone", WIDTH, y + 24))
}

/// What is drawn on, and the steps that are numbered.
struct Sheet<'a> {
    canvas: Canvas,
    forward: &'a [&'a Row],
}

impl Sheet<'_> {
    /// Draws steps one below the other; yields where the last one ends.
    fn column(&mut self, (x, mut y): (usize, usize), rows: &[&Row]) -> usize {
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                self.canvas.arrow(&[(x + 40, y), (x + 40, y + GAP - 1)]);
                y += GAP;
            }
            y = self.step((x, y), row);
        }
        y
    }

    /// Draws a step with its remarks; yields where its box ends.
    fn step(&mut self, (x, y): (usize, usize), row: &Row) -> usize {
        let number =
            self.forward.iter().position(|other| other.step == row.step && !row.is_on("Back"));
        let number = number.map(|at| format!("{}. ", at + 1)).unwrap_or_default();
        let remarks = remarks(row, self.forward);
        let height = 32 + remarks.len() * 17;
        self.canvas.rect("box", (x, y), COLUMN, height);
        self.canvas.text("", (x + 12, y + 21), &format!("{number}{}", row.shown));
        for (at, remark) in remarks.iter().enumerate() {
            self.canvas.text("small", (x + 12, y + 40 + at * 17), remark);
        }
        y + height
    }
}

/// What is said of a step below its name.
fn remarks(row: &Row, forward: &[&Row]) -> Vec<String> {
    let mut remarks = Vec::new();
    let undoes = forward.iter().position(|other| other.undone_by.as_ref() == Some(&row.step));
    remarks.extend(undoes.map(|at| format!("undoes {}", at + 1)));
    if row.is_on("Undecided") {
        remarks.push("comes first where what the store holds decides the way".to_owned());
    }
    if !row.ways_out.is_empty() {
        remarks.push(format!("if a person has to choose: {}", options(&row.ways_out)));
    }
    remarks
}

/// The options of `resume` for the ways out: `StoreHolds Old` is `--store-holds old`.
fn options(ways_out: &[String]) -> String {
    let mut options: Vec<(String, Vec<String>)> = Vec::new();
    for way in ways_out {
        let mut words = way.split(' ').map(kebab);
        let option = words.next().unwrap_or_default();
        match options.iter_mut().find(|(known, _)| *known == option) {
            Some((_, values)) => values.extend(words),
            None => options.push((option, words.collect())),
        }
    }
    let shown = options.iter().map(|(option, values)| {
        let value = if values.is_empty() { "" } else { " " };
        format!("--{option}{value}{}", values.join("|"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// `StoreHolds` as `store-holds`.
fn kebab(variant: &str) -> String {
    let mut kebab = String::new();
    for (at, letter) in variant.chars().enumerate() {
        if at > 0 && letter.is_uppercase() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}
