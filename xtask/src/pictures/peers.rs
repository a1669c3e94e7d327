//! What the official clients do under faults, and what this one does: the table of the README, which
//! `benches/peers/run` prints, as bars.

use super::svg::Canvas;
use crate::files;
use std::path::Path;

pub(super) const SOURCE: &str = "README.md";

/// What the three numbers of a cell count.
const MEASURES: [&str; 3] = [
    "failed: an error is reported",
    "orphans: keys that nobody holds",
    "locked out: the stored key is rejected",
];

/// The colour of each client.
const CLASSES: [&str; 3] = ["blue", "purple", "good"];

const LEFT: usize = 24;
const BARS: usize = 150;
const COLUMN: usize = 245;
/// The longest bar.
const LONGEST: usize = 190;
const BAR: usize = 16;

struct Table {
    /// How many rotations each client made.
    rotations: String,
    clients: Vec<String>,
    faults: Vec<Fault>,
}

struct Fault {
    name: String,
    /// For each client, what is counted.
    counts: Vec<[usize; 3]>,
}

pub(super) fn draw(root: &Path) -> Result<String, String> {
    let table = read(&files::read_in(root, SOURCE)?)?;
    let all = table.faults.iter().flat_map(|fault| fault.counts.iter().flatten());
    let most = all.copied().max().unwrap_or(0).max(1);
    let mut canvas = Canvas::default();
    let title = format!("Of {} rotations under each fault", table.rotations);
    canvas.text("title", (LEFT, 34), &title);
    for (column, measure) in MEASURES.iter().enumerate() {
        canvas.text("small", (BARS + column * COLUMN, 60), measure);
    }
    let mut y = 88;
    for Fault { name, counts } in &table.faults {
        canvas.text("", (LEFT, y), name);
        for ((client, counts), class) in table.clients.iter().zip(counts).zip(CLASSES) {
            y += BAR;
            canvas.text("small", (LEFT, y + 4), client);
            for (column, count) in counts.iter().enumerate() {
                let (x, length) = (BARS + column * COLUMN, count * LONGEST / most);
                if length > 0 {
                    canvas.rect(class, (x, y - 6), length, BAR - 4);
                }
                canvas.text("small", (x + length + 6, y + 4), &count.to_string());
            }
        }
        y += 34;
    }
    Ok(canvas.finish(&title, BARS + MEASURES.len() * COLUMN, y - 10))
}

/// Reads the table and the sentence before it.
fn read(markdown: &str) -> Result<Table, String> {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split('|').map(|cell| cell.replace(['`', '*'], "").trim().to_owned()).collect()
    };
    let sentence = markdown.lines().find_map(|line| line.split_once(" rotations by "));
    let (rotations, _) = sentence.ok_or("does not say how many rotations were measured")?;
    let mut lines = markdown.lines().skip_while(|line| !line.starts_with("| fault |"));
    let head = lines.next().ok_or("has no table of faults")?;
    let clients: Vec<String> = cells(head).split_off(1);
    if clients.len() != CLASSES.len() {
        return Err(format!("{head:?} does not name {} clients", CLASSES.len()));
    }
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let faults = rows.map(|line| {
        let mut cells = cells(line).into_iter();
        let name = cells.next().unwrap_or_default();
        let counts: Option<Vec<_>> = cells.map(|cell| counts(&cell)).collect();
        let counts = counts.filter(|counts| counts.len() == clients.len());
        let problem = || format!("{line:?} does not have three numbers for each client");
        Ok(Fault { name, counts: counts.ok_or_else(problem)? })
    });
    let faults = faults.collect::<Result<_, String>>()?;
    Ok(Table { rotations: rotations.to_owned(), clients, faults })
}

/// `7 / 93 / 0`.
fn counts(cell: &str) -> Option<[usize; 3]> {
    let numbers: Vec<usize> =
        cell.split('/').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}
