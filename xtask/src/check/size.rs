//! Source files and folders stay small enough to be read in one go.

use super::report::Failure;
use crate::files;
use std::collections::BTreeMap;
use std::path::Path;

/// Lines of a file, tests included.
const LINES: usize = 500;

/// Source files directly in a folder.
const FILES: usize = 14;

pub(super) fn check(root: &Path) -> Vec<Failure> {
    let sources = files::sources(root, "");
    let long = sources.iter().filter_map(|file| {
        let lines = files::read_in(root, file).ok()?.lines().count();
        let what = format!("has {lines} lines, more than {LINES}");
        (lines > LINES).then(|| Failure::new(file, &what, "split it by what its parts are about"))
    });
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &sources {
        let folder = file.rsplit_once('/').map_or(".", |(folder, _)| folder);
        *folders.entry(folder).or_default() += 1;
    }
    let wide = folders.into_iter().filter(|(_, count)| *count > FILES).map(|(folder, count)| {
        let what = format!("has {count} source files side by side, more than {FILES}");
        Failure::new(folder, &what, "group them in folders by what they are about")
    });
    long.chain(wide).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn a_long_file_is_named_whatever_it_is_written_in() {
        for file in ["src/a.rs", "benches/a.py", ".ci/a.sh", "tests/run"] {
            let tree = Tree::new();
            tree.write(file, &format!("#!/bin/sh\n{}", "#\n".repeat(LINES - 1)));
            assert_eq!(check(tree.root()), []);
            tree.write(file, &format!("#!/bin/sh\n{}", "#\n".repeat(LINES)));
            let failures = check(tree.root());
            assert_eq!(failures.len(), 1, "{failures:?}");
            assert_eq!(failures[0].file, file);
            assert!(failures[0].what.contains("501 lines"), "{failures:?}");
        }
    }

    #[test]
    fn a_wide_folder_is_named() {
        let tree = Tree::new();
        for number in 0..FILES {
            tree.write(&format!("src/a/{number}.rs"), "");
        }
        tree.write("src/a/deeper/b.rs", "");
        assert_eq!(check(tree.root()), []);
        tree.write("src/a/b.rs", "");
        let failures = check(tree.root());
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].file, "src/a");
        assert!(failures[0].what.contains("15 source files"), "{failures:?}");
    }

    #[test]
    fn what_is_not_written_by_hand_does_not_count() {
        let tree = Tree::new();
        for file in ["target/a.rs", "benches/node_modules/a.mjs", "spec/a.yml", ".venv/a.py"] {
            tree.write(file, &"#\n".repeat(LINES + 1));
        }
        assert_eq!(check(tree.root()), []);
    }
}
