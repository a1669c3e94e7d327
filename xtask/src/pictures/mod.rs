//! The pictures of the documentation, and the tables beside them. Nothing in them is drawn by hand: each is
//! made of a file that is compiled, tested or measured, and `cargo xtask check` fails when it shows something
//! else.

mod demo;
mod inline;
mod peers;
mod speed;
mod steps;
mod svg;
mod table;

use crate::error::{Error, Outcome};
use crate::files::{self, Edit};
use std::path::Path;

type Draw = fn(&Path) -> Result<String, String>;

/// The pictures: what each is made of, and how.
const PICTURES: [(&str, &str, Draw); 4] = [
    ("docs/pictures/demo.svg", demo::SOURCE, demo::draw),
    ("docs/pictures/peers.svg", peers::SOURCE, peers::draw),
    ("docs/pictures/speed.svg", speed::SOURCE, speed::draw),
    ("docs/pictures/steps.svg", steps::SOURCE, steps::draw),
];

/// The pages with a table, as `PICTURES`.
const TABLES: [(&str, &str, Draw); 2] = [
    (README, speed::SOURCE, |root| speed::table_in(root, README)),
    (BENCHES, speed::SOURCE, |root| speed::table_in(root, BENCHES)),
];
const README: &str = "README.md";
const BENCHES: &str = "benches/README.md";

/// A picture as it has to be, or a page with a table.
#[derive(Debug)]
pub struct Picture {
    /// From the workspace's folder.
    pub path: &'static str,
    /// The file that it is made of.
    pub source: &'static str,
    /// The file's content, or why there can be none.
    pub drawn: Result<String, String>,
}

/// Draws every picture, and writes nothing.
#[must_use]
pub fn draw(root: &Path) -> Vec<Picture> {
    let made = |(path, source, draw): (_, _, Draw)| Picture { path, source, drawn: draw(root) };
    let mut pictures: Vec<_> = PICTURES.map(made).into();
    let drawn = pictures.iter().map(|it| Some((it.path, it.drawn.as_deref().ok()?)));
    if let Some(drawn) = drawn.collect::<Option<Vec<_>>>() {
        let drawn = Ok(inline::definitions(&drawn));
        pictures.push(Picture { path: inline::PATH, source: inline::SOURCE, drawn });
    }
    pictures.extend(TABLES.map(made));
    pictures
}

/// Writes the pictures that are not as they have to be.
///
/// # Errors
/// One cannot be drawn, and none is written; or one cannot be written.
pub fn run(root: &Path) -> Result<Outcome, Error> {
    let edit = |Picture { path, source, drawn }| match drawn {
        Ok(svg) => Ok(Edit { path: String::from(path), content: Some(svg) }),
        Err(problem) => Err(Error::new(format!("{path} cannot be drawn: {source}: {problem}"))),
    };
    let edits = draw(root).into_iter().map(edit).collect::<Result<_, Error>>()?;
    let changes = files::only_changes(root, edits);
    files::write_all(root, &changes)?;
    let text = match changes.as_slice() {
        [] => "every picture is up to date\n".to_owned(),
        changes => changes.iter().map(|edit| format!("wrote {}\n", edit.path)).collect(),
    };
    Ok(Outcome { text, code: 0 })
}
