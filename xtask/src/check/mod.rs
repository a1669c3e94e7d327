//! What a pull request must satisfy. Writes nothing, runs every check, and names for each failure the
//! file and what to do.

mod ci;
mod document;
mod documented;
mod imports;
mod map;
mod pictures;
mod report;
mod size;
#[cfg(test)]
mod tree;

use std::path::Path;

pub use self::report::{Failure, Report};

/// Checks the workspace at `root`.
#[must_use]
pub fn run(root: &Path) -> Report {
    let mut checks = document::checks(root);
    checks.push(("documented commands and options exist", documented::check(root)));
    checks.push(("documented commands are those that CI runs", ci::check(root)));
    checks.push(("imports go down, and never in a circle", imports::check(root)));
    checks.push(("files and folders are small", size::check(root)));
    checks.push(("ARCHITECTURE.md maps the folders", map::check(root)));
    checks.push(("pictures show what they are made of", pictures::check(root)));
    Report { checks }
}
