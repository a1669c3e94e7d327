//! The pictures of the documentation show what they are made of.

use super::report::Failure;
use crate::files;
use crate::pictures::{self, Picture};
use std::path::Path;

pub(super) fn check(root: &Path) -> Vec<Failure> {
    let pictures = pictures::draw(root).into_iter();
    let problem = |Picture { path, source, drawn }| match drawn {
        Err(problem) => {
            let repair = format!("correct {source}, or what xtask/src/pictures/ reads of it");
            Some(Failure::new(source, &problem, repair))
        }
        Ok(svg) if files::read_in(root, path).is_ok_and(|it| it == svg) => None,
        Ok(_) => {
            let what = format!("is missing, or is not what {source} shows");
            Some(Failure::new(path, &what, "cargo xtask pictures"))
        }
    };
    let mut failures: Vec<_> = pictures.filter_map(problem).collect();
    // What several are made of is named once.
    failures.dedup();
    failures
}
