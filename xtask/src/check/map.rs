//! ARCHITECTURE.md maps every folder, and names no file that does not exist.

use super::report::Failure;
use crate::files;
use std::collections::BTreeSet;
use std::path::Path;

const MAP: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Folder map";

/// The folders whose folders are on the map, beside those of the workspace itself.
const MAPPED: [&str; 5] = ["", "src", "codegen/src", "cli/src", "xtask/src"];

pub(super) fn check(root: &Path) -> Vec<Failure> {
    let Ok(text) = files::read_in(root, MAP) else {
        return vec![Failure::new(MAP, "is missing", format!("git checkout -- {MAP}"))];
    };
    let named = entries(&text);
    let folders = MAPPED.iter().flat_map(|folder| files::folders(root, folder));
    let wanted: BTreeSet<String> = folders.filter(|folder| !folder.starts_with('.')).collect();
    let unnamed = wanted.iter().filter(|folder| !named.contains(&format!("{folder}/"))).map(|it| {
        let what = format!("its map does not name {it}/");
        Failure::new(MAP, &what, format!("add a line for {it}/, or move its files"))
    });
    let gone = named.iter().filter(|entry| !root.join(entry).exists()).map(|entry| {
        let what = format!("its map names {entry}, which does not exist");
        Failure::new(MAP, &what, format!("remove or correct the line of {entry}"))
    });
    let lost = paths(&text).into_iter().filter(|path| !root.join(path).exists()).map(|path| {
        let what = format!("it points to {path}, which does not exist");
        Failure::new(MAP, &what, "name the file that the sentence is about today")
    });
    unnamed.chain(gone).chain(lost).collect()
}

/// Files and folders of the workspace that the text names in backquotes.
fn paths(markdown: &str) -> BTreeSet<&str> {
    let is_path = |code: &&str| {
        MAPPED[1..].iter().any(|folder| code.starts_with(&format!("{folder}/")))
            && !code.contains(char::is_whitespace)
    };
    markdown.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_path).collect()
}

/// The first words of the lines in the map's block.
fn entries(markdown: &str) -> BTreeSet<String> {
    let section = markdown.lines().skip_while(|line| *line != HEADING);
    let block = section.skip_while(|line| !line.starts_with("```")).skip(1);
    block
        .take_while(|line| !line.starts_with("```"))
        // A line that begins with a space continues the one before.
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    const TEXT: &str = "# A\n\n## Folder map\n\n```\nbuild.rs  begins\n          here\nsrc/      b\nsrc/c/    d\ntests/\n```\n";

    fn tree(map: &str) -> Tree {
        let tree = Tree::new();
        tree.write(MAP, map);
        for file in ["build.rs", "src/c/d.rs", "tests/e/f.rs", "target/g.rs", ".github/h.yml"] {
            tree.write(file, "");
        }
        tree
    }

    #[track_caller]
    fn only_failure(map: &str) -> Failure {
        let failures = check(tree(map).root());
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].file, MAP);
        failures.into_iter().next().unwrap()
    }

    #[test]
    fn a_complete_map_is_fine() {
        assert_eq!(check(tree(TEXT).root()), []);
    }

    #[test]
    fn a_folder_that_is_not_on_the_map_is_named() {
        let failure = only_failure(&TEXT.replace("src/c/    d\n", ""));
        assert!(failure.what.contains("does not name src/c/"), "{failure:?}");
        let failure = only_failure(&TEXT.replace("tests/\n", ""));
        assert!(failure.what.contains("does not name tests/"), "{failure:?}");
    }

    #[test]
    fn a_path_in_a_sentence_that_leads_nowhere_is_named() {
        assert_eq!(check(tree(&format!("{TEXT}\nSee `src/c/d.rs` or `cargo x`.\n")).root()), []);
        let failure = only_failure(&format!("{TEXT}\nSee `src/c/gone.rs`.\n"));
        assert!(failure.what.contains("points to src/c/gone.rs"), "{failure:?}");
    }

    #[test]
    fn a_line_without_a_folder_is_named() {
        let failure = only_failure(&TEXT.replace("tests/\n", "tests/\ngone/  g\n"));
        assert!(failure.what.contains("names gone/"), "{failure:?}");
    }
}
