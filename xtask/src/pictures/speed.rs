//! What a user waits for with this client and with the official ones: the numbers that
//! `benches/peers/speed` writes, as bars and as the tables of two pages.

use super::svg::Canvas;
use crate::files;
use serde::Deserialize;
use std::fmt::Write;
use std::path::Path;

pub(super) const SOURCE: &str = "benches/peers/speed.json";

/// Where a table begins and ends. Readers do not see these lines.
const BEGIN: &str = "<!-- made of benches/peers/speed.json by cargo xtask pictures -->\n";
const END: &str = "<!-- end -->\n";

/// The colour of each client.
const CLASSES: [&str; 3] = ["good", "blue", "purple"];

const LEFT: usize = 24;
/// From the left of a measure.
const BARS: usize = 120;
const COLUMN: usize = 440;
const COLUMNS: usize = 2;
/// The longest bar.
const LONGEST: usize = 180;
const BAR: usize = 16;
/// From one measure to the one below it.
const ROW: usize = 3 * BAR + 34;

#[derive(Deserialize)]
struct Numbers {
    date: String,
    machine: String,
    /// The load of the machine before and at the end.
    load: [f64; 2],
    runs: usize,
    /// This one comes first.
    clients: Vec<String>,
    measures: Vec<Measure>,
}

#[derive(Deserialize)]
struct Measure {
    what: String,
    unit: String,
    /// Of each client.
    figures: Vec<f64>,
    /// How many times this client's.
    ratios: Vec<f64>,
}

impl Measure {
    /// What is said of each client.
    fn cells(&self) -> impl Iterator<Item = String> {
        let cells = self.figures.iter().zip(&self.ratios);
        cells.map(|(figure, ratio)| format!("{figure} {} · {}×", self.unit, factor(*ratio)))
    }
}

pub(super) fn draw(root: &Path) -> Result<String, String> {
    let numbers = read(root)?;
    let mut canvas = Canvas::default();
    let title = "What a user waits for: less is better, and × is how many times this client's";
    canvas.text("title", (LEFT, 34), title);
    for (n, measure) in numbers.measures.iter().enumerate() {
        let (left, mut y) = (LEFT + n % COLUMNS * COLUMN, 68 + n / COLUMNS * ROW);
        canvas.text("", (left, y), &measure.what);
        let most = measure.figures.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let rows = numbers.clients.iter().zip(measure.cells()).zip(&measure.figures).zip(CLASSES);
        for (((client, cell), figure), class) in rows {
            y += BAR;
            canvas.text("small", (left, y + 4), client);
            let (x, length) = (left + BARS, share(figure / most));
            canvas.rect(class, (x, y - 6), length, BAR - 4);
            canvas.text("small", (x + length + 6, y + 4), &cell);
        }
    }
    let rows = numbers.measures.len().div_ceil(COLUMNS);
    Ok(canvas.finish(title, COLUMNS * COLUMN, 58 + rows * ROW))
}

/// A page with the table as it has to be, all else as it is.
pub(super) fn table_in(root: &Path, page: &str) -> Result<String, String> {
    let numbers = read(root)?;
    let text = files::read_in(root, page)?;
    let missing = || format!("{page} has no place for the table: no line {BEGIN:?} before {END:?}");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", table(&numbers)))
}

fn table(numbers: &Numbers) -> String {
    let mut table = format!(
        "| | {} |\n|---{}|\n",
        numbers.clients.join(" | "),
        "|---:".repeat(numbers.clients.len())
    );
    for measure in &numbers.measures {
        let cells: Vec<_> = measure.cells().collect();
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {} | {} |", measure.what, cells.join(" | "));
    }
    let Numbers { date, machine, load: [before, after], runs, .. } = numbers;
    let _ = writeln!(
        table,
        "\n{date}; {machine}; medians of {runs} rounds. Load of the machine: {before} before, {after} at the end."
    );
    table
}

fn read(root: &Path) -> Result<Numbers, String> {
    let text = files::read_in(root, SOURCE)?;
    let numbers: Numbers = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let clients = numbers.clients.len();
    if !(1..=CLASSES.len()).contains(&clients) {
        return Err(format!("names {clients} clients, not 1 to {}", CLASSES.len()));
    }
    let short = numbers
        .measures
        .iter()
        .find(|it| it.figures.len() != clients || it.ratios.len() != clients);
    match short {
        Some(Measure { what, .. }) => {
            Err(format!("{what:?} does not have a figure and a ratio for each client"))
        }
        None => Ok(numbers),
    }
}

/// How long a bar is.
fn share(of_the_longest: f64) -> usize {
    ((of_the_longest * LONGEST as f64).round() as usize).max(1)
}

/// A ratio, as exact as it is worth.
fn factor(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}
